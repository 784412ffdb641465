//! Towers of several bundles in one, around a base whose vectors stay what they are.
//!
//! A composite keeps the base's files where they were, the base's manifest beside them as [`BASE_FILE`], and each
//! added tower in a folder of its modality's name. Its space *is* the base's: the same fingerprint, so that every
//! collection that the base filled stays valid. That the base is really in it is checked when it is opened. What an
//! added tower gives lies in the base's space too, but depends on that tower and its alignment: its vectors carry a
//! fingerprint of their own (`added`), so that those of a refitted tower never meet those of the one before.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use onespace_core::{Error, Fingerprint, License, Modality, Result, UsageRestriction, bytes::le_bytes};
use onespace_family::check::invalid;
use serde_json::{Value, json};

use crate::{
    Bundle, MANIFEST_FILE,
    entry::{FileEntry, file_entry},
    manifest::{BASE_FILE, Manifest},
};

/// The format of a composite's manifest: the first that knows of bases.
const FORMAT: u32 = 2;

/// A tower to be added to a base.
#[derive(Debug)]
pub struct Addition<'a> {
    /// Which tower of the source.
    pub modality: Modality,
    /// Where it comes from.
    pub source: &'a Bundle,
    /// From its native vectors to the base's space: a safetensors file.
    pub alignment: Vec<u8>,
    /// The source's golden vector of this tower, brought through the alignment between the spaces.
    pub golden: Vec<f32>,
}

