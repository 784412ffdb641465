//! Previews in Canon's CR3, which is built as MP4 is.

use heifer_isobmff::{BoxIter, RawBox};

use super::{Previews, directories};

/// The boxes of Canon's own, by their numbers: with the metadata, and with a preview.
const METADATA: &[u8] = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";
const PREVIEW: &[u8] = b"\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16";

/// A mark that every JPEG begins with.
const JPEG: &[u8] = b"\xff\xd8\xff";

/// All previews, and how the camera was held.
pub fn previews(bytes: &[u8]) -> Option<Previews<'_>> {
    let movie = boxes(bytes).find(|found| found.header.box_type.0 == *b"moov")?.content;
    let mut found = Previews::default();
    // The first directory of EXIF is a box of its own.
    let metadata = boxes(movie).find_map(|found| found.content.strip_prefix(METADATA));
    let mut inner = boxes(metadata.unwrap_or_default());
    if let Some(first) = inner.find(|found| found.header.box_type.0 == *b"CMT1") {
        found.orientation = directories::previews(first.content).and_then(|said| said.orientation);
    }
    let preview = boxes(bytes).find_map(|found| found.content.strip_prefix(PREVIEW));
    // Numbers stand before the boxes in it, and before the JPEG in its box.
    let inner = boxes(preview.and_then(|preview| preview.get(8..)).unwrap_or_default());
    found.jpegs.extend(inner.filter_map(|found| from_mark(found.content)));
    // The first track is the picture in full size, if it is a JPEG.
    found.jpegs.extend(samples(bytes, movie).filter(|sample| sample.starts_with(JPEG)));
    Some(found)
}

fn boxes(body: &[u8]) -> impl Iterator<Item = RawBox<'_>> {
    BoxIter::new(body).flatten()
}

fn from_mark(content: &[u8]) -> Option<&[u8]> {
    let begin = content.windows(JPEG.len()).position(|window| window == JPEG)?;
    content.get(begin..)
}

/// The first sample of each track.
fn samples<'a>(bytes: &'a [u8], movie: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let tracks = boxes(movie).filter(|found| found.header.box_type.0 == *b"trak");
    tracks.filter_map(|track| crate::heif::first_sample(bytes, track.content))
}
