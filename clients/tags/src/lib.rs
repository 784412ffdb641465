//! What media files, and the files beside them, say of themselves, as metadata with fixed names, types and bounds.
//!
//! Read are EXIF and XMP in pictures, the tags of recordings (ID3, Vorbis comments, MP4, APE, RIFF), XMP sidecars and
//! the JSON of Google Takeout. What lies beside a file is more recent than what is in it, and wins. Tags that cannot be
//! read are no tags: nothing here fails.

mod audio;
mod moov;
mod photo;
mod sidecars;
mod tags;
mod taken;
mod takeout;
mod xmp;

use std::{
    fs::File,
    io::Read as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

pub use sidecars::Folder;
pub use tags::{KEYS, Key, Tags};

/// Bytes of a sidecar at most; a longer one is none.
const SIDECAR_BYTES: u64 = 1 << 20;

/// What a file says of itself, and what the files beside it say of it.
#[must_use]
pub fn read(path: &Path, bytes: &[u8], folder: &Folder) -> Tags {
    let beside = |tags: Tags, sidecar: &Path| {
        let read = if sidecars::is_json(sidecar) { takeout::read } else { xmp::read };
        tags.under(attempt(|| read(&content(sidecar)?)))
    };
    folder.sidecars(path).iter().map(|sidecar| sidecar.as_path()).fold(embedded(bytes), beside)
}

/// What a file says of itself.
#[must_use]
pub fn embedded(bytes: &[u8]) -> Tags {
    let readers: [fn(&[u8]) -> Option<Tags>; 4] = [moov::read, audio::read, photo::read, xmp::scan];
    readers.into_iter().fold(Tags::default(), |tags, read| tags.under(attempt(|| read(bytes))))
}

/// A reader that panics has read nothing: the crates below read the bytes of strangers.
fn attempt(read: impl FnOnce() -> Option<Tags>) -> Tags {
    catch_unwind(AssertUnwindSafe(read)).ok().flatten().unwrap_or_default()
}

fn content(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(SIDECAR_BYTES + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= SIDECAR_BYTES).then_some(bytes)
}
