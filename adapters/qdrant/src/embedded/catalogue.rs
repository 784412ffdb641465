//! Which collections a data directory holds, and which of them a name leads to.
//!
//! One JSON file, replaced as a whole: it is written beside, synced and renamed, so that a crash leaves the old
//! one or the new one. A collection exists from the moment it stands here until the moment it does not; folders
//! that the catalogue does not know are leftovers. It has a checksum, and a copy beside it that is used where it is
//! damaged or gone: one wrong letter in it would otherwise make a collection a leftover.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::description::Description;

const FILE: &str = "catalogue.json";
const COPY: &str = "catalogue.copy.json";
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
    /// BLAKE3 of the same without this; absent where it was written before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<String>,
}

/// A catalogue as it was found.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) catalogue: Catalogue,
    /// It is the one that was written last: what it does not know is left over.
    pub(super) certain: bool,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self { format: FORMAT, collections: BTreeMap::new(), aliases: BTreeMap::new(), sum: None }
    }
}

impl Catalogue {
    /// Reads the catalogue of a directory, or its copy where it is damaged or gone; an empty one where there is none
    /// yet.
    ///
    /// # Errors
    /// Those of the file system; `InvalidData` for a file that is no catalogue of this format.
    pub(super) fn load(root: &Path) -> io::Result<Loaded> {
        let found = Self::read(root, FILE);
        let why = match found {
            Ok(Some(catalogue)) => return Ok(Loaded { catalogue, certain: true }),
            Ok(None) => io::Error::new(io::ErrorKind::NotFound, format!("{FILE} is gone")),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => error,
            Err(error) => return Err(error),
        };
        match Self::read(root, COPY) {
            Ok(Some(catalogue)) => {
                tracing::error!(error = %why, directory = %root.display(), "the catalogue's copy is used in its place");
                Ok(Loaded { catalogue, certain: false })
            }
            _ if why.kind() == io::ErrorKind::NotFound => Ok(Loaded { catalogue: Self::default(), certain: false }),
            _ => Err(why),
        }
    }

    fn read(root: &Path, name: &str) -> io::Result<Option<Self>> {
        let bytes = match fs::read(root.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, format!("{name}: {why}"));
        let mut catalogue: Self = serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
        if catalogue.format != FORMAT {
            return Err(invalid(format!("format {}, this version reads format {FORMAT}", catalogue.format)));
        }
        let sum = catalogue.sum.take();
        if sum.is_some_and(|sum| !catalogue.sum().is_ok_and(|found| found == sum)) {
            return Err(invalid("it was altered: its checksum is another one".to_owned()));
        }
        Ok(Some(catalogue))
    }

    /// Replaces the catalogue of a directory, and then its copy.
    ///
    /// # Errors
    /// Those of the file system; the old catalogue then stands.
    pub(super) fn save(&self, root: &Path) -> io::Result<()> {
        let summed = Self { sum: Some(self.sum()?), ..self.clone() };
        let bytes = serde_json::to_vec_pretty(&summed)?;
        replace(root, FILE, &bytes)?;
        if let Err(error) = replace(root, COPY, &bytes) {
            tracing::warn!(%error, "the catalogue has no copy");
        }
        Ok(())
    }

    fn sum(&self) -> io::Result<String> {
        let bytes = serde_json::to_vec(&Self { sum: None, ..self.clone() })?;
        Ok(blake3::hash(&bytes).to_hex().to_string())
    }
}

fn replace(root: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = root.join(format!("{name}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, root.join(name))?;
    sync_directory(root)
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
        let catalogue = Catalogue::load(directory.path()).unwrap().catalogue;
        let Entry { unfinished, description, .. } = &catalogue.collections[&physical];
        assert!(unfinished.is_empty() && description.tenant.as_str() == "default");
        assert_eq!((description.alias(), description.physical()), ("photos".to_owned(), physical));
        catalogue.save(directory.path()).unwrap();
        let saved = fs::read(directory.path().join(FILE)).unwrap();
        let mut saved: serde_json::Value = serde_json::from_slice(&saved).unwrap();
        assert!(saved.as_object_mut().unwrap().remove("sum").is_some());
        assert_eq!(saved, old);
    }

    #[test]
    fn the_catalogue_outlives_its_writer_and_tells_what_it_cannot_read() {
        let directory = tempfile::tempdir().unwrap();
        let load = || Catalogue::load(directory.path());
        let mut catalogue = load().unwrap().catalogue;
        assert!(catalogue.collections.is_empty());
        catalogue.aliases.insert("photos".into(), "photos__0123".into());
        catalogue.save(directory.path()).unwrap();
        assert_eq!(load().unwrap().catalogue.aliases, catalogue.aliases);
        assert!(load().unwrap().certain);

        catalogue.format = 2;
        catalogue.save(directory.path()).unwrap();
        assert!(load().unwrap_err().to_string().contains("format 2"));
        fs::write(directory.path().join(FILE), "{").unwrap();
        assert_eq!(load().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_damaged_catalogue_is_noticed_and_its_copy_used() {
        let directory = tempfile::tempdir().unwrap();
        let mut catalogue = Catalogue::default();
        catalogue.aliases.insert("photos".into(), "photos__0123".into());
        catalogue.save(directory.path()).unwrap();
        let file = directory.path().join(FILE);
        let bytes = fs::read(&file).unwrap();
        let mut noticed = 0;
        for index in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[index] ^= 1 << (index % 8);
            fs::write(&file, bent).unwrap();
            let loaded = Catalogue::load(directory.path()).unwrap();
            assert_eq!(loaded.catalogue.aliases, catalogue.aliases, "byte {index}");
            noticed += usize::from(!loaded.certain);
        }
        assert!(noticed * 2 > bytes.len(), "{noticed} of {}", bytes.len());
        fs::remove_file(&file).unwrap();
        let loaded = Catalogue::load(directory.path()).unwrap();
        assert_eq!((loaded.catalogue.aliases, loaded.certain), (catalogue.aliases, false));
    }
}
