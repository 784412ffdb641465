//! Copies of folders, with their holes.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use rustix::{
    fs::{SeekFrom, ioctl_ficlone, seek},
    io::Errno,
};

/// What `st_blocks` counts.
const BLOCK: u64 = 512;

/// Copies a folder with all that is in it to where nothing is.
///
/// # Errors
/// Those of the file system.
pub(super) fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            copy_file(&entry.path(), &target)?;
        }
    }
    Ok(())
}

/// What the files of a folder take on the disk.
///
/// # Errors
/// Those of the file system.
pub(super) fn taken(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { taken(&entry.path())? } else { entry.metadata()?.blocks() * BLOCK };
    }
    Ok(bytes)
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let (source, mut target) = (File::open(from)?, File::create_new(to)?);
    let length = source.metadata()?.len();
    if ioctl_ficlone(&target, &source).is_ok() {
        return Ok(());
    }
    target.set_len(length)?;
    let mut end = 0;
    while end < length {
        let start = match seek(&source, SeekFrom::Data(end)) {
            Ok(start) => start,
            Err(Errno::NXIO) => return Ok(()),
            // This disk tells nothing of holes.
            Err(Errno::INVAL | Errno::OPNOTSUPP) => seek(&source, SeekFrom::Start(end))?,
            Err(error) => return Err(error.into()),
        };
        end = seek(&source, SeekFrom::Hole(start)).unwrap_or(length);
        seek(&source, SeekFrom::Start(start))?;
        seek(&target, SeekFrom::Start(start))?;
        io::copy(&mut (&source).take(end.saturating_sub(start)), &mut target)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn a_copy_is_the_same_and_has_the_same_holes() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs::create_dir_all(from.join("deep")).unwrap();
        let file = File::create(from.join("deep/page_0.dat")).unwrap();
        file.set_len(32 << 20).unwrap();
        file.write_all_at(b"in the middle", 5 << 20).unwrap();
        file.write_all_at(b"at the end", (32 << 20) - 10).unwrap();
        fs::write(from.join("empty"), b"").unwrap();
        copy_folder(&from, &to).unwrap();
        assert_eq!(fs::read(from.join("deep/page_0.dat")).unwrap(), fs::read(to.join("deep/page_0.dat")).unwrap());
        assert_eq!(fs::read(to.join("empty")).unwrap(), b"");
        assert!(taken(&to).unwrap() < 1 << 20, "{}", taken(&to).unwrap());
        assert!(copy_folder(&from, &to).is_err(), "nothing is written over");
    }
}
