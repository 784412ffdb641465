//! Every container and codec that is decoded shows the same film.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use common::film::{Film, MP4, scene};
use common::look::{assert_like, difference, length, look};
use ffmpeg_next::format::Pixel;
use onespace_core::Sample;

/// As near as another codec comes, in 255ths. A frame's neighbours are twice as far.
const NEAR: f32 = 3.0;

/// Without options, which each encoder has of its own; the frames of the older ones are whole blocks.
const FILM: Film<'static> = Film { codec_options: &[], ..MP4 };

/// The scene without its colours.
fn grey(number: usize, size: (u32, u32)) -> Vec<u8> {
    scene(number, size).chunks(3).flat_map(|pixel| [pixel[0]; 3]).collect()
}

fn assert_near(what: &str, bytes: &[u8], reference: &Sample) {
    assert_like(what, bytes, reference, (80, NEAR));
}

#[test]
fn containers_show_the_same_film() {
    let reference = look(&MP4.make()).unwrap();
    for (container, between) in [
        ("mov", 2),
        ("matroska", 2),
        ("mpegts", 2),
        ("mpeg", 2),
        ("flv", 2),
        ("avi", 0),
        ("avi", 2),
        ("asf", 0),
        ("3gp", 2),
    ] {
        assert_near(&format!("{container}, {between}"), &Film { container, between, ..MP4 }.make(), &reference);
    }
    let blu_ray = [("mpegts_m2ts_mode", "1")];
    assert_near("M2TS", &Film { container: "mpegts", container_options: &blu_ray, ..MP4 }.make(), &reference);
}

#[test]
fn codecs_show_the_same_film() {
    let reference = look(&MP4.make()).unwrap();
    let film = |container, codec, pixels, between| Film { container, codec, pixels, between, ..FILM }.make();
    let common = Pixel::YUV420P;
    for (container, codec, between) in [
        ("mpeg", "mpeg2video", 2),
        ("mpegts", "mpeg2video", 2),
        ("mpeg", "mpeg1video", 2),
        ("mpegts", "mpeg1video", 2),
        ("avi", "mpeg4", 2),
        ("avi", "mpeg4", 0),
        ("mp4", "mpeg4", 2),
        ("matroska", "mpeg4", 2),
        ("avi", "msmpeg4", 0),
        ("avi", "msmpeg4v2", 0),
        ("asf", "wmv1", 0),
        ("asf", "wmv2", 0),
        ("flv", "flv", 0),
        ("ogg", "libtheora", 0),
        ("matroska", "libtheora", 0),
        ("webm", "libvpx", 0),
        ("webm", "libvpx-vp9", 0),
        ("matroska", "ffv1", 0),
    ] {
        assert_near(&format!("{codec} in {container}"), &film(container, codec, common, between), &reference);
    }
    for (container, codec, pixels) in [
        ("avi", "mjpeg", Pixel::YUVJ420P),
        ("mov", "mjpeg", Pixel::YUVJ422P),
        ("mov", "prores_ks", Pixel::YUV422P10LE),
        ("matroska", "prores_ks", Pixel::YUV422P10LE),
        ("avi", "huffyuv", Pixel::YUV422P),
        ("avi", "rawvideo", Pixel::YUV420P),
        ("mp4", "libx265", Pixel::YUV420P10LE),
        ("mp4", "libx264", Pixel::YUV420P10LE),
    ] {
        let quiet: &[_] = if codec == "libx265" { &[("x265-params", "log-level=none")] } else { &[] };
        let film = Film { container, codec, pixels, between: 0, codec_options: quiet, ..FILM };
        assert_near(&format!("{codec} in {container}"), &film.make(), &reference);
    }
}

/// Codecs that know a few sizes only.
#[test]
fn codecs_of_few_sizes_show_the_same_film() {
    let at = |size| look(&Film { size, ..MP4 }.make()).unwrap();
    for codec in ["h263", "h263p"] {
        let container = if codec == "h263" { "3gp" } else { "mov" };
        let bytes = Film { container, codec, size: (176, 144), between: 0, ..FILM }.make();
        assert_near(codec, &bytes, &at((176, 144)));
    }
    // Its colours are always those of HD (BT.709).
    let dnxhr = [("profile", "dnxhr_sq")];
    let dnxhr = Film { container: "mov", codec: "dnxhd", pixels: Pixel::YUV422P, codec_options: &dnxhr, ..FILM };
    let size = (256, 128);
    let reference = look(&Film { size, ..MP4 }.make_of(grey)).unwrap();
    assert_near("DNxHR", &Film { size, between: 0, ..dnxhr }.make_of(grey), &reference);
    let dv = Film { container: "avi", codec: "dvvideo", size: (720, 576), between: 0, ..FILM };
    assert_near("DV", &dv.make(), &at((720, 576)));
}

