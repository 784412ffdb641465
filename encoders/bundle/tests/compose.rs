//! What a composite is made of: the base whole, added towers with all that is theirs, and nothing of what was replaced.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::{collections::BTreeMap, fs, path::Path};

use onespace_bundle::{
    Bundle, MANIFEST_FILE,
    compose::{Addition, compose},
    file_digest,
    manifest::BASE_FILE,
};
use onespace_core::{Modality, UsageRestriction};

const GOLDEN: [f32; 4] = [1.0, 0.0, 0.0, 0.0];

/// The table of a tower; no graph is behind it, and none is run here.
fn tower(modality: &str, model: &str) -> String {
    let preprocess = match modality {
        "text" => "tokenizer = \"tokenizer.json\"\ncontext = 32",
        "image" => {
            "width = 8\nheight = 8\nresize = \"squash\"\nfilter = \"bilinear\"\nmean = [0, 0, 0]\nstd = [1, 1, 1]"
        }
        "video" => {
            "frames = 2\nsegment_ms = 1000\nmax_segments = 1\nwidth = 8\nheight = 8\nresize = \"squash\"\n\
             filter = \"bilinear\"\nmean = [0, 0, 0]\nstd = [1, 1, 1]\nimage_tower = true"
        }
        _ => {
            "sample_rate = 16000\nchannels = \"mean\"\nwindow_ms = 1000\nhop_ms = 1000\nmax_windows = 4\n\
             [towers.audio.preprocess.front_end]\nkind = \"waveform\""
        }
    };
    format!(
        "[towers.{modality}]\nmodel = \"{model}\"\nexternal = [\"{model}.data\"]\ninputs = [\"x\"]\noutput = \"v\"\n\
         native_dimension = 4\nlogit_scale = 10.5\ngolden = {{ input = \"{modality}.in\", vector = \
              \"{modality}.f32\" }}\n\
         [towers.{modality}.preprocess]\n{preprocess}\n"
    )
}

/// A bundle of these towers, its files named after it.
fn bundle(folder: &Path, name: &str, head: &str, towers: &[(&str, &str)]) -> Bundle {
    let out = folder.join(name);
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::from([("LICENSE".into(), name.into())]);
    for (modality, model) in towers {
        files.insert((*model).to_owned(), format!("graph {model} of {name}").into());
        files.insert(format!("{model}.data"), format!("weights {model} of {name}").into());
        files.insert(format!("{modality}.in"), format!("input of {name}").into());
        files.insert(format!("{modality}.f32"), GOLDEN.iter().flat_map(|value| value.to_le_bytes()).collect());
        if *modality == "text" {
            files.insert("tokenizer.json".to_owned(), b"{}".to_vec());
        }
    }
    let mut text = format!("format = 2\nname = \"{name}\"\nversion = \"1\"\ndimension = 4\n{head}\n");
    for (path, bytes) in &files {
        let to = out.join(path);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(&to, bytes).unwrap();
        let digest = file_digest(&to).unwrap();
        text += &format!("[files.\"{path}\"]\nsha256 = \"{digest}\"\nbytes = {}\n", bytes.len());
    }
    towers.iter().for_each(|(modality, model)| text += &tower(modality, model));
    fs::write(out.join(MANIFEST_FILE), text).unwrap();
    Bundle::open(&out).unwrap()
}

fn addition<'a>(modality: Modality, source: &'a Bundle, alignment: &str) -> Addition<'a> {
    Addition { modality, source, alignment: alignment.into(), golden: GOLDEN.to_vec() }
}

