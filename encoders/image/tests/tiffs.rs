//! TIFFs of every kind are their picture, or refused by name: never another picture.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::tiff::Tiff;
use onespace_core::{Prepare, PrepareRequest, Reason, Result, TensorData, limits};
use onespace_image::{
    ImagePreparer,
    plane::{Numbers, decode_plane},
    table::{Alpha, Image},
};

const SIZE: (u32, u32) = (13, 11);

/// Pixels of a file of that size, transparency over black.
fn decoded(bytes: &[u8], size: (u32, u32)) -> Result<Vec<[u8; 3]>> {
    pixels(bytes, size, Alpha::Blend)
}

fn pixels(bytes: &[u8], (width, height): (u32, u32), alpha: Alpha) -> Result<Vec<[u8; 3]>> {
    let table = serde_json::json!({
        "width": width, "height": height, "resize": "squash", "filter": "nearest",
        "mean": [0, 0, 0], "std": [1, 1, 1], "background": [0, 0, 0],
    });
    let spec = Image { alpha, ..serde_json::from_value(table).unwrap() };
    let mut sample = ImagePreparer::new(&spec).prepare(&PrepareRequest::of(bytes))?.samples.remove(0);
    let TensorData::F32(values) = sample.tensors.remove(0).data else { panic!("not floats") };
    let plane = values.len() / 3;
    let byte = |at: usize| (values[at] * 255.0).round() as u8;
    Ok((0..plane).map(|at| [byte(at), byte(at + plane), byte(at + 2 * plane)]).collect())
}

/// A picture in which no two neighbours are alike.
fn picture() -> Vec<[u8; 3]> {
    (0..SIZE.0 * SIZE.1).map(|at| [at * 7, at * 13 + 5, at * 29 + 11].map(|value| value as u8)).collect()
}

/// What a predictor for integers leaves of rows of pixels: each number less the one of the pixel before.
fn differences(numbers: &[u64], samples: usize, width: usize, bytes: usize) -> Vec<u64> {
    let mask = u64::MAX >> (64 - 8 * bytes);
    let row = |row: &[u64]| -> Vec<u64> {
        let before = |at: usize| if at < samples { 0 } else { row[at - samples] };
        (0..row.len()).map(|at| row[at].wrapping_sub(before(at)) & mask).collect()
    };
    numbers.chunks(width * samples).flat_map(row).collect()
}

fn written(numbers: &[u64], bytes: usize, little: bool) -> Vec<u8> {
    let number = |number: &u64| {
        let mut number = number.to_le_bytes()[..bytes].to_vec();
        if !little {
            number.reverse();
        }
        number
    };
    numbers.iter().flat_map(number).collect()
}

/// Both orders, both kinds of file, packed in every way.
fn every_way(check: impl FnMut(bool, &dyn Fn(Tiff) -> Vec<u8>)) {
    these_ways(&[1, 5, 8, 32_773], check);
}

/// Packed in the ways that know predictors.
fn predicted_ways(check: impl FnMut(bool, &dyn Fn(Tiff) -> Vec<u8>)) {
    these_ways(&[5, 8], check);
}

fn these_ways(packings: &[u64], mut check: impl FnMut(bool, &dyn Fn(Tiff) -> Vec<u8>)) {
    for little in [true, false] {
        for big in [true, false] {
            for compression in packings.iter().copied() {
                check(little, &|tiff: Tiff| Tiff { little, big, compression, ..tiff }.bytes());
            }
        }
    }
}

#[test]
fn bands_beside_the_colours_leave_them_what_they_are() {
    bands_beside_the_colours(1, &[1, 5, 8, 32_773]);
    bands_beside_the_colours(2, &[5, 8]);
}

