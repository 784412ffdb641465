//! The tables of every family: which keys they write down, and which fault is named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use onespace_audio::table::Audio;
use onespace_core::Result;
use onespace_image::table::Image;
use onespace_pointcloud::table::{Grouping, PointCloud};
use onespace_text::table::Text;
use onespace_video::table::Video;
use serde::{Serialize, de::DeserializeOwned};

const TEXT: &str = "tokenizer = \"t.json\"\ncontext = 77";
const IMAGE: &str = "width = 24\nheight = 24\nresize = \"shortest-edge\"\nfilter = \"bicubic\"\n\
    mean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]";
const PATCHES: &str = "resize = \"multiple-of\"\nfilter = \"bicubic\"\nmean = [0.0, 0.0, 0.0]\n\
    std = [1.0, 1.0, 1.0]\n[patches]\nsize = 16\nmax_patches = 2520\npool = 3";
const AUDIO: &str = "sample_rate = 16000\nwindow_ms = 2000\nhop_ms = 2000\nmax_windows = 8\n\
    front_end = { kind = \"waveform\" }";
const GEMMA: &str = "sample_rate = 16000\nwindow_ms = 2000\nhop_ms = 2000\nmax_windows = 8\n[front_end]\n\
    kind = \"gemma_mel\"\nn_fft = 512\nwin_length = 320\nhop_length = 160\nn_mels = 128\nf_min = 0.0\n\
    f_max = 8000.0\nfloor = 1e-3";
const VIDEO: &str = "frames = 2\nsegment_ms = 10000\nmax_segments = 1\nwidth = 24\nheight = 24\n\
    resize = \"shortest-edge\"\nfilter = \"bilinear\"\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]";
const CLOUD: &str = "points = 100\npresample = 200\ngrouping = { centres = 8, neighbours = 4 }";

fn read<T: DeserializeOwned>(table: &str) -> T {
    toml::from_str(table).unwrap_or_else(|error| panic!("{table}\n{error}"))
}

fn keys<T: DeserializeOwned + Serialize>(table: &str) -> Vec<String> {
    let value = serde_json::to_value(read::<T>(table)).unwrap();
    // In whichever order: that of a map depends on what else is built.
    let keys: std::collections::BTreeSet<String> = value.as_object().unwrap().keys().cloned().collect();
    keys.into_iter().collect()
}

/// The fingerprint is made of these keys: one more, and every collection of format 1 would be another space's.
#[test]
fn what_format_1_wrote_down_is_written_down() {
    let sorted = |keys: &str| {
        let mut keys: Vec<String> = keys.split(' ').map(str::to_owned).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys::<Text>(TEXT), sorted("tokenizer context pad_id overflow"));
    assert_eq!(keys::<Image>(IMAGE), sorted("width height resize filter antialias background mean std"));
    assert_eq!(keys::<Audio>(AUDIO), sorted("sample_rate channels window_ms hop_ms max_windows front_end"));
    let video = "frames segment_ms max_segments width height resize filter antialias mean std";
    assert_eq!(keys::<Video>(VIDEO), sorted(video));
    let cloud = "points normalise subsample presample colour_default up layout grouping";
    assert_eq!(keys::<PointCloud>(CLOUD), sorted(cloud));
    assert_eq!(keys::<Grouping>("centres = 8\nneighbours = 4"), sorted("centres neighbours"));
}

/// The field that is blamed for a table with one more line, or one in another's place; none for a good one.
fn blamed<T: DeserializeOwned>(table: &str, change: &str, check: impl Fn(&T) -> Result<()>) -> Option<String> {
    let changed = match change.split_once(" → ") {
        Some((from, to)) => table.replacen(from, to, 1),
        None => format!("{change}\n{table}"),
    };
    assert_ne!(changed, table, "{change}");
    check(&read(&changed)).err().map(|error| error.field)
}

