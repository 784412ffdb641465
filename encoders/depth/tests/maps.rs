//! Depth maps of every kind that cameras write, and files that are none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::io::Cursor;

use image::{ImageBuffer, ImageFormat, Luma, Rgb};
use onespace_core::{Deadline, Patience, Prepare, PrepareRequest, Reason, Tensor, TensorData};
use onespace_depth::{DepthPreparer, table::Depth};
use tiff::encoder::{TiffEncoder, colortype};

/// A table of a graph that takes 4 x 3 pixels as they are.
fn table(more: serde_json::Value) -> Depth {
    let mut table = serde_json::json!({
        "width": 4, "height": 3, "resize": "squash", "filter": "bilinear", "encoding": "distance",
        "min": 0.5, "max": 10.0, "mean": [0.25], "std": [0.5],
    });
    table.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let table: Depth = serde_json::from_value(table).unwrap();
    table.check().unwrap();
    table
}

/// Distances in metres that have an exact form in millimetres; one is a hole.
const METRES: [f32; 12] = [1.0, 2.0, 3.0, 4.0, 5.5, 6.0, 0.0, 8.0, 9.0, 9.5, 12.0, 0.125];

fn png(values: &[u16], size: (u32, u32)) -> Vec<u8> {
    let image = ImageBuffer::<Luma<u16>, _>::from_raw(size.0, size.1, values.to_vec()).unwrap();
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner()
}

fn millimetres() -> Vec<u16> {
    METRES.iter().map(|metres| (metres * 1000.0) as u16).collect()
}

fn tiff<C: colortype::ColorType>(values: &[C::Inner], size: (u32, u32)) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut out = Cursor::new(Vec::new());
    TiffEncoder::new(&mut out).unwrap().write_image::<C>(size.0, size.1, values).unwrap();
    out.into_inner()
}

fn values(table: &Depth, file: &[u8]) -> Result<Vec<f32>, Reason> {
    let prepared = DepthPreparer::new(table).prepare(&PrepareRequest::of(file)).map_err(|error| error.reason)?;
    let [sample] = prepared.samples.as_slice() else { panic!("one sample") };
    let [Tensor { shape, data: TensorData::F32(values) }] = sample.tensors.as_slice() else { panic!("one tensor") };
    assert_eq!(shape, &[table.mean.len(), table.height as usize, table.width as usize]);
    Ok(values.clone())
}

/// What the table makes of distances without holes.
fn expected(metres: &[f32]) -> Vec<f32> {
    metres.iter().map(|metres| (metres.clamp(0.5, 10.0) / 10.0 - 0.25) / 0.5).collect()
}

fn assert_close(found: &[f32], wanted: &[f32]) {
    assert_eq!(found.len(), wanted.len());
    for (place, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        assert!((found - wanted).abs() < 1e-5, "value {place}: {found}, not {wanted}");
    }
}

#[test]
fn distances_are_the_same_in_every_file() {
    let table = table(serde_json::json!({}));
    // The hole in the middle row lies between 6 and 8: the left one.
    let mut filled = METRES;
    filled[6] = 6.0;
    let wanted = expected(&filled);
    assert_close(&values(&table, &png(&millimetres(), (4, 3))).unwrap(), &wanted);
    assert_close(&values(&table, &tiff::<colortype::Gray16>(&millimetres(), (4, 3))).unwrap(), &wanted);
    assert_close(&values(&table, &tiff::<colortype::Gray32Float>(&METRES, (4, 3))).unwrap(), &wanted);
    let mut unknown = METRES;
    unknown[6] = f32::NAN;
    assert_close(&values(&table, &tiff::<colortype::Gray32Float>(&unknown, (4, 3))).unwrap(), &wanted);
    unknown[6] = f32::INFINITY;
    assert_close(&values(&table, &tiff::<colortype::Gray32Float>(&unknown, (4, 3))).unwrap(), &wanted);
    unknown[6] = -1.0;
    assert_close(&values(&table, &tiff::<colortype::Gray32Float>(&unknown, (4, 3))).unwrap(), &wanted);
}