fn bands_beside_the_colours(predictor: u64, packings: &[u64]) {
    these_ways(packings, |little, write| {
        for bytes in [1, 2, 4] {
            for extras in [vec![], vec![0], vec![0, 0], vec![2], vec![0, 2]] {
                let samples = 3 + extras.len();
                let scale = (u64::MAX >> (64 - 8 * bytes)) / 255;
                let numbers: Vec<u64> = picture()
                    .iter()
                    .enumerate()
                    .flat_map(|(at, rgb)| {
                        let rgb = rgb.map(|value| u64::from(value) * scale);
                        // What is transparent is opaque here; what is nothing is anything.
                        let bands =
                            extras.iter().map(move |kind| if *kind == 2 { 255 * scale } else { at as u64 * 71 % 256 });
                        rgb.into_iter().chain(bands).collect::<Vec<_>>()
                    })
                    .collect();
                let stored = if predictor == 2 { differences(&numbers, samples, 13, bytes) } else { numbers };
                let mut tiff = Tiff::new(SIZE, &vec![8 * bytes as u64; samples], 2, written(&stored, bytes, little))
                    .tag(317, &[predictor]);
                if !extras.is_empty() {
                    tiff = tiff.tag(338, &extras);
                }
                let what = format!("{bytes} bytes, {extras:?}, predictor {predictor}, little {little}");
                assert_eq!(decoded(&write(tiff), SIZE).unwrap(), picture(), "{what}");
            }
        }
    });
}

/// Tiles of bytes: of all samples, or of one each.
fn tiles(pixels: &[Vec<u8>], size: (u32, u32), tile: (u32, u32), planar: bool) -> Vec<Vec<u8>> {
    let samples = pixels[0].len();
    let bands: Vec<Vec<usize>> =
        if planar { (0..samples).map(|band| vec![band]).collect() } else { vec![(0..samples).collect()] };
    let mut tiles = Vec::new();
    for band in &bands {
        for top in (0..size.1).step_by(tile.1 as usize) {
            for left in (0..size.0).step_by(tile.0 as usize) {
                let place = |at: u32| (left + at % tile.0, top + at / tile.0);
                let value = |at: u32, band: usize| match place(at) {
                    (x, y) if x < size.0 && y < size.1 => pixels[(y * size.0 + x) as usize][band],
                    _ => 99,
                };
                tiles.push((0..tile.0 * tile.1).flat_map(|at| band.iter().map(move |band| value(at, *band))).collect());
            }
        }
    }
    tiles
}

#[test]
fn tiles_and_planes_come_together_whatever_their_size() {
    every_way(|_, write| {
        for tile in [(16, 16), (4, 4), (5, 32), (128, 128)] {
            for planar in [false, true] {
                let pixels: Vec<Vec<u8>> = picture().iter().map(|rgb| rgb.to_vec()).collect();
                let chunks = tiles(&pixels, SIZE, tile, planar);
                let tiff = Tiff { chunk: tile, chunks, ..Tiff::new(SIZE, &[8; 3], 2, Vec::new()) };
                let bytes = write(tiff.tag(284, &[if planar { 2 } else { 1 }]));
                assert_eq!(decoded(&bytes, SIZE).unwrap(), picture(), "{tile:?} {planar}");
            }
        }
        // Strips of four rows, the last of three.
        let rgb: Vec<u8> = picture().into_iter().flatten().collect();
        let chunks = rgb.chunks(4 * 13 * 3).map(<[u8]>::to_vec).collect();
        let tiff = Tiff { chunk: (13, 4), chunks, ..Tiff::new(SIZE, &[8; 3], 2, Vec::new()) };
        assert_eq!(decoded(&write(tiff), SIZE).unwrap(), picture());
    });
}

/// Rows of numbers of a few bits, each row ending with its byte.
fn bits(numbers: &[u64], width: usize, depth: u32) -> Vec<u8> {
    let row = |row: &[u64]| {
        let digits: Vec<u8> =
            row.iter().flat_map(|number| (0..depth).rev().map(move |bit| (number >> bit & 1) as u8)).collect();
        digits
            .chunks(8)
            .map(|byte| (0..8).fold(0, |sum, at| sum << 1 | byte.get(at).copied().unwrap_or(0)))
            .collect::<Vec<_>>()
    };
    numbers.chunks(width).flat_map(row).collect()
}

#[test]
fn greys_of_any_depth_run_from_black_to_white() {
    every_way(|little, write| {
        for depth in [1_u32, 2, 4, 6, 8, 10, 12, 16] {
            let most = (1 << depth) - 1;
            let numbers: Vec<u64> = (0..143).map(|at| at * 37 % (most + 1)).collect();
            let strip = match depth {
                16 => written(&numbers, 2, little),
                _ => bits(&numbers, 13, depth),
            };
            let byte = |number: &u64| if depth > 8 { number >> (depth - 8) } else { number * 255 / most } as u8;
            let grey: Vec<[u8; 3]> = numbers.iter().map(|number| [byte(number); 3]).collect();
            let black = Tiff::new(SIZE, &[u64::from(depth)], 1, strip.clone());
            assert_eq!(decoded(&write(black), SIZE).unwrap(), grey, "{depth}");
            let white = Tiff::new(SIZE, &[u64::from(depth)], 0, strip);
            let turned: Vec<[u8; 3]> = grey.iter().map(|grey| grey.map(|value| 255 - value)).collect();
            assert_eq!(decoded(&write(white), SIZE).unwrap(), turned, "{depth}");
        }
    });
}

