//! TIFFs with tags that mean nothing, or that cost more than they are: each its picture, or refused at once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use std::time::{Duration, Instant};

use common::tiff::Tiff;
use onespace_core::{Error, Patience, Prepare, PrepareRequest, Reason, Result, TensorData, limits};
use onespace_image::{ImagePreparer, plane::decode_plane, table::Image};

/// Pixels of a file of that size.
fn decoded(bytes: &[u8], (width, height): (u32, u32)) -> Result<Vec<[u8; 3]>> {
    let table = serde_json::json!({
        "width": width, "height": height, "resize": "squash", "filter": "nearest",
        "mean": [0, 0, 0], "std": [1, 1, 1], "background": [0, 0, 0],
    });
    let spec: Image = serde_json::from_value(table).unwrap();
    let mut sample = ImagePreparer::new(&spec).prepare(&PrepareRequest::of(bytes))?.samples.remove(0);
    let TensorData::F32(values) = sample.tensors.remove(0).data else { panic!("not floats") };
    let plane = values.len() / 3;
    let byte = |at: usize| (values[at] * 255.0).round() as u8;
    Ok((0..plane).map(|at| [byte(at), byte(at + plane), byte(at + 2 * plane)]).collect())
}

/// Codes one after the other, the last byte filled up.
fn codes(written: &[(&str, usize)]) -> Vec<u8> {
    let bits: Vec<u8> = written.iter().flat_map(|(code, count)| code.repeat(*count).into_bytes()).collect();
    bits.chunks(8).map(|byte| (0..8).fold(0, |sum, at| sum << 1 | (byte.get(at) == Some(&b'1')) as u8)).collect()
}

/// A row that goes back to where it was, again and again, and one that goes on and back over all of it.
#[test]
fn a_row_of_a_fax_that_never_ends_is_refused_at_once() {
    let steps = 40_000;
    for row in [
        codes(&[("000010", steps), ("1", 1), ("0110000010", steps), ("1", 1)]),
        codes(&[("000010", steps), ("1", 1), ("1", 60)]),
    ] {
        let tiff = Tiff { compression: 4, ..Tiff::new((60, 2), &[1], 0, row) };
        let begun = Instant::now();
        assert_eq!(decoded(&tiff.bytes(), (60, 2)).unwrap_err().reason, Reason::MediaMalformed);
        assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    }
    // Rows as wordy as rows may be: each pixel another colour, in runs of one; every row by itself.
    let row = codes(&[("001000111010", 60), ("000000000001", 2)]);
    let tiff = Tiff { compression: 4, ..Tiff::new((60, 2), &[1], 0, row) };
    let line: Vec<[u8; 3]> = (0..60).map(|at| [if at % 2 == 0 { 255 } else { 0 }; 3]).collect();
    assert_eq!(decoded(&tiff.bytes(), (60, 2)).unwrap(), [line.clone(), line].concat());
}

#[test]
fn a_predictor_means_nothing_where_packing_knows_none() {
    let rgb: Vec<u8> = (0..48).map(|at| at * 5).collect();
    let wanted: Vec<[u8; 3]> = rgb.chunks(3).map(|pixel| pixel.try_into().unwrap()).collect();
    for compression in [1, 32_773] {
        for predictor in [2, 3] {
            let tiff = Tiff { compression, ..Tiff::new((4, 4), &[8; 3], 2, rgb.clone()).tag(317, &[predictor]) };
            assert_eq!(decoded(&tiff.bytes(), (4, 4)).unwrap(), wanted, "{compression} {predictor}");
        }
    }
    // All white, each row as the one before.
    let tiff =
        Tiff { compression: 4, ..Tiff::new((8, 2), &[1], 0, codes(&[("1", 2), ("000000000001", 2)])).tag(317, &[2]) };
    assert_eq!(decoded(&tiff.bytes(), (8, 2)).unwrap(), [[255; 3]; 16]);
}

#[test]
fn sizes_of_tiles_mean_nothing_where_there_are_strips() {
    let rgb: Vec<u8> = (0..48).map(|at| at * 5).collect();
    let wanted: Vec<[u8; 3]> = rgb.chunks(3).map(|pixel| pixel.try_into().unwrap()).collect();
    let tiff = Tiff::new((4, 4), &[8; 3], 2, rgb).tag(322, &[2]).tag(323, &[2]);
    assert_eq!(decoded(&tiff.bytes(), (4, 4)).unwrap(), wanted);
}

/// Sixteen thousand strips that are all the same ten million bytes, whose bits are in reverse order.
#[test]
fn strips_that_are_the_same_bytes_are_refused() {
    let (rows, size) = (16_384, 10_000_000);
    let tiff = Tiff::new((1, rows), &[8], 1, Vec::new()).tag(266, &[2]);
    let mut bytes = Tiff { chunk: (1, 1), chunks: vec![Vec::new(); rows as usize], ..tiff }.bytes();
    // Their places and sizes are lists of long words: every place the file's first byte, every size nearly all of it.
    let directory = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    for entry in bytes[directory + 2..].to_vec().chunks_exact(12) {
        let list = u32::from_le_bytes(entry[8..12].try_into().unwrap()) as usize;
        let value: u32 = match u16::from_le_bytes(entry[..2].try_into().unwrap()) {
            273 => 0,
            279 => size,
            _ => continue,
        };
        for number in bytes[list..list + 4 * rows as usize].chunks_exact_mut(4) {
            number.copy_from_slice(&value.to_le_bytes());
        }
    }
    bytes.resize(size as usize, 0);
    let begun = Instant::now();
    let error: Error = decode_plane(&bytes, &Patience::endless()).map(|plane| plane.values.len()).unwrap_err();
    assert_eq!(error.reason, Reason::MediaMalformed, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn colours_of_light_run_to_one_and_what_is_brighter_is_white() {
    let floats = |values: &[f32]| {
        let size = (values.len() as u32 / 3, 1);
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        decoded(&Tiff::new(size, &[32; 3], 2, bytes).tag(339, &[3, 3, 3]).bytes(), size).unwrap()
    };
    assert_eq!(floats(&[0.0, 0.5, 1.0, 0.25, -1.0, f32::NAN]), [[0, 128, 255], [64, 0, 0]]);
    for bright in [1.02, 7.5, 300.0, 65_000.0] {
        assert_eq!(floats(&[0.0, 0.5, 1.0, 0.25, bright, 0.75]), [[0, 128, 255], [64, 255, 191]], "{bright}");
    }
    // Bytes, kept in floats.
    assert_eq!(floats(&[0.0, 128.0, 255.0, 1.0, 2.0, 3.0]), [[0, 128, 255], [1, 2, 3]]);
}

/// Chroma that four pixels share is unpacked beside the pixels: half of them again, with one strip.
#[test]
fn what_chroma_takes_is_weighed() {
    let most = limits::IMAGE_DECODED_BYTES as u64;
    let (width, height) = (5000_u32, 5600_u32);
    let pixels = u64::from(width) * u64::from(height);
    assert!(9 * pixels <= most && 9 * pixels + pixels * 3 / 2 > most);
    let tiff =
        |photometric, rows| Tiff { chunk: (width, rows), ..Tiff::new((width, height), &[8; 3], photometric, vec![]) };
    let reason = |tiff: Tiff| decoded(&tiff.bytes(), (4, 4)).unwrap_err().reason;
    assert_eq!(reason(tiff(2, height)), Reason::MediaMalformed, "it is short, not large");
    assert_eq!(reason(tiff(6, height).tag(530, &[2, 2])), Reason::MediaTooLarge);
}