#[test]
fn steps_disparity_and_channels_are_as_the_table_says() {
    let halves = table(serde_json::json!({ "unit_m": 0.0005 }));
    let known = [2000_u16, 4000, 6000, 8000].repeat(3);
    assert_close(&values(&halves, &png(&known, (4, 3))).unwrap(), &expected(&[1.0, 2.0, 3.0, 4.0].repeat(3)));
    let disparity = table(serde_json::json!({
        "encoding": "disparity", "baseline_focal": 40.0, "min": 0.01, "max": 75.0, "mean": [0.0], "std": [1.0],
    }));
    let found = values(&disparity, &png(&known, (4, 3))).unwrap();
    assert_close(&found[..4], &[20.0 / 75.0, 10.0 / 75.0, 40.0 / 6.0 / 75.0, 5.0 / 75.0]);
    let thrice = table(serde_json::json!({ "mean": [0.0, 0.1, 0.2], "std": [1.0, 1.0, 1.0] }));
    let found = values(&thrice, &png(&known, (4, 3))).unwrap();
    assert!((found[0] - found[12] - 0.1).abs() < 1e-6 && (found[0] - found[24] - 0.2).abs() < 1e-6);
}

#[test]
fn the_centre_is_cut_and_shrunk_in_floats() {
    let table = table(serde_json::json!({ "width": 2, "height": 2, "resize": "shortest-edge" }));
    // Twice as wide as high: the two middle columns of pairs remain, each the mean of its four pixels.
    let row = [1000_u16, 1000, 2000, 3000, 4000, 5000, 9000, 9000];
    let found = values(&table, &png(&row.repeat(4), (8, 4))).unwrap();
    let plain = |metres: f32| (metres / 10.0 - 0.25) / 0.5;
    // Antialiased: a triangle of four pixels' width weighs 1, 3, 3, 1 of eight.
    let wanted = [(1.0 + 3.0 * 2.0 + 3.0 * 3.0 + 4.0) / 8.0, (3.0 + 3.0 * 4.0 + 3.0 * 5.0 + 9.0) / 8.0];
    assert_close(&found, &[plain(wanted[0]), plain(wanted[1])].repeat(2));
}

#[test]
fn what_is_no_depth_map_is_refused() {
    let table = table(serde_json::json!({}));
    let mut colours = Cursor::new(Vec::new());
    ImageBuffer::<Rgb<u8>, _>::from_fn(4, 3, |x, _| Rgb([x as u8, 2, 3]))
        .write_to(&mut colours, ImageFormat::Png)
        .unwrap();
    assert_eq!(values(&table, colours.get_ref()), Err(Reason::MediaUnsupported));
    assert_eq!(values(&table, &png(&[0; 12], (4, 3))), Err(Reason::MediaEmpty), "nothing was measured");
    assert_eq!(values(&table, b""), Err(Reason::MediaEmpty));
    assert_eq!(values(&table, b"no image"), Err(Reason::MediaUnsupported));
    for file in [png(&millimetres(), (4, 3)), tiff::<colortype::Gray32Float>(&METRES, (4, 3))] {
        for cut in 0..file.len() {
            // Whatever is left of it: an error or values, never a panic.
            let outcome = values(&table, &file[..cut]);
            assert_ne!(outcome, Err(Reason::Panicked), "{cut} bytes");
        }
    }
}

#[test]
fn nobody_waits_for_what_nobody_wants() {
    let file = png(&vec![1000; 2000 * 2000], (2000, 2000));
    let preparer = DepthPreparer::new(&table(serde_json::json!({})));
    let over = Patience::until(Deadline::after(std::time::Duration::ZERO));
    let error = preparer.prepare(&PrepareRequest::of(&file).within(&over)).unwrap_err();
    assert_eq!(error.reason, Reason::DeadlineExceeded);
}
