//! Drawings in SVG: what is drawn, where, and what is not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

use onespace_core::{Prepare, PrepareRequest, Reason, Result, TensorData, limits};
use onespace_image::{ImagePreparer, table::Image};

const SIDES: (usize, usize) = (8, 4);

/// Red, green and blue of each pixel, of 8 × 4 pixels.
fn prepare(svg: &str) -> Result<Vec<[u8; 3]>> {
    let table = r#"{
        "width": 8, "height": 4, "resize": "squash", "filter": "nearest", "background": [255, 255, 0],
        "mean": [0, 0, 0], "std": [1, 1, 1]
    }"#;
    let spec: Image = serde_json::from_str(table).unwrap();
    let mut prepared = ImagePreparer::new(&spec).prepare(&PrepareRequest::of(svg.as_bytes()))?;
    let TensorData::F32(values) = prepared.samples.remove(0).tensors.remove(0).data else { panic!("not floats") };
    let count = SIDES.0 * SIDES.1;
    let value = |place: usize| (values[place] * 255.0).round() as u8;
    Ok((0..count).map(|pixel| [value(pixel), value(count + pixel), value(2 * count + pixel)]).collect())
}

const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40">"#;

fn drawing(body: &str) -> String {
    format!("<?xml version=\"1.0\"?>\n<!-- a drawing -->\n{HEAD}{body}</svg>")
}

#[test]
fn shapes_are_drawn_over_the_background() {
    let body = r##"<rect width="40" height="40" fill="#0000ff"/><rect x="40" width="20" height="20" fill="red"
        fill-opacity="0.5"/>"##;
    let pixels = prepare(&drawing(body)).unwrap();
    for (place, pixel) in pixels.iter().enumerate() {
        let expected = match (place % SIDES.0, place / SIDES.0) {
            (0..4, _) => [0, 0, 255],
            (4..6, 0..2) => [255, 127, 0],
            _ => [255, 255, 0],
        };
        let near = pixel.iter().zip(expected).all(|(ours, theirs)| ours.abs_diff(theirs) <= 1);
        assert!(near, "{place}: {pixel:?}, not {expected:?}");
    }
}

#[test]
fn nothing_but_the_file_is_read() {
    let outside = r#"<rect width="80" height="40" fill="blue"/>
        <image width="80" height="40" href="file:///usr/share/pixmaps/a.png"/>
        <image width="80" height="40" href="http://localhost/a.png"/><text x="1" y="30">words</text>"#;
    assert!(prepare(&drawing(outside)).unwrap().iter().all(|pixel| *pixel == [0, 0, 255]));
    let error = prepare(&drawing("<text x=\"1\" y=\"30\">words</text>")).unwrap_err();
    assert!(error.reason == Reason::MediaUnsupported && error.message.contains("texts"), "{error}");
}

#[test]
fn what_is_too_large_or_endless_or_broken_is_refused() {
    let entities: String =
        (1..12).map(|n| format!("<!ENTITY a{n} \"{}\">", format!("&a{};", n - 1).repeat(10))).collect();
    let bomb = format!(
        "<!DOCTYPE svg [<!ENTITY a0 \"ha\">{entities}]>{HEAD}<desc>&a11;</desc><rect width='9' height='9'/></svg>"
    );
    let nested = drawing(&format!("{}<rect width='9' height='9'/>{}", "<g>".repeat(3000), "</g>".repeat(3000)));
    let itself = drawing("<g id='a'><use href='#a'/><use href='#a'/></g>");
    let uses: String =
        (1..20).map(|n| format!("<g id='a{n}'>{}</g>", format!("<use href='#a{}'/>", n - 1).repeat(9))).collect();
    let laughs = drawing(&format!("<rect id='a0' width='9' height='9'/>{uses}"));
    let filters = "<rect width='80' height='40' style='filter: url(#f)'/>".repeat(300);
    let filters = drawing(&format!("<filter id='f'><feGaussianBlur stdDeviation='9'/></filter>{filters}"));
    for (what, svg) in [("depth", nested), ("uses", laughs), ("filters", filters)] {
        assert_eq!(prepare(&svg).unwrap_err().reason, Reason::MediaTooLarge, "{what}");
    }
    for (what, svg) in [("entities", bomb), ("itself", itself)] {
        let error = prepare(&svg).unwrap_err();
        assert!(error.reason.name().starts_with("MEDIA_"), "{what}: {error}");
    }
    let large = drawing(&format!("<desc>{}</desc>", "x".repeat(limits::SVG_BYTES)));
    assert_eq!(prepare(&large).unwrap_err().reason, Reason::MediaTooLarge);
    let huge = "<svg xmlns='http://www.w3.org/2000/svg' width='1e9' height='1'><rect width='9e8' height='1'/></svg>";
    let wide = prepare(huge);
    assert!(wide.is_ok() || wide.is_err_and(|error| error.reason.name().starts_with("MEDIA_")));
    let cut = drawing("<rect width='80' height='40'/>");
    assert_eq!(prepare(&cut[..cut.len() - 4]).unwrap_err().reason, Reason::MediaMalformed);
}
