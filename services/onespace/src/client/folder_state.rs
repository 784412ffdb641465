//! What a folder holds, and which items stand for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    report::Stamp,
    source::{Found, FoundFile},
};

/// A file as it was when it was last sent.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    stamp: Option<Stamp>,
    /// Its item; none where it could not be stored.
    item: Option<String>,
}

/// The files of a folder as they were last seen.
#[derive(Debug)]
pub struct FolderState {
    /// How long ago a file must have been written.
    quiet: Duration,
    files: BTreeMap<PathBuf, Known>,
    /// Items of files that are gone or have another content now, and that are still to be deleted.
    left: BTreeSet<String>,
}

impl FolderState {
    /// A folder that was not looked at yet.
    pub const fn new(quiet: Duration) -> Self {
        Self { quiet, files: BTreeMap::new(), left: BTreeSet::new() }
    }

    /// Compares with what is there now; the files that are to be sent: new ones, changed ones, and those that have an
    /// item alone now that was another file's as well. What cannot be looked into now is taken to be as it was.
    pub fn look(&mut self, found: Found) -> Vec<FoundFile> {
        let Self { quiet, files, left } = self;
        let unread = |path: &Path| found.unread.iter().any(|unread| path.starts_with(&unread.path));
        let now: BTreeMap<PathBuf, FoundFile> = found.files.into_iter().map(|file| (file.path.clone(), file)).collect();
        files.retain(|path, known| {
            let stays = now.contains_key(path) || unread(path);
            left.extend(known.item.take_if(|_| !stays));
            stays
        });
        let mut send = Vec::new();
        for (path, file) in &now {
            let stamp = Stamp::of(path);
            let known = files.entry(path.clone()).or_insert(Known { stamp: None, item: None });
            if known.stamp != stamp && stamp.is_some_and(|stamp| stamp.is_younger(*quiet)) {
                // It is being written: the next look will find it.
            } else if known.stamp != stamp {
                known.stamp = stamp;
                left.extend(known.item.take());
                send.push(file.clone());
            } else if known.item.as_ref().is_some_and(|item| left.contains(item)) {
                // The item may say that it came from the file that is gone.
                send.push(file.clone());
            }
        }
        send
    }

    /// Takes down what became of files that were sent; the items that no file stands for any more.
    pub fn settle(&mut self, items: BTreeMap<PathBuf, String>) -> Vec<String> {
        for (path, item) in items {
            if let Some(known) = self.files.get_mut(&path) {
                known.item = Some(item);
            }
        }
        let held: BTreeSet<&String> = self.files.values().filter_map(|known| known.item.as_ref()).collect();
        self.left.retain(|item| !held.contains(item));
        self.left.iter().cloned().collect()
    }

    /// The items that were left are deleted.
    pub fn deleted(&mut self) {
        self.left.clear();
    }

    /// The file is to be sent again, whatever becomes of it.
    pub fn forget(&mut self, path: &Path) {
        if let Some(known) = self.files.get_mut(path) {
            known.stamp = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use super::*;

    struct Ground {
        folder: tempfile::TempDir,
        state: FolderState,
    }

    impl Ground {
        fn write(&self, name: &str, text: &str) {
            fs::write(self.folder.path().join(name), text).unwrap();
        }

        /// A look, after which every file has the item that its content names; what was sent, and what is left over.
        fn look(&mut self) -> (Vec<String>, Vec<String>) {
            let entries = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
            let mut paths: Vec<_> = entries.collect();
            paths.sort();
            let files = paths.into_iter().map(|path| FoundFile { path, folder: Arc::default() }).collect();
            let sent = self.state.look(Found { files, ..Found::default() });
            let sent: Vec<_> = sent.into_iter().map(|file| file.path).collect();
            let item = |path: &PathBuf| (path.clone(), fs::read_to_string(path).unwrap());
            let left = self.state.settle(sent.iter().map(item).collect());
            self.state.deleted();
            let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
            (sent.iter().map(name).collect(), left)
        }
    }

    #[test]
    fn a_folder_is_followed() {
        let mut ground = Ground { folder: tempfile::tempdir().unwrap(), state: FolderState::new(Duration::ZERO) };
        let none: (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let of = |sent: &[&str], left: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
            (owned(sent), owned(left))
        };
        ground.write("a", "one");
        ground.write("b", "two");
        assert_eq!(ground.look(), of(&["a", "b"], &[]));
        assert_eq!(ground.look(), none);
        ground.write("a", "another");
        assert_eq!(ground.look(), of(&["a"], &["one"]), "changed: the old content goes");
        let at = |name: &str| ground.folder.path().join(name);
        fs::rename(at("a"), at("z")).unwrap();
        assert_eq!(ground.look(), of(&["z"], &[]), "moved: the item stays and gets the new path");
        ground.write("c", "two");
        assert_eq!(ground.look(), of(&["c"], &[]));
        fs::remove_file(ground.folder.path().join("c")).unwrap();
        assert_eq!(ground.look(), of(&["b"], &[]), "a copy is gone: the item stays, and says where the other one is");
        fs::remove_file(ground.folder.path().join("b")).unwrap();
        assert_eq!(ground.look(), of(&[], &["two"]));
    }

    #[test]
    fn what_cannot_be_looked_into_stays() {
        let mut ground = Ground { folder: tempfile::tempdir().unwrap(), state: FolderState::new(Duration::ZERO) };
        ground.write("a", "one");
        ground.look();
        let path = ground.folder.path().to_owned();
        let unread = vec![super::super::source::Unread { path, why: "permission denied".to_owned() }];
        assert!(ground.state.look(Found { unread, ..Found::default() }).is_empty());
        assert!(ground.state.settle(BTreeMap::new()).is_empty());
    }
}
