//! From downloaded files to a bundle: written beside where it will be, proven, and put there in one step.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use onespace_bundle::{Bundle, FileEntry, MANIFEST_FILE, Manifest, Met, Provenance, Recipe, file_digest};
use onespace_core::{Modality, bytes::le_bytes};

use crate::{recipes::golden_input, refusal::disk};

/// What golden vectors of a pulled bundle are worth. A reader of the manifest shall not take them for the authors'.
const SELF_MADE: &str =
    "none: golden vectors were computed by the pull itself; they guard against drift, not against a wrong recipe";

/// A bundle whose golden vectors are yet to be computed, beside where it will be. It goes unless it is finished.
pub struct Draft<'a> {
    recipe: &'a Recipe,
    version: &'a str,
    provenance: Provenance,
    files: BTreeMap<String, FileEntry>,
    bundle: Bundle,
    staging: Staging,
    out: &'a Path,
}

impl<'a> Draft<'a> {
    /// Writes everything but the golden vectors. `files` are those of the recipe at `commit`, by their path within the
    /// bundle: where they lie, and their SHA-256.
    ///
    /// # Errors
    /// A full disk; a graph that is not what the recipe says.
    pub fn write(
        recipe: &'a Recipe,
        commit: &'a str,
        files: &BTreeMap<String, (PathBuf, String)>,
        out: &'a Path,
    ) -> Result<Self> {
        let staging = Staging::beside(out)?;
        let folder = staging.0.as_path();
        let mut files = copy(files, folder)?;
        // Vectors are not there yet; zeros keep their places until the towers have run.
        let zeros = vec![0; 4 * recipe.dimension()];
        for golden in recipe.golden() {
            if let Some(bytes) = golden_input(&golden.input).filter(|_| !files.contains_key(&golden.input)) {
                files.insert(golden.input.clone(), write(folder, &golden.input, bytes)?);
            }
            files.insert(golden.vector.clone(), write(folder, &golden.vector, &zeros)?);
        }
        let version = commit.get(..12).unwrap_or(commit);
        let provenance = provenance(recipe, commit);
        let (manifest, _) = recipe.manifest(version, files.clone(), &provenance)?;
        let bundle = Bundle::assembled(folder, manifest)?;
        Ok(Self { recipe, version, provenance, files, bundle, staging, out })
    }

    /// The bundle as it lies there, for running its towers on their golden inputs.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Takes what each tower gives for its golden input, puts the bundle where it will be and gives its space's
    /// fingerprint, and what became of the scores that the recipe expects.
    ///
    /// # Errors
    /// A golden vector that is missing, or not what the recipe expects; a full disk.
    pub fn finish(mut self, vectors: &BTreeMap<Modality, Vec<f32>>) -> Result<(String, Vec<Met>)> {
        let met = self.recipe.expected.check(vectors)?;
        let folder = self.staging.0.as_path();
        for head in self.bundle.manifest().towers.heads() {
            let vector = vectors.get(&head.modality).ok_or_else(|| no_decoder(head.modality))?;
            self.files.insert(head.golden.vector.clone(), write(folder, &head.golden.vector, &le_bytes(vector))?);
        }
        let (manifest, text) = self.recipe.manifest(self.version, self.files, &self.provenance)?;
        // The manifest last: until it is there, the folder is no bundle.
        write(folder, MANIFEST_FILE, format!("# Written by onespace bundle pull.\n\n{text}").as_bytes())?;
        fs::rename(folder, self.out).map_err(|error| disk(&error, self.out)).context("the finished bundle")?;
        Ok((manifest.fingerprint()?.to_string(), met))
    }
}

fn no_decoder(modality: Modality) -> anyhow::Error {
    anyhow!("this build of onespace has no {modality} tower to prove the bundle's with")
}

fn provenance(recipe: &Recipe, commit: &str) -> Provenance {
    let origin = &recipe.origin;
    let checkpoint = if origin.checkpoint.is_empty() { &origin.repository } else { &origin.checkpoint };
    Provenance {
        checkpoint: checkpoint.clone(),
        revision: format!("{}@{commit}", origin.repository),
        exporter: concat!("onespace bundle pull ", env!("CARGO_PKG_VERSION")).to_owned(),
        reference: SELF_MADE.to_owned(),
    }
}

fn copy(files: &BTreeMap<String, (PathBuf, String)>, folder: &Path) -> Result<BTreeMap<String, FileEntry>> {
    let mut entries = BTreeMap::new();
    for (path, (source, sha256)) in files {
        let target = target_path(folder, path)?;
        // Not a link: whoever rewrites a file of the bundle must not rewrite the cache.
        let bytes = fs::copy(source, &target).map_err(|error| disk(&error, &target))?;
        entries.insert(path.clone(), FileEntry { sha256: sha256.clone(), bytes });
    }
    Ok(entries)
}

fn write(folder: &Path, path: &str, bytes: &[u8]) -> Result<FileEntry> {
    let target = target_path(folder, path)?;
    fs::write(&target, bytes).map_err(|error| disk(&error, &target))?;
    let sha256 = file_digest(&target).map_err(|error| disk(&error, &target))?;
    Ok(FileEntry { sha256, bytes: bytes.len() as u64 })
}

fn target_path(folder: &Path, path: &str) -> Result<PathBuf> {
    let target = folder.join(path);
    let parent = target.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|error| disk(&error, parent))?;
    Ok(target)
}

/// A folder that goes unless it was renamed.
struct Staging(PathBuf);

impl Staging {
    /// On the same disk as `out`, so that it can be put there in one step.
    fn beside(out: &Path) -> Result<Self> {
        let name = out.file_name().with_context(|| format!("--out {}: has no name", out.display()))?.to_string_lossy();
        let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|error| disk(&error, parent))?;
        let folder = parent.join(format!(".{name}.pull-{}", std::process::id()));
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(|error| disk(&error, &folder))?;
        }
        fs::create_dir(&folder).map_err(|error| disk(&error, &folder))?;
        Ok(Self(folder))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // It is not there any more when all went well.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What is at `out` already: nothing; or the bundle of this repository, and its commit and fingerprint.
///
/// # Errors
/// Something else is there.
pub fn existing(recipe: &Recipe, out: &Path) -> Result<Option<(String, String)>> {
    if !out.exists() {
        return Ok(None);
    }
    let other = || format!("--out {} is there already and is no bundle of {}", out.display(), recipe.origin.repository);
    let text = fs::read_to_string(out.join(MANIFEST_FILE)).with_context(other)?;
    let manifest = Manifest::parse(&text).with_context(other)?;
    match manifest.provenance.revision.split_once('@') {
        Some((repository, commit)) if repository == recipe.origin.repository => {
            Ok(Some((commit.to_owned(), manifest.fingerprint()?.to_string())))
        }
        _ => bail!(other()),
    }
}
