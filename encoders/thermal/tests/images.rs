//! Thermal images of eight bits, of sixteen and of floats.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::io::Cursor;

use image::{ImageBuffer, ImageFormat, Luma, Rgb};
use onespace_core::{Prepare, PrepareRequest, Reason, TensorData};
use onespace_thermal::{ThermalPreparer, table::Thermal};

fn table(range: Option<[f32; 2]>) -> Thermal {
    let table = serde_json::json!({
        "width": 3, "height": 2, "resize": "squash", "filter": "bicubic", "range": range, "mean": [0.0], "std": [1.0],
    });
    let table: Thermal = serde_json::from_value(table).unwrap();
    table.check().unwrap();
    table
}

fn png<P: image::PixelWithColorType>(values: Vec<P::Subpixel>) -> Vec<u8>
where
    [P::Subpixel]: image::EncodableLayout,
{
    let mut out = Cursor::new(Vec::new());
    ImageBuffer::<P, _>::from_raw(3, 2, values).unwrap().write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner()
}

fn floats(values: &[f32]) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut out).unwrap();
    encoder.write_image::<tiff::encoder::colortype::Gray32Float>(3, 2, values).unwrap();
    out.into_inner()
}

fn values(table: &Thermal, file: &[u8]) -> Result<Vec<f32>, Reason> {
    let prepared = ThermalPreparer::new(table).prepare(&PrepareRequest::of(file)).map_err(|error| error.reason)?;
    let TensorData::F32(values) = &prepared.samples[0].tensors[0].data else { panic!("floats") };
    assert_eq!(prepared.samples[0].tensors[0].shape, [1, 2, 3]);
    Ok(values.clone())
}

fn assert_close(found: &[f32], wanted: &[f32]) {
    assert_eq!(found.len(), wanted.len());
    assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 1e-5), "{found:?}, not {wanted:?}");
}

#[test]
fn eight_bits_are_taken_as_they_are_and_colours_become_grey() {
    let wanted = [0.0, 51.0, 102.0, 153.0, 204.0, 255.0].map(|value: f32| value / 255.0);
    let grey: Vec<u8> = vec![0, 51, 102, 153, 204, 255];
    assert_close(&values(&table(None), &png::<Luma<u8>>(grey.clone())).unwrap(), &wanted);
    let rgb: Vec<u8> = grey.iter().flat_map(|value| [*value; 3]).collect();
    assert_close(&values(&table(None), &png::<Rgb<u8>>(rgb)).unwrap(), &wanted);
    // Pillow 12: Image.new("RGB", (1, 1), (200, 100, 50)).convert("L") is 124.
    let colour = values(&table(None), &png::<Rgb<u8>>([200, 100, 50].repeat(6))).unwrap();
    assert_close(&colour, &[124.0 / 255.0; 6]);
}

#[test]
fn more_bits_need_a_range() {
    let kelvin: Vec<u16> = vec![27_315, 28_315, 29_315, 30_315, 31_315, 40_000];
    let file = png::<Luma<u16>>(kelvin);
    assert_eq!(values(&table(None), &file), Err(Reason::MediaUnsupported));
    let warm = table(Some([27_315.0, 31_315.0]));
    assert_close(&values(&warm, &file).unwrap(), &[0.0, 0.25, 0.5, 0.75, 1.0, 1.0]);
    let celsius = table(Some([-10.0, 30.0]));
    assert_close(
        &values(&celsius, &floats(&[-20.0, -10.0, 0.0, 10.0, 20.0, 30.0])).unwrap(),
        &[0.0, 0.0, 0.25, 0.5, 0.75, 1.0],
    );
    assert_eq!(values(&celsius, &floats(&[f32::NAN; 6])), Err(Reason::MediaMalformed));
}

#[test]
fn broken_files_are_errors() {
    let file = floats(&[1.0; 6]);
    for cut in 0..file.len() {
        assert_ne!(values(&table(Some([0.0, 1.0])), &file[..cut]), Err(Reason::Panicked), "{cut} bytes");
    }
    assert_eq!(values(&table(None), b""), Err(Reason::MediaEmpty));
}
