//! Format 1 stays what it was; format 2 says more; what is wrong with either is named, all of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::fs;

use onespace_bundle::{Bundle, MANIFEST_FILE, Manifest, Precision};
use onespace_core::{Modality, Reason, Scoring, UsageRestriction};

/// The shipped bundle's manifest as version 0.1.0 had it.
const DIORAMA: &str = include_str!("diorama-0.1.0.toml");

/// A bundle of format 2 with something of everything: a text tower of several heads, an image tower of two graphs.
const RICH: &str = include_str!("rich.toml");

#[test]
fn a_bundle_of_format_1_keeps_its_fingerprint() {
    let manifest = Manifest::parse(DIORAMA).unwrap();
    assert_eq!(manifest.towers.heads().len(), 5);
    let fingerprint = manifest.fingerprint().unwrap().to_string();
    assert_eq!(fingerprint, "7bc4ef9b15e0f5973783ead6a5cf73de25a12c4244674d72dbd621da7a41702c");
}

#[test]
fn a_key_or_value_of_format_2_needs_format_2() {
    for (from, to, field) in [
        ("format = 1", "format = 1\nusage = \"any\"", "usage"),
        ("format = 1", "format = 1\nprovenance = { revision = \"1\" }", "provenance"),
        ("[towers.text]", "[towers.text]\nscoring = \"softmax\"", "towers.text.scoring"),
        ("[towers.image]", "[towers.image]\nstages = []", "towers.image.stages"),
        ("[towers.text.preprocess]", "[towers.text.preprocess]\nprompt = \"{text}\"", "towers.text.preprocess.prompt"),
        ("filter = \"bicubic\"", "filter = \"lanczos\"", "towers.image.preprocess.filter"),
    ] {
        let newer = DIORAMA.replacen(from, to, 1);
        assert_ne!(newer, DIORAMA, "{from}");
        let error = Manifest::parse(&newer).unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::BundleInvalid, field), "{error}");
        assert!(error.message.contains("of format 2, the manifest says format = 1"), "{error}");
        let stated = newer.replacen("format = 1", "format = 2", 1);
        assert!(Manifest::parse(&stated).is_ok(), "{to}: {:?}", Manifest::parse(&stated));
    }
    let unknown = Manifest::parse(&DIORAMA.replacen("format = 1", "format = 3\nsmell = 1", 1)).unwrap_err();
    assert_eq!(unknown.to_string(), "format: format 3 is not read here, only 1 and 2");
}

#[test]
fn what_format_2_says_is_read() {
    let manifest = Manifest::parse(RICH).unwrap();
    let terms = manifest.license();
    assert_eq!((terms.restriction, terms.notice.as_str()), (UsageRestriction::NonCommercial, "The card says MIT."));
    assert_eq!(manifest.provenance.exporter, "onespace_export rich 1");

    let text = manifest.towers.head(Modality::Text).unwrap();
    assert_eq!(text.heads[&Modality::Image], "to_image");
    assert_eq!(text.scoring, Scoring::Sigmoid { bias: -12.5 });
    assert!(text.forbid.contains(&Precision::Fp16) && text.precision == Precision::Bf16);
    let image = manifest.towers.head(Modality::Image).unwrap();
    assert_eq!(image.models().collect::<Vec<_>>(), ["vision.onnx", "fusion.onnx"]);
    assert!(image.stages[0].rows && image.empty[0].shape == [0, 512]);
    assert_eq!(image.tokens.unwrap().around(&[3]), [2, 255_999, 9, 9, 9, 1]);
    assert!(!image.same_pipeline(&text) && image.same_pipeline(&image));
}

