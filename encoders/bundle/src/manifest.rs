//! The manifest, `bundle.toml`: unknown keys are errors.

use std::collections::BTreeMap;

use onespace_core::{Calibration, Error, Fingerprint, Modality, Reason, Result};
use serde::{Deserialize, Serialize};

use crate::{
    preprocess::{Audio, Image, PointCloud, Text, Video},
    reading::{self, PairScale},
};

/// The version of the format that this code reads.
pub const FORMAT: u32 = 1;

/// Longest vector a space may have.
const DIMENSION_MAX: usize = 65_536;

/// A whole manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the manifest format.
    pub format: u32,
    /// The bundle's name.
    pub name: String,
    /// The bundle's version.
    pub version: String,
    /// The licence, as an SPDX expression.
    pub licence: String,
    /// A line for people.
    #[serde(default)]
    pub description: String,
    /// The length of the space's vectors.
    pub dimension: usize,
    /// How many leading values of a vector may be taken alone, scaled to unit length: each less than the one before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matryoshka: Vec<usize>,
    /// What unrelated pairs of modalities score, as the evaluation measured it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<PairScale>,
    /// Every file of the bundle, by its path relative to the manifest.
    #[serde(default)]
    pub files: BTreeMap<String, FileEntry>,
    /// The towers.
    pub towers: Towers,
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// The SHA-256 of its bytes in hexadecimal (the digest that model hubs publish).
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// The towers of a bundle, one for each modality it knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Towers {
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Tower<Text>>,
    /// Images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Tower<Image>>,
    /// Recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<Tower<Audio>>,
    /// Films.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<Tower<Video>>,
    /// Point clouds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point_cloud: Option<Tower<PointCloud>>,
}

/// One modality's road into the space. `P` is its preprocessing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tower<P> {
    /// The ONNX graph, a path within the bundle.
    pub model: String,
    /// Graph input names, in the order in which the preprocessing emits tensors.
    pub inputs: Vec<String>,
    /// The graph output, float32 `[batch, native_dimension]`.
    pub output: String,
    /// The length of what the graph gives.
    pub native_dimension: usize,
    /// From native to shared, a safetensors path within the bundle; absent when they are the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<String>,
    /// Softmax temperature of this modality's cosines against text.
    pub logit_scale: f32,
    /// The tower's proof that it computes what its authors computed.
    pub golden: Golden,
    /// Bytes to tensors.
    pub preprocess: P,
}

/// An input and the vector it must give (cosine ≥ 0.999).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// A media file, a path within the bundle.
    pub input: String,
    /// `dimension` little-endian float32 of unit norm, a path within the bundle.
    pub vector: String,
}

/// What every tower has, whatever its modality.
#[derive(Clone, Copy, Debug)]
pub struct TowerHead<'a> {
    /// Its modality.
    pub modality: Modality,
    /// See [`Tower::model`].
    pub model: &'a str,
    /// See [`Tower::inputs`].
    pub inputs: &'a [String],
    /// See [`Tower::output`].
    pub output: &'a str,
    /// See [`Tower::native_dimension`].
    pub native_dimension: usize,
    /// See [`Tower::alignment`].
    pub alignment: Option<&'a str>,
    /// See [`Tower::logit_scale`].
    pub logit_scale: f32,
    /// See [`Tower::golden`].
    pub golden: &'a Golden,
}

impl<P> Tower<P> {
    fn head(&self, modality: Modality) -> TowerHead<'_> {
        TowerHead {
            modality,
            model: &self.model,
            inputs: &self.inputs,
            output: &self.output,
            native_dimension: self.native_dimension,
            alignment: self.alignment.as_deref(),
            logit_scale: self.logit_scale,
            golden: &self.golden,
        }
    }
}

impl Towers {
    /// The towers that are there, in the order of [`Modality::ALL`].
    #[must_use]
    pub fn heads(&self) -> Vec<TowerHead<'_>> {
        Modality::ALL.into_iter().filter_map(|modality| self.head(modality)).collect()
    }

    /// One modality's tower.
    #[must_use]
    pub fn head(&self, modality: Modality) -> Option<TowerHead<'_>> {
        match modality {
            Modality::Text => self.text.as_ref().map(|tower| tower.head(modality)),
            Modality::Image => self.image.as_ref().map(|tower| tower.head(modality)),
            Modality::Audio => self.audio.as_ref().map(|tower| tower.head(modality)),
            Modality::Video => self.video.as_ref().map(|tower| tower.head(modality)),
            Modality::PointCloud => self.point_cloud.as_ref().map(|tower| tower.head(modality)),
            _ => None,
        }
    }
}

