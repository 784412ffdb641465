//! A transcriber on disk: what turns speech into text, beside a bundle and apart from its space.
//!
//! It is a directory with a manifest, `transcriber.toml`, two graphs and a tokenizer. As with a bundle, no byte is used
//! that the manifest does not vouch for.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use onespace_core::{Fingerprint, License, Result, TranscriberInfo, UsageRestriction};
use onespace_family::{check::invalid, written::is_default};
use onespace_speech::table::Speech;
use serde::{Deserialize, Serialize};

use crate::{
    entry::{FileEntry, check_path},
    manifest::Provenance,
    verify::{check_file, read_manifest},
};

/// The manifest's file name.
pub const TRANSCRIBER_FILE: &str = "transcriber.toml";

/// The one format that there is.
const FORMAT: u32 = 1;

/// The manifest of a transcriber: unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TranscriberManifest {
    /// The version of the manifest format: 1.
    pub format: u32,
    /// The model's name.
    pub name: String,
    /// The version of what was made of it.
    pub version: String,
    /// The license of the weights, as an SPDX expression.
    #[serde(rename = "licence")]
    pub license: String,
    /// What the license amounts to.
    #[serde(default, skip_serializing_if = "is_default")]
    pub usage: UsageRestriction,
    /// What else is to be known of the license: an attribution.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notice: String,
    /// Where the weights come from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub provenance: Provenance,
    /// The model, and what it was trained with.
    pub speech: Speech,
    /// Every file, by its path relative to the manifest.
    pub files: BTreeMap<String, FileEntry>,
}

impl TranscriberManifest {
    /// Reads a manifest and checks what can be checked without its files.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, naming the key and the fault.
    pub fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).map_err(|error| {
            let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
            let line = before.matches('\n').count() + 1;
            invalid(TRANSCRIBER_FILE, format!("line {line}: {}", error.message().replace('\n', " ")))
        })?;
        if manifest.format != FORMAT {
            return Err(invalid("format", format!("format {} is not read here, only {FORMAT}", manifest.format)));
        }
        if manifest.license.trim().is_empty() {
            return Err(invalid("licence", "must name the licence of the weights"));
        }
        manifest.files.keys().try_for_each(|path| check_path(path))?;
        manifest.speech.check(&|file| manifest.files.contains_key(file)).map_err(|error| error.under("speech"))?;
        Ok(manifest)
    }

    /// What a server says of it.
    #[must_use]
    pub fn info(&self) -> TranscriberInfo {
        TranscriberInfo {
            name: format!("{} {}", self.name, self.version),
            fingerprint: self.fingerprint(),
            license: License { name: self.license.clone(), restriction: self.usage, notice: self.notice.clone() },
            languages: self.speech.languages.clone(),
        }
    }

    /// The digest of what transcripts depend on: the rules and the files, not what is said of them.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        // Names and numbers: there is nothing in them that JSON could not spell.
        Fingerprint::of(&serde_json::to_vec(&(&self.speech, &self.files)).unwrap_or_default())
    }
}

/// A verified transcriber.
#[derive(Clone, Debug)]
pub struct TranscriberBundle {
    directory: PathBuf,
    manifest: TranscriberManifest,
}

impl TranscriberBundle {
    /// Opens a directory and checks the length and digest of every file that its manifest lists.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the directory where there is none, or the first file or key at fault.
    pub fn open(directory: &Path) -> Result<Self> {
        if !directory.is_dir() {
            let message = format!("{} is no directory, so speech is not turned into text", directory.display());
            return Err(invalid("transcriber", message));
        }
        let manifest = TranscriberManifest::parse(&read_manifest(&directory.join(TRANSCRIBER_FILE))?)?;
        for (path, entry) in &manifest.files {
            check_file(&directory.join(path), entry).map_err(|error| error.under(path))?;
        }
        Ok(Self { directory: directory.to_owned(), manifest })
    }

    /// What the manifest says.
    #[must_use]
    pub fn manifest(&self) -> &TranscriberManifest {
        &self.manifest
    }

    /// Where a listed file lies.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        self.directory.join(file)
    }

    /// The bytes of a listed file.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` when it cannot be read any more.
    pub fn read(&self, file: &str) -> Result<Vec<u8>> {
        fs::read(self.path(file)).map_err(|error| invalid(file, error.to_string()))
    }
}
