//! Which files lie beside which, and say something of them: nobody wants to find these themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Files that say something of others, or that programs leave behind, by the end of their names.
const SIDECAR_ENDS: [&str; 7] = ["aae", "dop", "mtl", "pp3", "thm", "xmp", "lrv"];
/// The same by their whole names.
const SIDECAR_NAMES: [&str; 6] = [
    "desktop.ini",
    "thumbs.db",
    "metadata.json",
    "print-subscriptions.json",
    "shared_album_comments.json",
    "user-generated-memory-titles.json",
];

/// What Takeout writes between the name of a file and `.json`, whole or cut off.
const SUPPLEMENTAL: &str = "supplemental-metadata";
/// Takeout cuts names, without `.json`, to so many letters.
const TAKEOUT_LETTERS: usize = 46;
/// What Google Photos puts behind the name of a file that was edited, in the languages in which it does.
const EDITED: [&str; 12] = [
    "-edited",
    "-bearbeitet",
    "-modifié",
    "-editado",
    "-editada",
    "-modificato",
    "-bewerkt",
    "-edytowane",
    "-redigerad",
    "-muokattu",
    "-upraveno",
    "-編集済み",
];

/// The names in a folder.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// Each JSON file of a media file.
    json_of: BTreeMap<String, String>,
    /// Those JSON files.
    jsons: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Folder {
    /// The names in a folder; none where it cannot be read.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        Self::of(entries.filter_map(|entry| entry.file_name().into_string().ok()).collect())
    }

    fn of(names: BTreeSet<String>) -> Self {
        let media = names.iter().filter(|name| !is_json(Path::new(name)));
        let json_of: BTreeMap<String, String> =
            media.filter_map(|name| Some((name.clone(), takeout_of(name, &names)?))).collect();
        Self { jsons: json_of.values().cloned().collect(), json_of, names }
    }

    /// Whether a file of this folder says something of another one, or is of no use to anybody.
    #[must_use]
    pub fn has_sidecar(&self, path: &Path) -> bool {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
        let lower = name.to_lowercase();
        let end = lower.rsplit_once('.').map_or("", |(_, end)| end);
        SIDECAR_ENDS.contains(&end) || SIDECAR_NAMES.contains(&lower.as_str()) || self.jsons.contains(name)
    }

    /// The files beside one of this folder that say something of it, the one that knows best last.
    #[must_use]
    pub fn sidecars(&self, path: &Path) -> Vec<PathBuf> {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let xmp = [format!("{stem}.xmp"), format!("{stem}.XMP"), format!("{name}.xmp"), format!("{name}.XMP")];
        let xmp = xmp.into_iter().filter(|sidecar| sidecar != name && self.names.contains(sidecar));
        self.json_of.get(name).cloned().into_iter().chain(xmp).map(|sidecar| path.with_file_name(sidecar)).collect()
    }
}

pub(crate) fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"))
}

/// The JSON that Takeout has put beside a file: of itself, or of what it is an edited copy of.
fn takeout_of(name: &str, names: &BTreeSet<String>) -> Option<String> {
    let (stem, end) = name.rsplit_once('.')?;
    // The number of a second file of one name stands behind the name of the first: IMG(1).jpg has IMG.jpg(1).json.
    let numbered = stem.strip_suffix(')').and_then(|stem| stem.rsplit_once('('));
    let numbered = numbered.filter(|(_, n)| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()));
    let mut forms = vec![(stem, String::new())];
    forms.extend(numbered.map(|(stem, number)| (stem, format!("({number})"))));
    let edited: Vec<_> = forms
        .iter()
        .filter_map(|(stem, number)| {
            Some((EDITED.iter().find_map(|edited| stem.strip_suffix(edited))?, number.clone()))
        })
        .collect();
    let forms = forms.into_iter().chain(edited);
    forms.flat_map(|(stem, number)| candidates(&format!("{stem}.{end}"), &number)).find(|name| names.contains(name))
}

/// What the JSON of a file may be called.
fn candidates(name: &str, number: &str) -> Vec<String> {
    let full = format!("{name}.{SUPPLEMENTAL}");
    let cut = (0..=SUPPLEMENTAL.len()).rev().filter_map(|end| SUPPLEMENTAL.get(..end));
    let cut = cut.map(|rest| format!("{name}.{rest}"));
    let short = [full.as_str(), name].map(|name| name.chars().take(TAKEOUT_LETTERS).collect());
    let all = [name.to_owned()].into_iter().chain(cut).chain(short);
    all.map(|name| format!("{name}{number}.json")).collect()
}
