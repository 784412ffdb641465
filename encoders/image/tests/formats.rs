//! Pixels of newer formats, and of strange files of old ones, are those of reference readers: libavif, libheif, libjxl,
//! OpenJPEG and Pillow (`golden/formats/make.py`).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::{Expected, read};
use onespace_core::{Prepare, PrepareRequest, TensorData};
use onespace_image::{
    ImagePreparer,
    table::{Image, ProfileUse},
};

#[derive(serde::Deserialize)]
struct Case {
    file: String,
    /// How far pixels may be apart on average and at most, in steps of one 255th.
    mean: f32,
    most: f32,
    /// What is asked of a bundle's table beside the size.
    #[serde(default)]
    profile: ProfileUse,
}

/// The pixels of a file as they are, three planes; another size than the stated one makes other pixels.
fn pixels(file: &str, (width, height): (usize, usize), profile: ProfileUse) -> Vec<f32> {
    let table = format!(
        r#"{{"width": {width}, "height": {height}, "resize": "squash", "filter": "nearest",
            "mean": [0, 0, 0], "std": [1, 1, 1]}}"#
    );
    let spec = Image { profile, ..serde_json::from_str(&table).unwrap() };
    let prepared = ImagePreparer::new(&spec).prepare(&PrepareRequest::of(&read(&format!("formats/{file}"))));
    match prepared.unwrap_or_else(|error| panic!("{file}: {error}")).samples.remove(0).tensors.remove(0).data {
        TensorData::F32(values) => values,
        TensorData::I64(_) => panic!("not floats"),
    }
}

#[test]
fn every_file_has_the_pixels_of_its_reference_reader() {
    let cases: Vec<Case> = serde_json::from_slice(&read("formats/cases.json")).unwrap();
    let expected = Expected::open("formats/expected.safetensors");
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for Case { file, mean, most, profile } in &cases {
        let shape = expected.shape(file);
        let ([height, width, _], theirs) = (shape, expected.bytes(file, &shape));
        let ours = pixels(file, (width, height), *profile);
        let gap = |place: usize| {
            let (channel, pixel) = (place / (width * height), place % (width * height));
            (ours[place] * 255.0 - f32::from(theirs[pixel * 3 + channel])).abs()
        };
        let gaps: Vec<f32> = (0..ours.len()).map(gap).collect();
        let (average, largest) =
            (gaps.iter().sum::<f32>() / gaps.len() as f32, gaps.iter().copied().fold(0.0, f32::max));
        println!("{file:<24} mean {average:.3} of {mean}  most {largest:.1} of {most}");
        if average > mean + 0.001 || largest > most + 0.001 {
            wrong.push(format!("{file}: mean {average:.3} of {mean}, most {largest:.1} of {most}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn profiles_count_only_where_a_bundle_asks() {
    for file in ["profile-p3.png", "profile-p3.jpg", "profile-inks.jpg", "profile-grey.png"] {
        let [ignored, applied] = [ProfileUse::Ignore, ProfileUse::Srgb].map(|profile| pixels(file, (16, 12), profile));
        assert_ne!(ignored, applied, "{file}");
    }
}
