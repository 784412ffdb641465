//! A disk of a chosen size that can be filled up, grown, and is gone with the test.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

/// A tmpfs on a folder of its own.
#[derive(Debug)]
pub struct Disk(TempDir);

impl Disk {
    /// Mounts one of so many MiB, which is reached `at` there; none, and a line that says so, where that is not
    /// permitted.
    #[must_use]
    pub fn mount(at: &Path, mib: usize) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("onespace-disk-").tempdir().unwrap();
        let size = format!("size={mib}m");
        let mut mount = Command::new("mount");
        let mounted =
            mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).stderr(Stdio::null()).status();
        if mounted.is_ok_and(|status| status.success()) {
            symlink(folder.path(), at).unwrap();
            return Some(Self(folder));
        }
        println!("skipped: a disk of {mib} MiB cannot be mounted here; root can");
        None
    }

    /// Makes it so large.
    pub fn resize(&self, mib: usize) {
        let size = format!("remount,size={mib}m");
        assert!(Command::new("mount").args(["-o", &size]).arg(self.0.path()).status().unwrap().success());
    }

    /// Takes everything that is free but so many MiB.
    pub fn fill_but(&self, mib: usize) {
        let file = self.0.path().join("fill");
        // Whoever writes meanwhile takes some of what was free.
        let filled = (0..1000).any(|_| {
            let free = Command::new("df").args(["-B1", "--output=avail"]).arg(self.0.path()).output().unwrap();
            let free: usize = String::from_utf8(free.stdout).unwrap().lines().last().unwrap().trim().parse().unwrap();
            let bytes = free.saturating_sub(mib << 20).to_string();
            let filled = Command::new("fallocate").args(["-l", &bytes]).arg(&file).stderr(Stdio::null()).status();
            let filled = filled.unwrap().success();
            if !filled && file.exists() {
                fs::remove_file(&file).unwrap();
            }
            filled
        });
        assert!(filled, "the disk cannot be filled");
    }

    /// Gives back what [`Self::fill_but`] took.
    pub fn clear(&self) {
        fs::remove_file(self.0.path().join("fill")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
