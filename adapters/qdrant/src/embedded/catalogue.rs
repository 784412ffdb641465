//! Which collections a data directory holds, and which of them a name leads to.
//!
//! One JSON file, replaced as a whole: it is written beside, synced and renamed, so that a crash leaves the old
//! one or the new one. A collection exists from the moment it stands here until the moment it does not; folders
//! that the catalogue does not know are leftovers.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::description::Description;

const FILE: &str = "catalogue.json";
const FORMAT: u32 = 1;

/// A collection and where it lies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The name of its folder, of its own even when a collection is deleted and made again: reads that are
    /// still going on keep the old one.
    pub(super) folder: String,
    /// Metadata fields whose payload index may be half made. When the collection is opened, these are made anew.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) unfinished: BTreeSet<String>,
    /// What it is.
    #[serde(flatten)]
    pub(super) description: Description,
}

/// What is in a data directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Catalogue {
    format: u32,
    /// Every collection, by physical name.
    pub(super) collections: BTreeMap<String, Entry>,
    /// The alias of a name to the physical name.
    pub(super) aliases: BTreeMap<String, String>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self { format: FORMAT, collections: BTreeMap::new(), aliases: BTreeMap::new() }
    }
}

impl Catalogue {
    /// Reads the catalogue of a directory; an empty one where there is none yet.
    ///
    /// # Errors
    /// Those of the file system; `InvalidData` for a file that is no catalogue of this format.
    pub(super) fn load(root: &Path) -> io::Result<Self> {
        let bytes = match fs::read(root.join(FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(error),
        };
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, format!("{FILE}: {why}"));
        let catalogue: Self = serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
        if catalogue.format != FORMAT {
            return Err(invalid(format!("format {}, this version reads format {FORMAT}", catalogue.format)));
        }
        Ok(catalogue)
    }

    /// Replaces the catalogue of a directory.
    ///
    /// # Errors
    /// Those of the file system; the old catalogue then stands.
    pub(super) fn save(&self, root: &Path) -> io::Result<()> {
        let beside = root.join(format!("{FILE}.new"));
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&beside, root.join(FILE))?;
        sync_directory(root)
    }
}

/// Makes the names in a directory survive a loss of power.
///
/// # Errors
/// Those of the file system.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_default_tenant_reads_and_writes_as_it_always_did() {
        let directory = tempfile::tempdir().unwrap();
        let space = onespace_core::Fingerprint::of(b"space");
        let physical = format!("photos__{}", space.short());
        let old = serde_json::json!({
            "format": 1,
            "collections": {
                &physical: {
                    "folder": format!("{physical}-0123"),
                    "name": "photos",
                    "space": space.to_string(),
                    "dimension": 4,
                    "indexed": { "sold": "bool", "year": "integer" },
                },
            },
            "aliases": { "photos": &physical },
        });
        let text = serde_json::to_string_pretty(&old).unwrap();
        fs::write(directory.path().join(FILE), &text).unwrap();
        let catalogue = Catalogue::load(directory.path()).unwrap();
        let Entry { unfinished, description, .. } = &catalogue.collections[&physical];
        assert!(unfinished.is_empty() && description.tenant.as_str() == "default");
        assert_eq!((description.alias(), description.physical()), ("photos".to_owned(), physical));
        catalogue.save(directory.path()).unwrap();
        let saved: serde_json::Value = serde_json::from_slice(&fs::read(directory.path().join(FILE)).unwrap()).unwrap();
        assert_eq!(saved, old);
    }

    #[test]
    fn the_catalogue_outlives_its_writer_and_tells_what_it_cannot_read() {
        let directory = tempfile::tempdir().unwrap();
        let mut catalogue = Catalogue::load(directory.path()).unwrap();
        assert!(catalogue.collections.is_empty());
        catalogue.aliases.insert("photos".into(), "photos__0123".into());
        catalogue.save(directory.path()).unwrap();
        assert_eq!(Catalogue::load(directory.path()).unwrap().aliases, catalogue.aliases);

        catalogue.format = 2;
        catalogue.save(directory.path()).unwrap();
        assert!(Catalogue::load(directory.path()).unwrap_err().to_string().contains("format 2"));
        fs::write(directory.path().join(FILE), "{").unwrap();
        assert_eq!(Catalogue::load(directory.path()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