#[test]
fn palettes_are_their_colours() {
    every_way(|_, write| {
        for depth in [1_u32, 2, 4, 8] {
            let entries = 1_usize << depth;
            let colours: Vec<[u8; 3]> =
                (0..entries).map(|at| [at * 11, 255 - at, at * 5 + 3].map(|value| value as u8)).collect();
            let numbers: Vec<u64> = (0..143).map(|at| at * 37 % entries as u64).collect();
            let wanted: Vec<[u8; 3]> = numbers.iter().map(|number| colours[*number as usize]).collect();
            // Sixteen bits, or eight as some write.
            for scale in [257, 256, 1] {
                let channel = |band: usize| colours.iter().map(move |colour| u64::from(colour[band]) * scale);
                let map: Vec<u64> = channel(0).chain(channel(1)).chain(channel(2)).collect();
                let tiff = Tiff::new(SIZE, &[u64::from(depth)], 3, bits(&numbers, 13, depth)).tag(320, &map);
                assert_eq!(decoded(&write(tiff), SIZE).unwrap(), wanted, "{depth} {scale}");
            }
        }
    });
    let short = Tiff::new(SIZE, &[8], 3, vec![0; 143]).tag(320, &[0; 300]);
    assert_eq!(decoded(&short.bytes(), SIZE).unwrap_err().reason, Reason::MediaMalformed);
}

#[test]
fn inks_and_chroma_are_their_colours() {
    // Cyan alone, black alone, nothing: Pillow's convert("RGB").
    let inks = [[255, 0, 0, 0], [0, 0, 0, 255], [0; 4], [10, 20, 30, 100]];
    let rgb = vec![[0, 255, 255], [0; 3], [255; 3], [149, 143, 137]];
    for planar in [false, true] {
        let pixels: Vec<Vec<u8>> = inks.iter().map(|ink| ink.to_vec()).collect();
        let chunks = tiles(&pixels, (4, 1), (4, 1), planar);
        let tiff = Tiff { chunks, ..Tiff::new((4, 1), &[8; 4], 5, Vec::new()) };
        assert_eq!(decoded(&tiff.tag(284, &[1 + u64::from(planar)]).bytes(), (4, 1)).unwrap(), rgb);
    }
    // Four pixels across and two down share a chroma: two blocks, the second half beyond the picture.
    let blocks = [vec![10, 20, 30, 40, 50, 60, 70, 80, 128, 128], vec![76, 76, 0, 0, 76, 76, 0, 0, 85, 255]].concat();
    let tiff = Tiff::new((6, 2), &[8; 3], 6, blocks).tag(530, &[4, 2]);
    let wanted: Vec<[u8; 3]> = [[10_u8, 20, 30, 40].map(|grey| [grey; 3]).to_vec(), vec![[254, 0, 0]; 2]].concat();
    assert_eq!(decoded(&tiff.bytes(), (6, 2)).unwrap()[..6], wanted);
    assert_eq!(decoded(&tiff.bytes(), (6, 2)).unwrap()[6], [50; 3]);
}

#[test]
fn what_is_transparent_shows_the_background_or_its_colour() {
    let tiff = |kind: u64| Tiff::new((2, 1), &[8; 4], 2, vec![100, 50, 0, 128, 7, 7, 7, 0]).tag(338, &[kind]).bytes();
    assert_eq!(decoded(&tiff(2), (2, 1)).unwrap(), [[50, 25, 0], [0; 3]]);
    assert_eq!(pixels(&tiff(2), (2, 1), Alpha::Drop).unwrap(), [[100, 50, 0], [7; 3]]);
    // Multiplied already.
    assert_eq!(decoded(&tiff(1), (2, 1)).unwrap(), [[100, 50, 0], [0; 3]]);
    assert_eq!(pixels(&tiff(1), (2, 1), Alpha::Drop).unwrap(), [[199, 99, 0], [0; 3]]);
    assert_eq!(decoded(&tiff(0), (2, 1)).unwrap(), [[100, 50, 0], [7; 3]]);
}

