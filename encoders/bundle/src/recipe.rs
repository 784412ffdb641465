//! A recipe: how a repository that already publishes ONNX graphs becomes a bundle.
//!
//! It is a manifest, less what only the files themselves can tell: `[files]` says where each file is in the
//! repository, `[origin]` which repository that is, and `format`, `version` and `[provenance]` are left out. Every
//! other key is the manifest's own, and is checked as one.

use std::collections::BTreeMap;

use onespace_core::{Modality, Result};
use onespace_family::check::invalid;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::{
    entry::{FileEntry, check_path},
    expected::Expected,
    manifest::{Manifest, Provenance},
    tower::Golden,
};

/// The format of the manifests that recipes become.
const FORMAT: i64 = 2;

/// A recipe that would make a sound manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Where the files come from.
    pub origin: Origin,
    /// Where each file is in the repository, by its path within the bundle. Golden inputs that are not listed come
    /// with the program that pulls.
    pub files: BTreeMap<String, Source>,
    /// What the reference gave for the golden inputs, where somebody has computed it.
    #[serde(default, skip_serializing_if = "Expected::is_empty")]
    pub expected: Expected,
    /// What the manifest will say.
    #[serde(flatten)]
    manifest: Table,
}

/// Where the files of a bundle come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// `OWNER/NAME` on a model hub.
    pub repository: String,
    /// A commit of it; or a branch or tag, which may move.
    #[serde(default = "main")]
    pub revision: String,
    /// What its graphs were exported from.
    #[serde(default)]
    pub checkpoint: String,
}

/// A file of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its path in the repository.
    pub from: String,
    /// The SHA-256 of its bytes in hexadecimal, where it is known beforehand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

fn main() -> String {
    "main".to_owned()
}

impl Recipe {
    /// Reads a recipe and checks that it makes a sound manifest, whatever its files turn out to be.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, naming the key and the fault.
    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| invalid("recipe", one_line(&error))).and_then(Self::checked)
    }

    /// As [`parse`](Self::parse), from a table.
    ///
    /// # Errors
    /// As there.
    pub fn from_table(table: Table) -> Result<Self> {
        table.try_into().map_err(|error| invalid("recipe", one_line(&error))).and_then(Self::checked)
    }

    fn checked(self) -> Result<Self> {
        check_repository(&self.origin.repository)?;
        check_revision(&self.origin.revision)?;
        for (path, source) in &self.files {
            let key = |name: &str| format!("files.\"{path}\".{name}");
            check_source(&source.from).map_err(|message| invalid(key("from"), message))?;
            let digest = source.sha256.as_deref();
            if digest.is_some_and(|digest| !is_digest(digest)) {
                return Err(invalid(key("sha256"), "is not 64 hexadecimal digits"));
            }
        }
        if let Some(key) = ["format", "version", "provenance"].into_iter().find(|key| self.manifest.contains_key(*key))
        {
            return Err(invalid(key, "is written by the pull, not by the recipe"));
        }
        let golden = self.golden().into_iter().flat_map(|golden| [golden.input, golden.vector]);
        let paths = self.files.keys().cloned().chain(golden);
        let stand_in = FileEntry { sha256: "0".repeat(64), bytes: 0 };
        let (manifest, _) =
            self.manifest("0", paths.map(|path| (path, stand_in.clone())).collect(), &Provenance::default())?;
        let is_missing = |(_, modality): &(String, Modality)| manifest.towers.head(*modality).is_none();
        let missing = self.expected.modalities().find(is_missing);
        match missing {
            Some((key, modality)) => Err(invalid(key, format!("there is no {modality} tower"))),
            None => Ok(self),
        }
    }

    /// The name of the bundle.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// The license of the weights.
    #[must_use]
    pub fn license(&self) -> &str {
        self.text("licence")
    }

    /// The length of its space's vectors.
    #[must_use]
    pub fn dimension(&self) -> usize {
        let dimension = self.manifest.get("dimension").and_then(Value::as_integer);
        dimension.and_then(|dimension| dimension.try_into().ok()).unwrap_or_default()
    }

    /// Asks for another revision. Of its files nothing is known beforehand, so digests and what is expected go.
    pub fn at(&mut self, revision: &str) {
        if self.origin.revision == revision {
            return;
        }
        revision.clone_into(&mut self.origin.revision);
        self.expected = Expected::default();
        self.files.values_mut().for_each(|source| source.sha256 = None);
    }

    /// The recipe as a table, to be changed and read [again](Self::from_table).
    ///
    /// # Errors
    /// `BUNDLE_INVALID` if it cannot be written down, which no parsed one does.
    pub fn to_table(&self) -> Result<Table> {
        Table::try_from(self).map_err(|error| invalid("recipe", error.to_string()))
    }

    /// The modalities of its towers.
    #[must_use]
    pub fn towers(&self) -> Vec<String> {
        let towers = self.manifest.get("towers").and_then(Value::as_table);
        towers.map(|towers| towers.keys().cloned().collect()).unwrap_or_default()
    }

    fn text(&self, key: &str) -> &str {
        self.manifest.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// The golden inputs and vectors that the towers name.
    #[must_use]
    pub fn golden(&self) -> Vec<Golden> {
        let towers = self.manifest.get("towers").and_then(Value::as_table).into_iter().flat_map(Table::values);
        towers.filter_map(|tower| tower.get("golden")?.clone().try_into().ok()).collect()
    }

    /// The manifest that the recipe makes of these files, and its text.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, naming the key and the fault.
    pub fn manifest(
        &self,
        version: &str,
        files: BTreeMap<String, FileEntry>,
        provenance: &Provenance,
    ) -> Result<(Manifest, String)> {
        let written = |error: toml::ser::Error| invalid("recipe", error.to_string());
        let mut table = self.manifest.clone();
        table.insert("format".to_owned(), Value::Integer(FORMAT));
        table.insert("version".to_owned(), Value::String(version.to_owned()));
        table.insert("files".to_owned(), Value::try_from(files).map_err(written)?);
        table.insert("provenance".to_owned(), Value::try_from(provenance).map_err(written)?);
        let text = toml::to_string(&table).map_err(written)?;
        Ok((Manifest::parse(&text)?, text))
    }
}