impl Manifest {
    /// Reads a manifest and checks what can be checked without its files.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, naming the key and the fault.
    pub fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).map_err(|error| invalid("bundle.toml", error.to_string().trim()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The fingerprint of the space: the digest of this manifest in canonical form (JSON, keys in a fixed order),
    /// in which every file stands with its own digest.
    ///
    /// `calibration` and `matryoshka` are left out: they tell how vectors may be read and change none, and measuring
    /// them later, or better, must not part a bundle from the collections that it filled.
    ///
    /// # Errors
    /// `INTERNAL` if the manifest cannot be written down, which no parsed one does.
    pub fn fingerprint(&self) -> Result<Fingerprint> {
        let vectors_only = Self { calibration: Vec::new(), matryoshka: Vec::new(), ..self.clone() };
        let canonical = serde_json::to_vec(&vectors_only).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Fingerprint::of(&canonical))
    }

    /// What unrelated pairs of modalities score.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the entry and the fault, which no parsed manifest has.
    pub fn calibration(&self) -> Result<Calibration> {
        reading::calibration(&self.calibration, &self.towers)
    }

    fn check(&self) -> Result<()> {
        if self.format != FORMAT {
            return Err(invalid("format", format!("format {} is not read here, only {FORMAT}", self.format)));
        }
        if self.dimension == 0 || self.dimension > DIMENSION_MAX {
            return Err(invalid("dimension", format!("{} is not between 1 and {DIMENSION_MAX}", self.dimension)));
        }
        if self.licence.trim().is_empty() {
            return Err(invalid("licence", "must name the licence of the weights"));
        }
        if self.towers.heads().is_empty() {
            return Err(invalid("towers", "a bundle needs at least one tower"));
        }
        self.files.keys().try_for_each(|path| check_path(path))?;
        self.towers.heads().iter().try_for_each(|head| self.check_tower(head))?;
        reading::check_matryoshka(&self.matryoshka, self.dimension)?;
        self.calibration()?;
        self.check_preprocessing()
    }

    fn check_tower(&self, head: &TowerHead<'_>) -> Result<()> {
        let key = |name: &str| format!("towers.{}.{name}", head.modality);
        let mut paths =
            vec![("model", head.model), ("golden.input", &head.golden.input), ("golden.vector", &head.golden.vector)];
        paths.extend(head.alignment.map(|path| ("alignment", path)));
        for (name, path) in paths {
            if !self.files.contains_key(path) {
                return Err(invalid(key(name), format!("\"{path}\" is not listed in [files]")));
            }
        }
        if head.inputs.is_empty() {
            return Err(invalid(key("inputs"), "must name the graph's inputs"));
        }
        if head.alignment.is_none() && head.native_dimension != self.dimension {
            let message = format!(
                "{} differs from the space's {} and no alignment is given",
                head.native_dimension, self.dimension
            );
            return Err(invalid(key("native_dimension"), message));
        }
        if !head.logit_scale.is_finite() || head.logit_scale <= 0.0 {
            return Err(invalid(key("logit_scale"), format!("{} is not a positive number", head.logit_scale)));
        }
        Ok(())
    }

    fn check_preprocessing(&self) -> Result<()> {
        let towers = &self.towers;
        let results = [
            (Modality::Text, towers.text.as_ref().map(|tower| tower.preprocess.check(&self.files))),
            (Modality::Image, towers.image.as_ref().map(|tower| tower.preprocess.check())),
            (Modality::Audio, towers.audio.as_ref().map(|tower| tower.preprocess.check())),
            (Modality::Video, towers.video.as_ref().map(|tower| tower.preprocess.check())),
            (Modality::PointCloud, towers.point_cloud.as_ref().map(|tower| tower.preprocess.check())),
        ];
        results.into_iter().try_for_each(|(modality, result)| {
            result.transpose().map(drop).map_err(|error| error.under(&format!("towers.{modality}.preprocess")))
        })
    }
}

/// A manifest names files of its own directory only.
fn check_path(path: &str) -> Result<()> {
    let sound = !path.is_empty()
        && !path.contains('\\')
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if sound { Ok(()) } else { Err(invalid("files", format!("\"{path}\" is not a plain path within the bundle"))) }
}