#[test]
fn floats_and_wide_integers_are_pictures_where_white_can_be_told() {
    let grey = |values: &[f32], format: u64, bits: u64| {
        let bytes: Vec<u8> = match (format, bits) {
            (3, 32) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            (3, _) => values.iter().flat_map(|value| f64::from(*value).to_le_bytes()).collect(),
            (2, 16) => values.iter().flat_map(|value| (*value as i16).to_le_bytes()).collect(),
            (2, _) => values.iter().flat_map(|value| (*value as i32).to_le_bytes()).collect(),
            _ => values.iter().flat_map(|value| (*value as u32).to_le_bytes()).collect(),
        };
        let size = (values.len() as u32, 1);
        let tiff = Tiff::new(size, &[bits], 1, bytes).tag(339, &[format]);
        decoded(&tiff.bytes(), size).map(|pixels| pixels.iter().map(|pixel| pixel[0]).collect::<Vec<u8>>())
    };
    for bits in [32, 64] {
        assert_eq!(grey(&[0.0, 0.5, 1.0, f32::NAN, -1.0], 3, bits).unwrap(), [0, 128, 255, 0, 0]);
        assert_eq!(grey(&[0.0, 0.5, 1.5, 200.9, 255.0], 3, bits).unwrap(), [0, 0, 1, 200, 255]);
        assert_eq!(grey(&[0.0, 1000.0], 3, bits).unwrap_err().reason, Reason::MediaUnsupported);
    }
    assert_eq!(grey(&[-5.0, 0.0, 7.0, 255.0], 2, 16).unwrap(), [0, 0, 7, 255]);
    assert_eq!(grey(&[-5.0, 0.0, 16_448.0, 32_767.0], 2, 16).unwrap(), [0, 0, 128, 255]);
    assert_eq!(grey(&[0.0, 7.0, 255.0], 1, 32).unwrap(), [0, 7, 255]);
    let error = grey(&[0.0, 70_000.0], 2, 32).unwrap_err();
    assert!(error.reason == Reason::MediaUnsupported && error.message.contains("which is white"), "{error}");
}

/// Bytes of floats, the highest of all first, each less the one `samples` before it.
#[test]
fn the_predictor_of_floats_is_undone() {
    let values: Vec<f32> = picture().into_iter().flatten().map(|value| f32::from(value) / 255.0).collect();
    let row = |row: &[f32]| {
        let planes = (0..4).flat_map(|byte| row.iter().map(move |value| value.to_be_bytes()[byte]));
        let planes: Vec<u8> = planes.collect();
        (0..planes.len())
            .map(|at| if at < 3 { planes[at] } else { planes[at].wrapping_sub(planes[at - 3]) })
            .collect::<Vec<_>>()
    };
    let strip: Vec<u8> = values.chunks(39).flat_map(row).collect();
    predicted_ways(|_, write| {
        let tiff = Tiff::new(SIZE, &[32; 3], 2, strip.clone()).tag(317, &[3]).tag(339, &[3, 3, 3]);
        assert_eq!(decoded(&write(tiff), SIZE).unwrap(), picture());
    });
}

#[test]
fn what_is_not_decoded_is_refused_by_name() {
    let plain = || Tiff::new((4, 4), &[8; 3], 2, vec![0; 48]);
    for (tiff, name) in [
        (Tiff { compression: 50_000, ..plain() }, "Zstandard"),
        (Tiff { compression: 34_925, ..plain() }, "LZMA"),
        (Tiff { compression: 34_712, ..plain() }, "JPEG 2000"),
        (Tiff { compression: 6, ..plain() }, "JPEG compression of the old kind"),
        (Tiff { compression: 3, ..Tiff::new((4, 4), &[1], 0, vec![0; 4]) }, "Group 3"),
        (Tiff { photometric: 8, ..plain() }, "Lab"),
        (Tiff::new((4, 4), &[8; 5], 1, vec![0; 80]), "5 bands"),
        (plain().tag(339, &[4, 4, 4]), "no type"),
        (Tiff { photometric: 6, ..plain() }.tag(530, &[3, 1]), "chroma shared by [3, 1]"),
        (Tiff { photometric: 5, ..Tiff::new((4, 4), &[8; 4], 5, vec![0; 64]) }.tag(332, &[2]), "inks other than"),
        (Tiff { compression: 5, ..Tiff::new((4, 4), &[4], 1, vec![0; 8]) }.tag(317, &[2]), "predictor over samples"),
    ] {
        let error = decoded(&tiff.bytes(), (4, 4)).unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::MediaUnsupported, "bytes"), "{name}: {error}");
        assert!(error.message.contains(name) && error.message.contains("save it as"), "{name}: {error}");
    }
    // Too few samples, strips that are not there, strips that are too short.
    let outside = Tiff { chunks: vec![vec![0; 40]], ..plain() };
    for compression in [1, 5, 8, 32_773] {
        let error = decoded(&Tiff { compression, ..outside.clone() }.bytes(), (4, 4)).unwrap_err();
        assert_eq!(error.reason, Reason::MediaMalformed, "{compression}: {error}");
    }
    assert!(decoded(&Tiff::new((4, 4), &[8; 2], 2, vec![0; 32]).bytes(), (4, 4)).is_err());
}