/// Writes a composite to `out`, which must not exist. Files are hard-linked where the file system can, else copied.
///
/// An added tower takes the place of one that was added before; the base's own towers are fixed.
///
/// # Errors
/// `BUNDLE_INVALID` naming the tower or the file.
pub fn compose(base: &Bundle, additions: &[Addition<'_>], out: &Path) -> Result<Manifest> {
    let own = base.base();
    for modality in additions.iter().map(|addition| addition.modality) {
        if own.towers.head(modality).is_some() {
            let message = "the base has this tower itself, and its vectors must stay what they are: take a base \
                 without it, or fit into another space";
            return Err(invalid(format!("towers.{modality}"), message));
        }
    }
    let failed = |error: std::io::Error| invalid(out.display().to_string(), error.to_string());
    fs::create_dir(out).map_err(failed)?;
    let (mut whole, mut files) = (tree(base.manifest())?, kept(base, additions)?);
    for path in files.keys().filter(|path| *path != BASE_FILE) {
        link(&base.path(path), &out.join(path))?;
    }
    let (from, to) = (base.path(base.manifest().base.map_or(MANIFEST_FILE, |_| BASE_FILE)), out.join(BASE_FILE));
    link(&from, &to)?;
    files.insert(BASE_FILE.to_owned(), file_entry(&to)?);
    let mut text = Text::from_manifest(base.manifest());
    // Towers of one source share a folder: they may share graphs.
    let mut folders: BTreeMap<Fingerprint, String> = BTreeMap::new();
    for addition in additions {
        let unused = free(addition.modality, &files);
        let folder = folders.entry(addition.source.space().fingerprint).or_insert(unused);
        let (tower, added) = placed(addition, folder, out)?;
        whole = with(whole, &["towers", addition.modality.name()], tower);
        files.extend(added);
        text.join(addition.source.manifest());
    }
    let License { name: license, restriction, notice } = text.license;
    let head = json!({
        "format": FORMAT, "base": base.space().fingerprint, "files": files, "name": text.name,
        "description": text.description, "licence": license, "usage": restriction, "notice": notice,
    });
    for (key, value) in head.as_object().into_iter().flatten() {
        whole = with(whole, &[key], value.clone());
    }
    let manifest: Manifest =
        serde_json::from_value(whole).map_err(|error| invalid(MANIFEST_FILE, error.to_string()))?;
    let toml = toml::to_string(&manifest).map_err(|error| Error::internal(error.to_string()))?;
    fs::write(out.join(MANIFEST_FILE), toml).map_err(failed)?;
    Ok(manifest)
}

/// What stays of a base's files: its own, and the folders of towers that were added before and are not replaced.
fn kept(base: &Bundle, additions: &[Addition<'_>]) -> Result<BTreeMap<String, FileEntry>> {
    let (manifest, own, whole) = (base.manifest(), base.base(), tree(base.manifest())?);
    let stays = |modality: Modality| {
        own.towers.head(modality).is_none() && additions.iter().all(|addition| addition.modality != modality)
    };
    let towers = manifest.towers.heads().into_iter().map(|head| head.modality).filter(|modality| stays(*modality));
    let theirs: BTreeSet<&str> = towers.flat_map(|modality| named(&tower(&whole, modality), manifest)).collect();
    let folder = |path: &str| path.split_once('/').map(|(folder, _)| folder.to_owned());
    let folders: BTreeSet<String> = theirs.iter().filter_map(|path| folder(path)).collect();
    let mut files = manifest.files.clone();
    files
        .retain(|path, _| own.files.contains_key(path) || folder(path).is_some_and(|folder| folders.contains(&folder)));
    Ok(files)
}

/// A folder that no file is in yet, named after a modality.
fn free(modality: Modality, files: &BTreeMap<String, FileEntry>) -> String {
    let names = std::iter::once(format!("{modality}/")).chain((2..).map(|number| format!("{modality}-{number}/")));
    let used = |name: &String| files.keys().any(|path| path.starts_with(name.as_str()));
    names.into_iter().find(|name| !used(name)).unwrap_or_default()
}

/// The base of a composite, from the manifest it keeps, once it is certain that all of it is there.
///
/// # Errors
/// `BUNDLE_INVALID` naming what is not the base's.
pub(crate) fn checked_base(text: &str, composite: &Manifest, claimed: Fingerprint) -> Result<Manifest> {
    let base = Manifest::parse(text).map_err(|error| error.under(BASE_FILE))?;
    let found = base.fingerprint()?;
    if base.base.is_some() || found != claimed {
        return Err(invalid("base", format!("{BASE_FILE} is the manifest of {found}, not of {claimed}")));
    }
    if base.dimension != composite.dimension {
        let message = format!("{}, the base has {}", composite.dimension, base.dimension);
        return Err(invalid("dimension", message));
    }
    if let Some((path, _)) = base.files.iter().find(|(path, entry)| composite.files.get(*path) != Some(*entry)) {
        return Err(invalid(format!("files.{path}"), "is not the base's"));
    }
    let (theirs, ours) = (tree(&base)?, tree(composite)?);
    for head in base.towers.heads() {
        if tower(&theirs, head.modality) != tower(&ours, head.modality) {
            return Err(invalid(format!("towers.{}", head.modality), "is not the base's, whose towers are fixed"));
        }
    }
    Ok(base)
}

/// The towers that were added to a base, each with the fingerprint that its vectors carry: the digest of the base's
/// fingerprint, the tower's canonical part, and the entries of the files that it names.
///
/// # Errors
/// `INTERNAL` if the manifest cannot be written down, which no parsed one does.
pub(crate) fn added(composite: &Manifest, base: &Manifest) -> Result<BTreeMap<Modality, Fingerprint>> {
    let whole = tree(composite)?;
    let mut added = BTreeMap::new();
    for head in composite.towers.heads().iter().filter(|head| base.towers.head(head.modality).is_none()) {
        let named = named(&tower(&whole, head.modality), composite).into_iter();
        let files: BTreeMap<_, _> = named.map(|path| (path, composite.files.get(path))).collect();
        // Types, not a tree: the order of their keys is fixed.
        let canonical = serde_json::to_vec(&(composite.base, composite.towers.only(head.modality), files));
        let canonical = canonical.map_err(|error| Error::internal(error.to_string()))?;
        added.insert(head.modality, Fingerprint::of(&canonical));
    }
    Ok(added)
}

/// An added tower's table and files, once these lie in its folder.
fn placed(addition: &Addition<'_>, folder: &str, out: &Path) -> Result<(Value, BTreeMap<String, FileEntry>)> {
    let Addition { modality, source, alignment, golden } = addition;
    let (manifest, whole) = (source.manifest(), tree(source.manifest())?);
    let head = manifest.towers.head(*modality);
    let head =
        head.ok_or_else(|| invalid(format!("towers.{modality}"), format!("{} has no such tower", manifest.name)))?;
    let mut wanted = named(&tower(&whole, *modality), manifest);
    // Licences, cards: what belongs to no tower belongs to every one.
    let heads = manifest.towers.heads();
    let theirs: BTreeSet<&str> = heads.iter().flat_map(|head| named(&tower(&whole, head.modality), manifest)).collect();
    wanted.extend(manifest.files.keys().map(String::as_str).filter(|path| !theirs.contains(path)));
    for replaced in [head.alignment, Some(head.golden.vector.as_str()), Some(BASE_FILE)].into_iter().flatten() {
        wanted.remove(replaced);
    }
    let mut files = BTreeMap::new();
    for path in wanted {
        let to = format!("{folder}{path}");
        link(&source.path(path), &out.join(&to))?;
        files.extend(manifest.files.get(path).map(|entry| (to, entry.clone())));
    }
    let mut table = moved(tower(&whole, *modality), manifest, folder);
    let vector = le_bytes(golden);
    for (key, suffix, bytes) in [("alignment", "safetensors", alignment.clone()), ("golden/vector", "f32", vector)] {
        // Named by what is in it, so that towers that share it name the same file.
        let to = format!("{folder}aligned-{}.{suffix}", Fingerprint::of(&bytes).short());
        let written = fs::create_dir_all(out.join(folder)).and_then(|()| fs::write(out.join(&to), bytes));
        written.map_err(|error| invalid(&to, error.to_string()))?;
        files.insert(to.clone(), file_entry(&out.join(&to))?);
        table = with(table, &key.split('/').collect::<Vec<_>>(), Value::String(to));
    }
    Ok((table, files))
}

/// A tower's table in a manifest's tree.
fn tower(tree: &Value, modality: Modality) -> Value {
    tree.pointer(&format!("/towers/{modality}")).cloned().unwrap_or_default()
}

/// A manifest as a tree, so that what is said of a tower need not be listed again here.
fn tree(manifest: &Manifest) -> Result<Value> {
    serde_json::to_value(manifest).map_err(|error| Error::internal(error.to_string()))
}

/// The files that a tower names, wherever in its table: every text that is the path of a file of the bundle.
fn named<'a>(tower: &Value, manifest: &'a Manifest) -> BTreeSet<&'a str> {
    match tower {
        Value::String(text) => manifest.files.get_key_value(text).map(|(path, _)| path.as_str()).into_iter().collect(),
        Value::Array(values) => values.iter().flat_map(|value| named(value, manifest)).collect(),
        Value::Object(fields) => fields.values().flat_map(|value| named(value, manifest)).collect(),
        _ => BTreeSet::new(),
    }
}

