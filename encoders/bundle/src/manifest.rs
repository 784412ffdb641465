//! The manifest, `bundle.toml`: unknown keys are errors.

use std::collections::BTreeMap;

use onespace_core::{Calibration, Error, Fingerprint, License, Result, UsageRestriction};
use onespace_family::{check::invalid, written::is_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    entry::{FileEntry, check_path},
    format,
    reading::{self, PairScale, Talk},
    schema,
    towers::Towers,
};

/// Where a composite keeps its base's manifest.
pub const BASE_FILE: &str = "base.toml";

/// Longest vector a space may have.
const DIMENSION_MAX: usize = 65_536;

/// A whole manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "bundle.toml")]
pub struct Manifest {
    /// The version of the manifest format: 1, or 2 where a key or value is used that format 1 did not have.
    pub format: u32,
    /// The bundle's name.
    pub name: String,
    /// The bundle's version.
    pub version: String,
    /// The license of the weights, as an SPDX expression.
    #[serde(rename = "licence")]
    pub license: String,
    /// A line for people.
    #[serde(default)]
    pub description: String,
    /// The fingerprint of the bundle that towers were added to, whose space this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub base: Option<Fingerprint>,
    /// The length of the space's vectors.
    pub dimension: usize,
    /// How many leading values of a vector may be taken alone, scaled to unit length: each less than the one before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matryoshka: Vec<usize>,
    /// What unrelated pairs of modalities score, as the evaluation measured it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<PairScale>,
    /// How the space tells that somebody speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk: Option<Talk>,
    /// What the license amounts to.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(schema_with = "schema::usage")]
    pub usage: UsageRestriction,
    /// What else is to be known of the license: a second statement that contradicts the license, an attribution.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notice: String,
    /// Where the weights come from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub provenance: Provenance,
    /// Every file of the bundle, by its path relative to the manifest.
    #[serde(default)]
    pub files: BTreeMap<String, FileEntry>,
    /// The towers.
    pub towers: Towers,
}

/// Where the weights of a bundle come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// What was exported: a repository or file.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub checkpoint: String,
    /// Which version of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub revision: String,
    /// What exported it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub exporter: String,
    /// What the golden vectors were computed with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
}

impl Manifest {
    /// Reads a manifest and checks what can be checked without its files.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, naming the key and the first fault.
    pub fn parse(text: &str) -> Result<Self> {
        let (manifest, faults) = Self::read(text)?;
        faults.into_iter().next().map_or(Ok(manifest), Err)
    }

    /// Reads a manifest and tells all that is wrong with it, as far as can be told without its files.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` for a text that is no manifest at all: the first unknown, absent or misspelt key hides the
    /// others.
    pub fn read(text: &str) -> Result<(Self, Vec<Error>)> {
        let spelt = |error: &toml::de::Error| {
            let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
            let line = before.matches('\n').count() + 1;
            invalid("bundle.toml", format!("line {line}: {}", error.message().replace('\n', " ")))
        };
        let table: toml::Table = toml::from_str(text).map_err(|error| spelt(&error))?;
        let stated = format::stated(&table)?;
        let manifest: Self = toml::from_str(text).map_err(|error| spelt(&error))?;
        let mut faults = if stated == 1 { format::newer_than_1(&table) } else { Vec::new() };
        faults.extend(manifest.faults());
        Ok((manifest, faults))
    }

    /// The fingerprint of the space: the digest of this manifest in canonical form (JSON, keys in a fixed order, those
    /// that have their defaults left out where format 1 did not have them), in which every file stands with its own
    /// digest.
    ///
    /// `calibration`, `matryoshka` and `talk` are left out: they tell how vectors may be read and change none, and
    /// measuring them later, or better, must not part a bundle from the collections that it filled. So are `usage`,
    /// `notice` and `provenance`: a statement that is corrected changes no vector either. A composite has its base's.
    ///
    /// # Errors
    /// `INTERNAL` if the manifest cannot be written down, which no parsed one does.
    pub fn fingerprint(&self) -> Result<Fingerprint> {
        if let Some(base) = self.base {
            return Ok(base);
        }
        let vectors_only = Self {
            calibration: Vec::new(),
            matryoshka: Vec::new(),
            talk: None,
            usage: UsageRestriction::default(),
            notice: String::new(),
            provenance: Provenance::default(),
            ..self.clone()
        };
        let canonical = serde_json::to_vec(&vectors_only).map_err(|error| Error::internal(error.to_string()))?;
        Ok(Fingerprint::of(&canonical))
    }

