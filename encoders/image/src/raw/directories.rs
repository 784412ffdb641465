//! Previews in files that are built as TIFF.

use image::metadata::Orientation;
use onespace_core::limits;

use super::Previews;

/// Numbers of entries, by TIFF, EXIF and the makers of cameras.
const COMPRESSION: u16 = 259;
const COLOURS: u16 = 262;
const STRIPS: u16 = 273;
const ORIENTATION: u16 = 274;
const STRIP_LENGTHS: u16 = 279;
const SUB_DIRECTORIES: u16 = 330;
const JPEG: u16 = 513;
const JPEG_LENGTH: u16 = 514;
const EXIF: u16 = 34_665;
const MAKER_NOTE: u16 = 37_500;
/// Panasonic's: the file is the preview.
const PANASONIC_PREVIEW: u16 = 0x2e;
/// Olympus': a directory in the maker's note, and in it where the preview is, counted from the note.
const OLYMPUS: &[u8] = b"OLYMPUS\0";
const OLYMPUS_CAMERA: u16 = 0x2020;
const OLYMPUS_PREVIEW: u16 = 0x101;
const OLYMPUS_PREVIEW_LENGTH: u16 = 0x102;

/// JPEG, of the old kind and of the new.
const JPEGS: [usize; 2] = [6, 7];
/// Values of a sensor, also where they are packed as JPEG is.
const SENSOR: [usize; 2] = [32_803, 34_892];

/// A file of directories, in its order of bytes.
#[derive(Clone, Copy)]
struct File<'a> {
    bytes: &'a [u8],
    little: bool,
    /// From where offsets are counted.
    base: usize,
}

/// An entry: its number, how many values it has, and where they are.
#[derive(Clone, Copy)]
struct Entry {
    tag: u16,
    width: usize,
    count: usize,
    at: usize,
}

/// The entries of one directory, and where the next directory is.
struct Directory {
    entries: Vec<Entry>,
    next: usize,
}

impl<'a> File<'a> {
    fn number(&self, at: usize, width: usize) -> Option<usize> {
        let digits = self.bytes.get(at..at.checked_add(width)?)?.iter();
        let add = |value: usize, digit: &u8| value << 8 | usize::from(*digit);
        Some(if self.little { digits.rev().fold(0, add) } else { digits.fold(0, add) })
    }

    fn directory(&self, at: usize) -> Option<Directory> {
        let begin = self.base.checked_add(at)?;
        let count = self.number(begin, 2)?;
        let entry = |place: usize| {
            let at = begin + 2 + 12 * place;
            let (tag, kind) = (self.number(at, 2)? as u16, self.number(at + 2, 2)?);
            let width: usize = match kind {
                3 | 8 => 2,
                4 | 9 | 13 => 4,
                5 | 10 | 12 => 8,
                _ => 1,
            };
            let count = self.number(at + 4, 4)?;
            let fits = width.checked_mul(count)? <= 4;
            let at = if fits { at + 8 } else { self.base.checked_add(self.number(at + 8, 4)?)? };
            Some(Entry { tag, width, count, at })
        };
        let entries = (0..count).map_while(entry).collect();
        Some(Directory { entries, next: self.number(begin + 2 + 12 * count, 4).unwrap_or(0) })
    }

    fn values(&self, entry: Entry) -> impl Iterator<Item = usize> {
        let width = entry.width.min(4);
        (0..entry.count)
            .map_while(move |place| self.number(entry.at.checked_add(place.checked_mul(entry.width)?)?, width))
    }

    fn part(&self, begin: usize, length: usize) -> Option<&'a [u8]> {
        let begin = self.base.checked_add(begin)?;
        self.bytes.get(begin..begin.checked_add(length)?)
    }
}

impl Directory {
    fn entry(&self, tag: u16) -> Option<Entry> {
        self.entries.iter().find(|entry| entry.tag == tag).copied()
    }

    fn first(&self, file: &File<'_>, tag: u16) -> Option<usize> {
        file.values(self.entry(tag)?).next()
    }

    /// The only value of an entry.
    fn single(&self, file: &File<'_>, tag: u16) -> Option<usize> {
        let entry = self.entry(tag).filter(|entry| entry.count == 1)?;
        file.values(entry).next()
    }

    /// The JPEGs that it says to be its picture.
    fn jpegs<'a>(&self, file: &File<'a>) -> impl Iterator<Item = &'a [u8]> {
        let pair = |begin, length| file.part(self.single(file, begin)?, self.single(file, length)?);
        let is_jpeg = self.first(file, COMPRESSION).is_some_and(|kind| JPEGS.contains(&kind));
        let is_sensor = self.first(file, COLOURS).is_some_and(|kind| SENSOR.contains(&kind));
        // Canon says nothing of colours in its first directory, which is the preview.
        let strip = (is_jpeg && !is_sensor).then(|| pair(STRIPS, STRIP_LENGTHS)).flatten();
        let panasonic =
            self.entry(PANASONIC_PREVIEW).and_then(|entry| file.bytes.get(entry.at..entry.at + entry.count));
        [pair(JPEG, JPEG_LENGTH), strip, panasonic].into_iter().flatten()
    }
}

/// All previews of the directories of a file.
pub fn previews(bytes: &[u8]) -> Option<Previews<'_>> {
    let file = File { bytes, little: bytes.starts_with(b"II"), base: 0 };
    let mut found = Previews::default();
    let mut ahead = vec![file.number(4, 4)?];
    let mut seen = Vec::new();
    while let Some(at) = ahead.pop() {
        if at == 0 || seen.contains(&at) || seen.len() == limits::RAW_DIRECTORIES {
            continue;
        }
        let Some(directory) = file.directory(at) else { continue };
        if seen.is_empty() {
            let said = directory.first(&file, ORIENTATION).and_then(|said| u8::try_from(said).ok());
            found.orientation = said.and_then(Orientation::from_exif);
        }
        seen.push(at);
        found.jpegs.extend(directory.jpegs(&file));
        found.jpegs.extend(olympus(&file, &directory));
        ahead.push(directory.next);
        for tag in [SUB_DIRECTORIES, EXIF] {
            let entry = directory.entry(tag);
            ahead.extend(entry.into_iter().flat_map(|entry| file.values(entry).take(limits::RAW_DIRECTORIES)));
        }
    }
    Some(found)
}

/// The preview that Olympus hides in the note of the maker.
fn olympus<'a>(file: &File<'a>, directory: &Directory) -> Option<&'a [u8]> {
    let note = directory.entry(MAKER_NOTE)?;
    file.bytes.get(note.at..)?.starts_with(OLYMPUS).then_some(())?;
    let note = File { base: note.at, ..*file };
    // Behind the name, the order of bytes and a version.
    let camera = note.directory(12)?.first(&note, OLYMPUS_CAMERA)?;
    let camera = note.directory(camera)?;
    note.part(camera.first(&note, OLYMPUS_PREVIEW)?, camera.first(&note, OLYMPUS_PREVIEW_LENGTH)?)
}
