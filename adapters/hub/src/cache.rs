//! The folder that downloads are kept in: the one that the hub's own tools use, in their layout, so that what either
//! has fetched the other need not.
//!
//! `blobs/NAME` is a file by the name that the hub has for its bytes, `blobs/NAME.incomplete` the beginning of one,
//! `snapshots/COMMIT/PATH` a link to it, `refs/REVISION` the commit that a branch or tag was.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::Result;
use hf_hub::{Cache as Layout, CacheRepo};

use crate::{
    hub::{self, BlobInfo, RepoRevision},
    refusal::disk,
};

/// Downloads of one repository.
pub struct Cache {
    layout: CacheRepo,
    reference: PathBuf,
}

impl Cache {
    /// The part of the cache at `root` that is this repository's.
    pub fn new(root: &Path, repo: &RepoRevision) -> Self {
        let hf = repo.to_hf();
        let reference = root.join(hf.folder_name()).join("refs").join(&repo.revision);
        Self { layout: Layout::new(root.to_owned()).repo(hf), reference }
    }

    /// The commit that the revision is, as far as the cache knows.
    pub fn commit(&self, repo: &RepoRevision) -> Option<String> {
        if hub::is_commit(&repo.revision) {
            return Some(repo.revision.clone());
        }
        let text = fs::read_to_string(&self.reference).ok()?;
        hub::commit(text.trim()).ok()
    }

    /// Notes which commit the revision is.
    pub fn note(&self, repo: &RepoRevision, commit: &str) -> Result<()> {
        if hub::is_commit(&repo.revision) {
            return Ok(());
        }
        self.layout.create_ref(commit).map_err(|error| disk(&error, &self.reference))
    }

    /// A file of a commit, if it is there, and the SHA-256 that the hub published for it, if it did.
    pub fn find(&self, commit: &str, file: &str) -> Option<(PathBuf, Option<String>)> {
        let pointer = self.layout.pointer_path(commit).join(file);
        let blob = fs::canonicalize(&pointer).ok().filter(|blob| blob.is_file())?;
        let name = blob.file_name()?.to_str()?.to_owned();
        Some((blob, Some(name).filter(|name| onespace_bundle::recipe::is_digest(name))))
    }

    /// Where the bytes of a file are kept.
    pub fn blob(&self, info: &BlobInfo) -> PathBuf {
        self.layout.blob_path(&info.etag)
    }

    /// Where they grow.
    pub fn incomplete(&self, info: &BlobInfo) -> PathBuf {
        self.layout.blob_path(&format!("{}.incomplete", info.etag))
    }

    /// Makes a file of a commit point to its bytes.
    pub fn point(&self, commit: &str, file: &str, info: &BlobInfo) -> Result<()> {
        let pointer = self.layout.pointer_path(commit).join(file);
        if fs::canonicalize(&pointer)
            .ok()
            .is_some_and(|there| fs::canonicalize(self.blob(info)).is_ok_and(|b| b == there))
        {
            return Ok(());
        }
        let folder = pointer.parent().unwrap_or(&pointer);
        fs::create_dir_all(folder).map_err(|error| disk(&error, folder))?;
        // A link that leads nowhere any more is in the way.
        let _ = fs::remove_file(&pointer);
        let up = "../".repeat(file.split('/').count() + 1);
        symlink(format!("{up}blobs/{}", info.etag), &pointer).map_err(|error| disk(&error, &pointer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_its_commit_and_a_branch_by_its_name() {
        let root = tempfile::tempdir().unwrap();
        let repo = RepoRevision { repository: "a/b".to_owned(), revision: "main".to_owned() };
        let cache = Cache::new(root.path(), &repo);
        let commit = "c0".repeat(20);
        assert_eq!((cache.commit(&repo), cache.find(&commit, "onnx/x.onnx")), (None, None));

        let info = BlobInfo { etag: "ab".repeat(32), bytes: 3 };
        fs::create_dir_all(cache.blob(&info).parent().unwrap()).unwrap();
        fs::write(cache.blob(&info), "abc").unwrap();
        cache.point(&commit, "onnx/x.onnx", &info).unwrap();
        cache.point(&commit, "onnx/x.onnx", &info).unwrap();
        cache.note(&repo, &commit).unwrap();

        let (path, digest) = cache.find(&commit, "onnx/x.onnx").unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "abc");
        assert_eq!(digest.as_deref(), info.sha256());
        assert_eq!(cache.commit(&repo).unwrap(), commit);
        let link = root.path().join(format!("models--a--b/snapshots/{commit}/onnx/x.onnx"));
        assert_eq!(fs::read_link(link).unwrap(), Path::new("../../../blobs").join(&info.etag));
        // What points to bytes that are gone is no file.
        fs::remove_file(cache.blob(&info)).unwrap();
        assert_eq!(cache.find(&commit, "onnx/x.onnx"), None);
    }
}