fn composed(base: &Bundle, additions: &[Addition<'_>], out: &Path) -> Bundle {
    compose(base, additions, out).unwrap();
    Bundle::open(out).unwrap()
}

#[test]
fn a_composite_holds_its_base_and_the_towers_that_were_added() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let base = bundle(folder.path(), "words", "licence = \"MIT OR Apache-2.0\"", &[("text", "text.onnx")]);
    let terms = "licence = \"CC-BY-NC-4.0\"\nusage = \"non-commercial\"\nnotice = \"Ask first.\"";
    let source = bundle(folder.path(), "eyes", terms, &[("image", "onnx/eye.onnx"), ("video", "onnx/eye.onnx")]);
    let ears = bundle(folder.path(), "ears", "licence = \"MIT\"", &[("audio", "ear.onnx")]);
    let (image, video) = (Modality::Image, Modality::Video);
    let additions =
        [addition(image, &source, "A"), addition(video, &source, "A"), addition(Modality::Audio, &ears, "B")];
    let whole = composed(&base, &additions, &at("whole"));

    assert_eq!(whole.space().fingerprint, base.space().fingerprint);
    assert_eq!((whole.space().added.len(), whole.base().name.as_str()), (3, "words"));
    let manifest = whole.manifest();
    assert_eq!((manifest.format, manifest.name.as_str()), (2, "words+eyes+ears"));
    let joined = "(MIT OR Apache-2.0) AND CC-BY-NC-4.0 AND MIT";
    assert_eq!(
        (manifest.license.as_str(), manifest.usage, manifest.notice.as_str()),
        (joined, UsageRestriction::NonCommercial, "Ask first.")
    );
    assert_eq!(
        manifest.towers.head(Modality::Text).unwrap().model,
        "text.onnx",
        "the base's files stay where they were"
    );
    // Both towers of one source share a folder, its graph, its weights and the alignment: videos are the mean of
    // frames.
    let [eye, video] = [image, video].map(|modality| manifest.towers.head(modality).unwrap());
    assert_eq!((eye.model, video.model), ("image/onnx/eye.onnx", "image/onnx/eye.onnx"));
    assert!(eye.alignment == video.alignment && eye.external == ["image/onnx/eye.onnx.data"]);
    for path in ["LICENSE", "image/LICENSE", "audio/LICENSE", "audio/audio.in", BASE_FILE] {
        assert!(manifest.files.contains_key(path), "{path}");
    }
    assert!(!manifest.files.contains_key("audio/audio.f32"), "its golden vector lies elsewhere now");
    for source in [&base, &source, &ears] {
        Bundle::open(&source.path("")).unwrap();
    }
}

#[test]
fn a_tower_is_replaced_with_all_that_was_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let base = bundle(folder.path(), "words", "licence = \"MIT\"", &[("text", "text.onnx")]);
    let eyes = bundle(folder.path(), "eyes", "licence = \"MIT\"", &[("image", "eye.onnx"), ("video", "eye.onnx")]);
    let ears = bundle(folder.path(), "ears", "licence = \"MIT\"", &[("audio", "ear.onnx")]);
    let (image, video, audio) = (Modality::Image, Modality::Video, Modality::Audio);
    let additions = [addition(image, &eyes, "A"), addition(video, &eyes, "A"), addition(audio, &ears, "A")];
    let first = composed(&base, &additions, &at("first"));

    let second = composed(&first, &[addition(audio, &ears, "B")], &at("second"));
    assert_eq!(second.space().fingerprint, base.space().fingerprint);
    let changed = |modality| first.space().of_tower(modality) != second.space().of_tower(modality);
    assert_eq!([Modality::Text, image, video, audio].map(changed), [false, false, false, true]);
    let paths = |bundle: &Bundle| bundle.manifest().files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(paths(&second).len(), paths(&first).len(), "nothing of the replaced tower is left");
    assert_eq!(paths(&composed(&second, &[addition(audio, &ears, "A")], &at("third"))), paths(&first), "and back");

    // Frames of videos are samples of the image tower: both are replaced, or neither.
    let parted = compose(&second, &[addition(image, &eyes, "C")], &at("parted"));
    assert!(parted.is_ok() && Bundle::open(&at("parted")).unwrap_err().field.starts_with("towers.video"));
    let both = [addition(image, &eyes, "C"), addition(video, &eyes, "C")];
    assert_eq!(paths(&composed(&second, &both, &at("fourth"))).len(), paths(&first).len());

    let fixed = compose(&second, &[addition(Modality::Text, &base, "A")], &at("fixed")).unwrap_err();
    assert_eq!(fixed.field, "towers.text");
    assert!(!at("fixed").exists());
}

#[test]
fn a_base_that_is_not_whole_is_no_base() {
    let folder = tempfile::tempdir().unwrap();
    let base = bundle(folder.path(), "words", "licence = \"MIT\"", &[("text", "text.onnx")]);
    let ears = bundle(folder.path(), "ears", "licence = \"MIT\"", &[("audio", "ear.onnx")]);
    let out = folder.path().join("whole");
    composed(&base, &[addition(Modality::Audio, &ears, "A")], &out);
    let path = out.join(MANIFEST_FILE);
    let text = fs::read_to_string(&path).unwrap();
    let (other, listed) = (ears.space().fingerprint.to_string(), format!("[files.\"{BASE_FILE}\"]"));
    for (from, to, field) in [
        ("logit_scale = 10.5", "logit_scale = 11.5", "towers.text"),
        (&base.space().fingerprint.to_string()[..], &other, "base"),
        (&listed, "[files.\"other.toml\"]", "base"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        fs::write(&path, changed).unwrap();
        let error = Bundle::open(&out).unwrap_err();
        assert_eq!(error.field, field, "{error}");
    }
    // The base's own table may not be left out either.
    fs::write(&path, text.replace("[towers.text", "[towers.image")).unwrap();
    assert!(Bundle::open(&out).is_err());
}
