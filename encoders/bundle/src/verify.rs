//! A bundle on disk, verified: no byte is used that the manifest does not vouch for.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use onespace_core::{Error, Modality, Prepare, Reason, Result, Space, bytes::le_floats, vector};
use onespace_family::check::invalid;

use crate::{
    compose,
    entry::{FileEntry, check_path, file_digest},
    manifest::{BASE_FILE, Manifest},
};

/// The manifest's file name.
pub const MANIFEST_FILE: &str = "bundle.toml";

/// The largest manifest that is read.
const MANIFEST_BYTES: u64 = 1 << 20;

/// A verified bundle.
#[derive(Clone, Debug)]
pub struct Bundle {
    directory: PathBuf,
    manifest: Manifest,
    /// Of a composite, the base.
    base: Option<Manifest>,
    space: Space,
}

impl Bundle {
    /// Opens a directory and checks the length and digest of every file that its manifest lists.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the first file or key at fault, and the fault.
    pub fn open(directory: &Path) -> Result<Self> {
        Self::assembled(directory, Manifest::parse(&read_manifest(&directory.join(MANIFEST_FILE))?)?)
    }

    /// As [`open`](Self::open), of a directory whose manifest is not written yet.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the first file at fault, and the fault.
    pub fn assembled(directory: &Path, manifest: Manifest) -> Result<Self> {
        broken(directory, &manifest).next().map_or(Ok(()), Err)?;
        Self::vouched(directory, manifest)
    }

    /// As [`open`](Self::open), but tells every fault of manifest and files there is, not the first alone.
    ///
    /// # Errors
    /// At least one fault, each `BUNDLE_INVALID` and on one line.
    pub fn verify(directory: &Path) -> Result<Self, Vec<Error>> {
        let one = |error: Error| vec![error];
        let text = read_manifest(&directory.join(MANIFEST_FILE)).map_err(one)?;
        let (manifest, mut faults) = Manifest::read(&text).map_err(one)?;
        faults.extend(broken(directory, &manifest));
        if faults.is_empty() { Self::vouched(directory, manifest).map_err(one) } else { Err(faults) }
    }

    /// As [`open`](Self::open), of a directory whose files were checked by whoever asks: a server that has opened it
    /// starts a process that opens it again.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the first key at fault, and the fault.
    pub fn reopened(directory: &Path) -> Result<Self> {
        Self::vouched(directory, Manifest::parse(&read_manifest(&directory.join(MANIFEST_FILE))?)?)
    }

    fn vouched(directory: &Path, manifest: Manifest) -> Result<Self> {
        let claimed = manifest.base.map(|claimed| Ok((read_manifest(&directory.join(BASE_FILE))?, claimed)));
        let base = claimed.transpose()?.map(|(text, claimed)| compose::checked_base(&text, &manifest, claimed));
        let base = base.transpose()?;
        let space = Space {
            fingerprint: manifest.fingerprint()?,
            dimension: manifest.dimension,
            name: format!("{} {}", manifest.name, manifest.version),
            matryoshka: manifest.matryoshka.clone(),
            calibration: manifest.calibration()?,
            talk: manifest.talk()?,
            added: base.as_ref().map_or(Ok(BTreeMap::new()), |base| compose::added(&manifest, base))?,
        };
        Ok(Self { directory: directory.to_owned(), manifest, base, space })
    }

    /// What the manifest says.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the manifest of the base says; of a bundle that nothing was added to, its own.
    #[must_use]
    pub fn base(&self) -> &Manifest {
        self.base.as_ref().unwrap_or(&self.manifest)
    }

    /// The space that the bundle defines.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
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

    /// What prepares the media of one modality, as the manifest says.
    ///
    /// # Errors
    /// `MODALITY_NOT_SERVED` when the bundle has no such tower, or this build no decoder for it; `BUNDLE_INVALID`.
    pub fn preparer(&self, modality: Modality) -> Result<Arc<dyn Prepare>> {
        let towers = &self.manifest.towers;
        let absent = "the bundle has no tower for it";
        let why = towers.head(modality).map_or(Some(absent), |head| head.unavailable);
        let not_served = |why: &str| {
            let message = format!("{modality} is not served here: {why}");
            Error::new(Reason::ModalityNotServed, "modality", message)
        };
        if let Some(why) = why {
            return Err(not_served(why));
        }
        towers.preparer(modality, &|file| self.read(file)).unwrap_or_else(|| Err(not_served(absent)))
    }

    /// A golden vector: `dimension` little-endian floats.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` when the file has another length, a value that is not finite, or no direction.
    pub fn vector(&self, file: &str) -> Result<Vec<f32>> {
        let bytes = self.read(file)?;
        let values = le_floats(&bytes).filter(|values| values.len() == self.manifest.dimension);
        let Some(values) = values else {
            let message = format!(
                "{} bytes, a vector of {} float32 has {}",
                bytes.len(),
                self.manifest.dimension,
                4 * self.manifest.dimension
            );
            return Err(invalid(file, message));
        };
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(invalid(file, format!("value {at} of the golden vector is not finite")));
        }
        if vector::norm(&values) == 0.0 {
            return Err(invalid(file, "the golden vector has no direction: every value is 0"));
        }
        Ok(values)
    }
}

pub(crate) fn read_manifest(path: &Path) -> Result<String> {
    let mut text = String::new();
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    File::open(path)
        .and_then(|file| file.take(MANIFEST_BYTES).read_to_string(&mut text))
        .map_err(|error| invalid(name, format!("{}: {error}", path.display())))?;
    Ok(text)
}

/// The files that are not what the manifest says, each told when it has been read.
fn broken<'a>(directory: &'a Path, manifest: &'a Manifest) -> impl Iterator<Item = Error> + 'a {
    let check = |(path, entry): (&'a String, &'a FileEntry)| {
        check_file(&directory.join(path), entry).err().map(|error| error.under(path))
    };
    // A path that leads out of the bundle is a fault of the manifest already; nothing is read there.
    manifest.files.iter().filter(|(path, _)| check_path(path).is_ok()).filter_map(check)
}

/// The length first: a file that is cut short is told without reading it.
pub(crate) fn check_file(path: &Path, entry: &FileEntry) -> Result<()> {
    let length = fs::metadata(path).map_err(|error| invalid("", error.to_string()))?.len();
    if length != entry.bytes {
        return Err(invalid("", format!("{length} bytes, the manifest says {}", entry.bytes)));
    }
    let digest = file_digest(path).map_err(|error| invalid("", error.to_string()))?;
    if !digest.eq_ignore_ascii_case(&entry.sha256) {
        return Err(invalid("", format!("SHA-256 is {digest}, the manifest says {}", entry.sha256)));
    }
    Ok(())
}