#[test]
fn terms_and_origin_change_no_fingerprint_and_heads_do() {
    let fingerprint = |text: &str| Manifest::parse(text).unwrap().fingerprint().unwrap();
    for (from, to) in [
        ("usage = \"non-commercial\"", "usage = \"research\""),
        ("The card says MIT.", "It does not any more."),
        ("onespace_export rich 1", "onespace_export rich 2"),
    ] {
        assert_eq!(fingerprint(&RICH.replacen(from, to, 1)), fingerprint(RICH), "{from}");
    }
    assert_ne!(fingerprint(&RICH.replacen("\"to_image\"", "\"to_anything\"", 1)), fingerprint(RICH));
}

#[test]
fn each_fault_of_format_2_is_named() {
    for (from, to, field, message) in [
        ("usage = \"non-commercial\"", "usage = \"commercial\"", "bundle.toml", "line 7: unknown variant `commercial`"),
        ("precision = \"bf16\"", "precision = \"fp16\"", "towers.text.precision", "activations overflow: NaN"),
        ("forbid = [\"fp16\"]", "forbid = []", "towers.text.forbid_reason", "forbid names nothing"),
        ("scoring = \"sigmoid\"\n", "", "towers.text.logit_bias", "sigmoid"),
        ("logit_bias = -12.5", "logit_bias = nan", "towers.text.logit_bias", "NaN"),
        ("[\"text.onnx.data\"]", "[\"other.data\"]", "towers.text.external[0]", "\"other.data\" is not listed"),
        ("image = \"to_image\"", "image = \"\"", "towers.text.heads.image", "empty"),
        ("image = \"to_image\"", "smell = \"to_image\"", "bundle.toml", "unknown variant `smell`"),
        ("model = \"vision.onnx\"", "model = \"v.onnx\"", "towers.image.stages[0].model", "\"v.onnx\" is not listed"),
        ("inputs = [\"pixels\"]", "inputs = []", "towers.image.stages[0].inputs", "inputs"),
        ("shape = [0, 512]", "shape = [1, 512]", "towers.image.empty[0].shape", "length 0"),
        ("name = \"audio_features\"", "name = \"image_features\"", "towers.image.inputs", "given twice"),
        ("inputs = [\"pixels\"]", "inputs = [\"a\"]\nmask = \"a\"", "towers.image.stages[0].mask", "one of the inputs"),
        ("inputs = [\"pixels\"]", "inputs = [\"a\"]\ninto = \"\"", "towers.image.stages[0].into", "empty"),
        ("rows = true", "into = \"audio_features\"", "towers.image.inputs", "\"audio_features\" is given twice"),
        ("each = 9", "each = 9, frame_after = [3]", "towers.image.tokens", "the stage has none"),
        ("licence = \"CC-BY-NC-SA-4.0\"", "licence = \" \"", "licence", "must name the licence"),
        ("native_dimension = 8 # image", "native_dimension = 9", "towers.image.native_dimension", "9 differs from"),
    ] {
        let broken = RICH.replacen(from, to, 1);
        assert_ne!(broken, RICH, "{from}");
        let error = Manifest::parse(&broken).unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::BundleInvalid, field), "{error}");
        assert!(error.message.contains(message) && !error.message.contains('\n'), "{error}");
    }
}

#[test]
fn films_of_the_image_tower_name_its_graphs() {
    let video_table = DIORAMA.replacen("format = 1", "format = 2", 1).replacen(
        "[towers.video.preprocess]",
        "[towers.video.preprocess]\nimage_tower = true",
        1,
    );
    // Every frame is a sample then, and one video has at most as many as any media.
    let video_table = video_table.replacen("max_segments = 64", "max_segments = 8", 1);
    let error = Manifest::parse(&video_table).unwrap_err();
    assert_eq!(error.field, "towers.video.preprocess.image_tower", "{error}");
    let image = Manifest::parse(DIORAMA).unwrap().towers.image.unwrap();
    let mut same = Manifest::parse(DIORAMA).unwrap();
    let video = same.towers.video.as_mut().unwrap();
    (video.model, video.output, video.alignment) = (image.model, image.output, image.alignment);
    (video.inputs, video.preprocess.image_tower, same.format) = (image.inputs, true, 2);
    video.preprocess.max_segments = 1;
    let [image, video] = [Modality::Image, Modality::Video].map(|modality| same.towers.head(modality).unwrap());
    assert!(image.same_pipeline(&video));
    assert!(Manifest::parse(&toml::to_string(&same).unwrap()).is_ok());
}