#[test]
fn each_fault_is_named() {
    let text =
        |change: &str| blamed(TEXT, change, |text: &Text| text.check(&|file| file == "t.json")).unwrap_or_default();
    assert_eq!(text("prompt = \"query: {text}\""), "");
    assert_eq!(text("prompt = \"query\""), "prompt");
    assert_eq!(text("document_prompt = \"{text} {text}\""), "document_prompt");
    assert_eq!(text("templates = [\"a photo of a {label}.\", \"a photo\"]"), "templates");
    assert_eq!(text("keep_last = false\noverflow = \"windows\""), "keep_last");
    let image = |table: &str, change: &str| blamed(table, change, Image::check).unwrap_or_default();
    assert_eq!(image(IMAGE, "resize_to = 27\norder = \"crop-resize\""), "");
    assert_eq!(image(IMAGE, "resize_to = 23"), "resize_to");
    assert_eq!(image(IMAGE, "shortest-edge\" → squash\"\nresize_to = 27"), "resize_to");
    assert_eq!(image(IMAGE, "shortest-edge\" → squash\"\norder = \"crop-resize\""), "order");
    assert_eq!(image(IMAGE, "shortest-edge\" → multiple-of\""), "patches");
    assert_eq!(image(IMAGE, "width = 24 → width = 0"), "width");
    assert_eq!(image(PATCHES, "2520 → 630"), "");
    assert_eq!(image(PATCHES, "width = 24"), "width");
    assert_eq!(image(PATCHES, "multiple-of → squash"), "patches");
    assert_eq!(image(PATCHES, "2520 → 8"), "patches.max_patches");
    assert_eq!(image(PATCHES, "2520 → 2520000"), "patches.max_patches");
    let audio = |table: &str, change: &str| blamed(table, change, Audio::check).unwrap_or_default();
    assert_eq!(audio(AUDIO, "clips = { count = 3, spread = \"even\" }"), "");
    assert_eq!(audio(AUDIO, "clips = { count = 9 }"), "clips.count");
    assert_eq!(audio(AUDIO, "layout = \"time-mel\""), "layout");
    assert_eq!(audio(GEMMA, "layout = \"time-mel\""), "");
    assert_eq!(audio(GEMMA, "1e-3 → 0.0"), "front_end.floor");
    assert_eq!(audio(GEMMA, "n_fft = 512 → n_fft = 256"), "front_end.win_length");
    let video = |change: &str| blamed(VIDEO, change, Video::check).unwrap_or_default();
    assert_eq!(video("pick = \"clips\"\nclips = { count = 5, clip_ms = 2000 }\ncrops = 3"), "");
    assert_eq!(video("pick = \"clips\""), "clips");
    assert_eq!(video("clips = { count = 5, clip_ms = 2000 }"), "clips");
    assert_eq!(video("crops = 2"), "crops");
    assert_eq!(video("resize = \"shortest-edge → crops = 3\nresize = \"squash"), "crops");
    assert_eq!(video("flatten = true"), "flatten");
    assert_eq!(video("image_tower = true\nlayout = \"channels-frames\""), "image_tower");
    assert_eq!(video("max_segments = 1 → image_tower = true\nmax_segments = 33"), "max_segments");
    let cloud = |change: &str| blamed(CLOUD, change, PointCloud::check).unwrap_or_default();
    assert_eq!(cloud("emit = [\"features\", \"groups\"]\naxes = \"xzy\""), "");
    assert_eq!(cloud("fps = { skip_norm2 = -1.0 }"), "fps.skip_norm2");
    assert_eq!(cloud("neighbours = 4 → neighbours = 4, kind = \"ball\""), "grouping.radius");
    assert_eq!(cloud("neighbours = 4 → neighbours = 4, radius = 0.2"), "grouping.radius");
    assert_eq!(cloud("grouping = { centres = 8, neighbours = 4 } → emit = [\"groups\"]"), "emit");
}