#[test]
fn what_is_too_large_is_refused_from_the_directory() {
    let side = limits::IMAGE_SIDE as u32;
    let hollow = |size, bits: &[u64], chunk| Tiff { chunk, ..Tiff::new(size, bits, 2, Vec::new()) }.bytes();
    for bytes in [
        hollow((side + 1, 1), &[8; 3], (side + 1, 1)),
        hollow((16_000, 16_000), &[8; 3], (16_000, 16_000)),
        hollow((7_000, 7_000), &[16; 3], (7_000, 7_000)),
        // A tile as large as can be said of a picture that is small.
        hollow((4, 4), &[8; 3], (u32::MAX, u32::MAX)),
        hollow((4, 4), &[8; 3], (20_000, 20_000)),
    ] {
        let begun = std::time::Instant::now();
        let error = decoded(&bytes, (4, 4)).unwrap_err();
        assert_eq!(error.reason, Reason::MediaTooLarge, "{error}");
        assert!(begun.elapsed() < std::time::Duration::from_millis(500));
    }
}

#[test]
fn broken_files_are_an_error_that_blames_them() {
    let rgb: Vec<u8> = picture().into_iter().flatten().collect();
    let tiff = Tiff { compression: 5, ..Tiff::new(SIZE, &[8; 3], 2, rgb).tag(317, &[2]) };
    let planar = tiles(&picture().iter().map(|rgb| rgb.to_vec()).collect::<Vec<_>>(), SIZE, (16, 16), true);
    let planar = Tiff { chunk: (16, 16), chunks: planar, compression: 8, ..tiff.clone() }.tag(284, &[2]);
    let map: Vec<u64> = (0..768).collect();
    let palette = Tiff { big: true, little: false, ..Tiff::new(SIZE, &[8], 3, vec![7; 143]).tag(320, &map) };
    let mut state = 88_172_645_463_325_252_u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    for whole in [tiff.bytes(), planar.bytes(), palette.bytes()] {
        for round in 0..3000 {
            let mut bytes = whole.clone();
            if round % 4 == 0 {
                bytes.truncate(below(whole.len()));
            } else {
                // The directory stands at the end.
                let from = if round % 2 == 0 { 0 } else { whole.len().saturating_sub(220) };
                for _ in 0..=below(4) {
                    let at = from + below(whole.len() - from);
                    bytes[at] = below(256) as u8;
                }
            }
            let begun = std::time::Instant::now();
            if let Err(error) = decoded(&bytes, SIZE) {
                assert!(error.reason.name().starts_with("MEDIA_"), "{:?} {error}", error.reason);
            }
            assert!(begun.elapsed() < std::time::Duration::from_secs(2));
        }
    }
}

#[test]
fn planes_of_distances_keep_their_numbers() {
    let numbers: Vec<u64> = (0..143).map(|at| at * 400).collect();
    predicted_ways(|little, write| {
        for extra in [false, true] {
            let samples = 1 + usize::from(extra);
            let all: Vec<u64> = numbers.iter().flat_map(|number| [*number, 9].into_iter().take(samples)).collect();
            let strip = written(&differences(&all, samples, 13, 2), 2, little);
            let tiff = Tiff::new(SIZE, &vec![16; samples], 1, strip).tag(317, &[2]);
            let plane = decode_plane(&write(tiff), &onespace_core::Patience::endless()).unwrap();
            assert_eq!((plane.numbers, plane.colours), (Numbers::Integers, false));
            assert!(plane.values.iter().zip(&numbers).all(|(value, number)| *value == *number as f32));
        }
    });
}