/// A tower's table with the files that it names in another folder.
fn moved(tower: Value, manifest: &Manifest, folder: &str) -> Value {
    let deeper = |value| moved(value, manifest, folder);
    match tower {
        Value::String(text) if manifest.files.contains_key(&text) => Value::String(format!("{folder}{text}")),
        Value::Array(values) => Value::Array(values.into_iter().map(deeper).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(key, value)| (key, deeper(value))).collect()),
        other => other,
    }
}

/// A tree with one value set; what leads there is made.
fn with(tree: Value, path: &[&str], value: Value) -> Value {
    let Some((key, rest)) = path.split_first() else { return value };
    let mut fields = match tree {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    };
    let before = fields.remove(*key).unwrap_or_default();
    fields.insert((*key).to_owned(), with(before, rest, value));
    Value::Object(fields)
}

/// The same file in another place.
fn link(from: &Path, to: &Path) -> Result<()> {
    // Two towers of one source name the same file; to copy a link onto itself would empty it.
    if to.exists() {
        return Ok(());
    }
    let placed = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        // A link may point at what a caller goes on editing; a digest tells then.
        fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop))
    });
    placed.map_err(|error| invalid(to.display().to_string(), error.to_string()))
}

/// What a composite says of itself for people.
struct Text {
    name: String,
    description: String,
    license: License,
}

impl Text {
    fn from_manifest(manifest: &Manifest) -> Self {
        let (name, description) = (manifest.name.clone(), manifest.description.clone());
        Self { name, description, license: manifest.license() }
    }

    /// Every license and notice holds, the strictest usage; every description is told.
    fn join(&mut self, added: &Manifest) {
        if !self.name.split('+').any(|name| name == added.name) {
            self.name += &format!("+{}", added.name);
        }
        self.license.name = all_of(&self.license.name, &added.license);
        // From the widest to the strictest: see `UsageRestriction::ALL`.
        let both = [self.license.restriction, added.usage];
        self.license.restriction =
            UsageRestriction::ALL.into_iter().rev().find(|usage| both.contains(usage)).unwrap_or_default();
        for (told, more) in [(&mut self.description, &added.description), (&mut self.license.notice, &added.notice)] {
            if !told.contains(more.as_str()) {
                *told = format!("{told} {more}").trim().to_owned();
            }
        }
    }
}

/// The SPDX expression that asks for both.
fn all_of(one: &str, other: &str) -> String {
    let closed = |expression: &str| {
        if expression.contains(" OR ") && !expression.starts_with('(') {
            format!("({expression})")
        } else {
            expression.to_owned()
        }
    };
    let mut terms: Vec<String> = Vec::new();
    for term in [one, other].iter().flat_map(|expression| expression.split(" AND ")) {
        let term = closed(term.trim());
        if !terms.contains(&term) {
            terms.push(term);
        }
    }
    terms.join(" AND ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licenses_are_joined_once() {
        for (one, other, both) in [
            ("MIT", "MIT", "MIT"),
            ("Apache-2.0", "MIT", "Apache-2.0 AND MIT"),
            ("Apache-2.0 AND MIT", "MIT", "Apache-2.0 AND MIT"),
            ("MIT OR Apache-2.0", "CC0-1.0", "(MIT OR Apache-2.0) AND CC0-1.0"),
            ("(MIT OR Apache-2.0) AND CC0-1.0", "MIT OR Apache-2.0", "(MIT OR Apache-2.0) AND CC0-1.0"),
        ] {
            assert_eq!(all_of(one, other), both);
        }
    }
}