/// A fault of TOML on one line.
fn one_line(error: &toml::de::Error) -> String {
    error.message().replace('\n', " ")
}

/// Refuses what is not `OWNER/NAME` of letters, digits, `-`, `_` and `.`.
///
/// # Errors
/// `BUNDLE_INVALID`.
pub fn check_repository(repository: &str) -> Result<()> {
    let part = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && plain(part);
    match repository.split_once('/') {
        Some((owner, name)) if part(owner) && part(name) => Ok(()),
        _ => Err(invalid("repository", format!("\"{repository}\" is not of the form OWNER/NAME"))),
    }
}

/// Refuses what no branch, tag or commit is called.
///
/// # Errors
/// `BUNDLE_INVALID`.
pub fn check_revision(revision: &str) -> Result<()> {
    check_source(revision).map_err(|message| invalid("revision", message))
}

/// A path that means the same in a URL and in a folder.
fn check_source(path: &str) -> Result<(), String> {
    let spelt = path.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if spelt && check_path(path).is_ok() {
        return Ok(());
    }
    Err(format!("\"{path}\" is not a plain path of letters, digits, \"-\", \"_\" and \".\""))
}

fn plain(part: &str) -> bool {
    check_path(part).is_ok()
}

/// Whether a text is a SHA-256 in hexadecimal.
#[must_use]
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: &str = r#"
        name = "tiny"
        licence = "Apache-2.0"
        dimension = 8
        [origin]
        repository = "someone/tiny"
        [expected]
        text = [0.6, 0.8]
        [files."text.onnx"]
        from = "onnx/text_model.onnx"
        [files."tokenizer.json"]
        from = "tokenizer.json"
        sha256 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
        [towers.text]
        model = "text.onnx"
        inputs = ["input_ids"]
        output = "embedding"
        native_dimension = 8
        logit_scale = 10.0
        golden = { input = "golden/text.txt", vector = "golden/text.f32" }
        [towers.text.preprocess]
        tokenizer = "tokenizer.json"
        context = 32
    "#;

    #[test]
    fn a_recipe_becomes_a_manifest_that_says_the_same() {
        let recipe = Recipe::parse(TINY).unwrap();
        assert_eq!((recipe.name(), recipe.origin.revision.as_str()), ("tiny", "main"));
        let entry = FileEntry { sha256: "a".repeat(64), bytes: 3 };
        let paths = ["text.onnx", "tokenizer.json", "golden/text.txt", "golden/text.f32"];
        let files: BTreeMap<_, _> = paths.into_iter().map(|path| (path.to_owned(), entry.clone())).collect();
        let provenance = Provenance { revision: "c0ffee".to_owned(), ..Provenance::default() };
        let (manifest, text) = recipe.manifest("c0ffee", files.clone(), &provenance).unwrap();
        assert_eq!(manifest, Manifest::parse(&text).unwrap());
        assert_eq!((manifest.files, manifest.provenance), (files, provenance));
        assert_eq!(manifest.towers.text.unwrap().preprocess.context, 32);
    }

    #[test]
    fn each_fault_is_named_before_anything_is_fetched() {
        for (from, to, field) in [
            ("someone/tiny", "tiny", "repository"),
            ("someone/tiny", "../tiny", "repository"),
            ("someone/tiny\"", "someone/tiny\"\nrevision = \"a b\"", "revision"),
            ("onnx/text_model.onnx", "../text_model.onnx", "files.\"text.onnx\".from"),
            ("onnx/text_model.onnx", "onnx/text?model.onnx", "files.\"text.onnx\".from"),
            ("cfc7749b", "zzzz", "files.\"tokenizer.json\".sha256"),
            ("model = \"text.onnx\"", "model = \"other.onnx\"", "towers.text.model"),
            ("native_dimension = 8", "native_dimension = 9", "towers.text.native_dimension"),
            ("name = \"tiny\"", "name = \"tiny\"\nversion = \"1\"", "version"),
            ("name = \"tiny\"", "name = \"tiny\"\nsmell = true", "bundle.toml"),
            ("[expected]\n        text", "[expected]\n        image", "expected.image"),
            ("[expected]\n        text", "[expected]\n        taste", "recipe"),
            (
                "[expected]\n        text",
                "[expected]\n        scores = [{ pair = [\"text\", \"image\"], cosine = 0.1 }]\n        text",
                "expected.scores",
            ),
        ] {
            let broken = TINY.replace(from, to);
            assert_ne!(broken, TINY, "{from}");
            assert_eq!(Recipe::parse(&broken).unwrap_err().field, field, "{to}");
        }
    }
}