/// Editors put room in front, or the frames themselves; QuickTime's own files have no box that says what they are.
#[test]
fn a_quicktime_file_may_begin_with_anything() {
    let reference = look(&MP4.make()).unwrap();
    let mov = Film { container: "mov", ..MP4 }.make();
    let (head, rest) = mov.split_at(u32::from_be_bytes(mov[..4].try_into().unwrap()) as usize);
    assert_eq!(&head[4..8], b"ftyp");
    for name in [b"skip", b"wide", b"free"] {
        let mut bytes = head.to_vec();
        bytes[4..8].copy_from_slice(name);
        bytes.extend_from_slice(rest);
        assert_near(&name.escape_ascii().to_string(), &bytes, &reference);
    }
}

/// A camera or a call that has less of a line sends smaller pictures from then on.
#[test]
fn frames_that_change_their_size_are_scaled_as_the_others() {
    let half = |size, from: usize| {
        let piece = Film { container: "mpegts", frames: 35, between: 0, size, ..MP4 };
        piece.make_of(|number, size| scene(number + from, size))
    };
    let joined = [half((96, 64), 0), half((192, 128), 35)].concat();
    assert_near("H.264", &joined, &look(&MP4.make()).unwrap());
}

/// Discs of old stored pictures of two shapes in the same number of pixels. Squeezed, a disc would show an oval.
#[test]
fn pixels_that_are_not_square_are_made_so() {
    let spec = |bytes: &[u8]| {
        let table = serde_json::json!({
            "frames": 1, "segment_ms": 10_000, "max_segments": 1, "width": 16, "height": 16,
            "resize": "letterbox", "filter": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1],
        });
        let spec = serde_json::from_value(table).unwrap();
        let prepare = onespace_core::PrepareRequest::of(bytes);
        onespace_core::Prepare::prepare(&onespace_video::VideoPreparer::new(&spec, None), &prepare).unwrap().samples
    };
    let wide = Film { size: (128, 64), ..MP4 }.make();
    for container in ["mp4", "matroska", "mpegts", "avi"] {
        let squeezed = Film { size: (64, 64), aspect: (2, 1), container, between: 0, ..MP4 }.make();
        let (one, other) = (spec(&squeezed), spec(&wide));
        let values = |samples: &[Sample]| match &samples[0].tensors[0].data {
            onespace_core::TensorData::F32(values) => values.clone(),
            onespace_core::TensorData::I64(_) => panic!("not floats"),
        };
        let gaps: Vec<f32> = values(&one).iter().zip(values(&other)).map(|(a, b)| (a - b).abs() * 255.0).collect();
        let gap = gaps.iter().sum::<f32>() / gaps.len() as f32;
        println!("{container}: {gap:.2}");
        assert!(gap < NEAR, "{container}: {gap}");
    }
}

/// Two moments in alternate rows: the first of them is seen, not a comb of both. Colours would be those of both.
#[test]
fn interlaced_frames_show_one_moment() {
    let options = [("flags", "+ildct+ilme"), ("qmin", "1"), ("qmax", "2")];
    let comb = Film { container: "mpegts", codec: "mpeg2video", between: 0, codec_options: &options, ..MP4 };
    // The encoder takes the lower field for the first.
    let woven = comb.make_of(|number, size| {
        let row = size.0 as usize * 3;
        let (first, second) = (grey(number, size), grey(number + 20, size));
        let rows = first.chunks(row).zip(second.chunks(row)).enumerate();
        rows.flat_map(|(at, (first, second))| if at % 2 == 1 { first } else { second }.to_vec()).collect()
    });
    assert_near("interlaced", &woven, &look(&MP4.make_of(grey)).unwrap());
}

#[test]
fn a_video_of_one_frame_is_one() {
    for container in ["mp4", "matroska", "mpegts", "avi"] {
        let sample = look(&Film { container, frames: 1, between: 0, ..MP4 }.make()).unwrap();
        println!("{container}: {} ms", length(&sample));
        let reference = look(&Film { frames: 1, between: 0, ..MP4 }.make()).unwrap();
        assert!(difference(&sample, &reference) < NEAR, "{container}");
    }
}

/// A podcast shows a picture for each of its chapters: it is heard, not seen.
#[test]
fn stills_beside_audio_are_no_video() {
    let stills = Film { codec: "mjpeg", pixels: Pixel::YUVJ420P, rate: 1, frames: 3, between: 0, ..FILM };
    for container in ["mov", "matroska"] {
        let error = look(&Film { container, tone: Some(0.0), ..stills.clone() }.make()).unwrap_err();
        assert_eq!(error.reason, onespace_core::Reason::MediaUnsupported, "{container}: {error}");
        assert!(error.message.contains("no video"), "{container}: {error}");
        assert_eq!(length(&look(&Film { container, ..stills.clone() }.make()).unwrap()), 3_000, "a slow camera's");
        let camera = Film { container, rate: 25, frames: 70, tone: Some(0.0), ..stills.clone() };
        assert_near("a camera's", &camera.make(), &look(&MP4.make()).unwrap());
    }
}
