//! Real files to begin with.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::Target;

/// Longer files take too long to be tried many times.
const LONGEST: u64 = 64 * 1024;

/// A file's path and what is in it.
pub type Seed = (PathBuf, Vec<u8>);

impl Target {
    /// Real files of its kind, from the tests of the crate that reads them.
    #[must_use]
    pub fn seeds(&self) -> Vec<Seed> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        self.seeds.iter().flat_map(|(folder, endings)| files(&root.join(folder), endings)).collect()
    }

    /// What was found before, and mended.
    #[must_use]
    pub fn corpus(&self) -> Vec<Seed> {
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora").join(self.name), &[])
    }
}

/// The files of a folder, in their order; without endings, all of them.
fn files(folder: &Path, endings: &[&str]) -> Vec<Seed> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let wanted = |path: &PathBuf| {
        let ends = endings.iter().any(|ending| path.extension().is_some_and(|other| other == *ending));
        (endings.is_empty() || ends) && path.is_file() && path.metadata().is_ok_and(|file| file.len() <= LONGEST)
    };
    let mut paths: Vec<PathBuf> = entries.filter(wanted).collect();
    paths.sort();
    paths.into_iter().filter_map(|path| fs::read(&path).ok().map(|bytes| (path, bytes))).collect()
}