    /// How the space tells that somebody speaks, where its makers measured that.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the key.
    pub fn talk(&self) -> Result<Option<onespace_core::Talk>> {
        self.talk.as_ref().map(|talk| talk.checked(&self.towers)).transpose()
    }

    /// What unrelated pairs of modalities score.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the entry and the fault, which no parsed manifest has.
    pub fn calibration(&self) -> Result<Calibration> {
        reading::calibration(&self.calibration, &self.towers)
    }

    /// How the weights may be used.
    #[must_use]
    pub fn license(&self) -> License {
        License { name: self.license.clone(), restriction: self.usage, notice: self.notice.clone() }
    }

    fn faults(&self) -> Vec<Error> {
        let one = [
            self.check_dimension(),
            self.check_license(),
            self.check_towers(),
            self.check_base(),
            reading::check_matryoshka(&self.matryoshka, self.dimension),
            self.calibration().map(drop),
            self.talk().map(drop),
        ];
        let one = one.into_iter().filter_map(Result::err);
        let paths = self.files.keys().filter_map(|path| check_path(path).err());
        one.chain(paths).chain(self.towers.faults(&self.files, self.dimension)).collect()
    }

    fn check_dimension(&self) -> Result<()> {
        if self.dimension == 0 || self.dimension > DIMENSION_MAX {
            return Err(invalid("dimension", format!("{} is not between 1 and {DIMENSION_MAX}", self.dimension)));
        }
        Ok(())
    }

    fn check_license(&self) -> Result<()> {
        if self.license.trim().is_empty() {
            return Err(invalid("licence", "must name the licence of the weights"));
        }
        Ok(())
    }

    fn check_base(&self) -> Result<()> {
        if self.base.is_some() && !self.files.contains_key(BASE_FILE) {
            return Err(invalid("base", format!("the base's manifest, \"{BASE_FILE}\", is not listed in [files]")));
        }
        Ok(())
    }

    fn check_towers(&self) -> Result<()> {
        if self.towers.heads().is_empty() {
            return Err(invalid("towers", "a bundle needs at least one tower"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use onespace_core::Modality;

    use onespace_core::Reason;

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
    fn talk_needs_ears_and_words_and_leaves_the_fingerprint() {
        let talk = "[talk]\nwords = \"a person talking\"\ncosine = 0.3\n";
        let deaf = Manifest::parse(&with("", talk).replace("format = 1", "format = 2")).unwrap_err();
        assert_eq!((deaf.field.as_str(), deaf.message.as_str()), ("talk", "the bundle has no tower for audio"));
        let everyday = include_str!("../../../bundles/everyday/bundle.toml");
        let manifest = Manifest::parse(everyday).unwrap();
        assert_eq!(manifest.talk().unwrap().unwrap().words, "a person talking");
        let silent = Manifest { talk: None, ..manifest.clone() };
        assert_eq!(manifest.fingerprint().unwrap(), silent.fingerprint().unwrap());
        for (from, to, field) in [
            ("cosine = 0.3", "cosine = 0.0", "talk.cosine"),
            ("cosine = 0.3", "cosine = nan", "talk.cosine"),
            ("a person talking", " ", "talk.words"),
        ] {
            assert_eq!(Manifest::parse(&everyday.replace(from, to)).unwrap_err().field, field);
        }
    }

    #[test]
    fn the_fingerprint_speaks_for_every_digest() {
        let one = Manifest::parse(TEXT_ONLY).unwrap().fingerprint().unwrap();
        assert_eq!(one, Manifest::parse(TEXT_ONLY).unwrap().fingerprint().unwrap());
        let changed = TEXT_ONLY.replacen("sha256 = \"00\"", "sha256 = \"01\"", 1);
        assert_ne!(one, Manifest::parse(&changed).unwrap().fingerprint().unwrap());
    }
}