#[test]
fn films_in_patches_are_read_and_their_faults_named() {
    let patches = "patches = { size = 16, max_patches = 630, pool = 3 }";
    let video_table = format!("resize = \"multiple-of\"\npick = \"rate\"\nrate = 1.0\n{patches}\n");
    let (before, video) = DIORAMA.split_once("[towers.video.preprocess]").unwrap();
    let video = video.replacen("width = 64\nheight = 64\nresize = \"squash\"\n", &video_table, 1);
    let video_table = format!("{before}[towers.video.preprocess]{video}").replacen("format = 1", "format = 2", 1);
    let read = Manifest::parse(&video_table).unwrap().towers.video.unwrap().preprocess;
    assert_eq!((read.rate, read.patches.unwrap().values()), (Some(1.0), 630 * 768));
    for (from, to, key, message) in [
        (patches, "", "patches", "must say what"),
        ("rate = 1.0\n", "", "rate", "must say how many frames a second"),
        ("rate = 1.0", "rate = 0.0", "rate", "0 is not between"),
        ("pick = \"rate\"", "pick = \"middle\"", "rate", "with pick = \"rate\" only"),
        ("frames = 8", "frames = 200", "frames", "96768000 values of one video are more than 67108864"),
        ("rate = 1.0", "rate = 1.0\nimage_tower = true", "patches", "as they are"),
        ("resize = \"multiple-of\"", "resize = \"squash\"", "patches", "with resize = \"multiple-of\" only"),
    ] {
        let broken = video_table.replacen(from, to, 1);
        assert_ne!(broken, video_table, "{from}");
        let error = Manifest::parse(&broken).unwrap_err();
        assert_eq!(error.field, format!("towers.video.preprocess.{key}"), "{to}: {error}");
        assert!(error.message.contains(message), "{error}");
    }
}

#[test]
fn all_faults_are_told_each_on_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let broken = RICH
        .replacen("licence = \"CC-BY-NC-SA-4.0\"", "licence = \"\"", 1)
        .replacen("precision = \"bf16\"", "precision = \"fp16\"", 1)
        .replacen("inputs = [\"pixels\"]", "inputs = []", 1)
        .replacen("bytes = 3_000_000_000", "bytes = 3_000_000_001", 1);
    fs::write(folder.path().join(MANIFEST_FILE), broken).unwrap();
    let manifest = Manifest::parse(RICH).unwrap();
    let files: Vec<&String> = manifest.files.keys().collect();
    // One is absent, one is short of what is promised, the others hold other bytes than those vouched for.
    for file in files.iter().filter(|file| file.as_str() != "golden.f32") {
        fs::write(folder.path().join(file), vec![b'x'; 1024]).unwrap();
    }
    let faults = Bundle::verify(folder.path()).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    for fault in [
        "licence: must name",
        "towers.text.precision: fp16 is forbidden",
        "towers.image.stages[0].inputs: must name",
        "golden.f32: No such file",
        "text.onnx.data: 1024 bytes, the manifest says 3000000001",
        "vision.onnx: SHA-256 is ",
    ] {
        assert_eq!(told.iter().filter(|line| line.starts_with(fault)).count(), 1, "{fault} in {told:#?}");
    }
    assert_eq!(told.len(), 3 + files.len(), "{told:#?}");
    assert!(told.iter().all(|line| !line.contains('\n')));
    assert_eq!(Bundle::open(folder.path()).unwrap_err(), faults[0], "opening stops at the first");
}