/// A fault of a bundle, at a key or file.
pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Error {
    Error::new(Reason::BundleInvalid, field, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT_ONLY: &str = r#"
        format = 1
        name = "tiny"
        version = "1"
        licence = "Apache-2.0"
        dimension = 8
        [files."text.onnx"]
        sha256 = "00"
        bytes = 1
        [files."tokenizer.json"]
        sha256 = "00"
        bytes = 1
        [files."golden.txt"]
        sha256 = "00"
        bytes = 1
        [towers.text]
        model = "text.onnx"
        inputs = ["input_ids"]
        output = "embedding"
        native_dimension = 8
        logit_scale = 10.0
        golden = { input = "golden.txt", vector = "golden.txt" }
        [towers.text.preprocess]
        tokenizer = "tokenizer.json"
        context = 32
    "#;

    #[test]
    fn a_manifest_parses_and_each_fault_is_named() {
        let manifest = Manifest::parse(TEXT_ONLY).unwrap();
        assert_eq!(manifest.towers.heads().len(), 1);
        for (from, to, field) in [
            ("format = 1", "format = 7", "format"),
            ("dimension = 8\n        [files", "dimension = 0\n        [files", "dimension"),
            ("native_dimension = 8", "native_dimension = 9", "towers.text.native_dimension"),
            ("model = \"text.onnx\"", "model = \"other.onnx\"", "towers.text.model"),
            ("logit_scale = 10.0", "logit_scale = -1.0", "towers.text.logit_scale"),
            ("context = 32", "context = 0", "towers.text.preprocess.context"),
            ("files.\"golden.txt\"", "files.\"../golden.txt\"", "files"),
            ("name = \"tiny\"", "name = \"tiny\"\nsmell = true", "bundle.toml"),
        ] {
            let broken = TEXT_ONLY.replace(from, to);
            assert_ne!(broken, TEXT_ONLY, "{from}");
            assert_eq!(Manifest::parse(&broken).unwrap_err().field, field, "{to}");
        }
    }

    /// The manifest with more of it at the top, or at the end.
    fn with(top: &str, end: &str) -> String {
        format!("{top}\n{TEXT_ONLY}\n{end}")
    }

    const PAIR: &str = "[[calibration]]\nquery = \"text\"\nitem = \"text\"\nmean = 0.25\nstd = 0.125\n";

    #[test]
    fn how_vectors_may_be_read_is_checked_and_leaves_the_fingerprint() {
        let manifest = Manifest::parse(&with("matryoshka = [4, 2]", PAIR)).unwrap();
        assert_eq!(manifest.matryoshka, [4, 2]);
        let scale = manifest.calibration().unwrap().get(Modality::Text, Modality::Text).unwrap();
        assert_eq!(scale.score(0.5), 2.0);
        assert_eq!(manifest.fingerprint().unwrap(), Manifest::parse(TEXT_ONLY).unwrap().fingerprint().unwrap());

        for (list, field) in [
            ("[8]", "matryoshka[0]"),
            ("[0]", "matryoshka[0]"),
            ("[4, 4]", "matryoshka[1]"),
            ("[2, 4]", "matryoshka[1]"),
        ] {
            let error = Manifest::parse(&with(&format!("matryoshka = {list}"), "")).unwrap_err();
            assert_eq!((error.reason, error.field.as_str()), (Reason::BundleInvalid, field), "{list}");
        }
        for (from, to, field) in [
            ("0.125", "0.0", "calibration[0].std"),
            ("0.125", "-0.1", "calibration[0].std"),
            ("0.125", "inf", "calibration[0].std"),
            ("0.125", "nan", "calibration[0].std"),
            ("0.25", "nan", "calibration[0].mean"),
            ("item = \"text\"", "item = \"image\"", "calibration[0].item"),
            ("item = \"text\"", "item = \"smell\"", "bundle.toml"),
            ("std", "variance", "bundle.toml"),
            ("[[calibration]]", "[[calibration]]\nnote = 1", "bundle.toml"),
        ] {
            let error = Manifest::parse(&with("", &PAIR.replace(from, to))).unwrap_err();
            assert_eq!((error.reason, error.field.as_str()), (Reason::BundleInvalid, field), "{to}");
        }
        let twice = Manifest::parse(&with("", &PAIR.repeat(2))).unwrap_err();
        assert_eq!(twice.field, "calibration[1]");
        assert!(twice.message.contains("text → text") && !twice.message.contains('\n'), "{twice}");
    }

    #[test]
    fn the_fingerprint_speaks_for_every_digest() {
        let one = Manifest::parse(TEXT_ONLY).unwrap().fingerprint().unwrap();
        assert_eq!(one, Manifest::parse(TEXT_ONLY).unwrap().fingerprint().unwrap());
        let changed = TEXT_ONLY.replacen("sha256 = \"00\"", "sha256 = \"01\"", 1);
        assert_ne!(one, Manifest::parse(&changed).unwrap().fingerprint().unwrap());
    }
}
