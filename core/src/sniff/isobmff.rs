//! MP4, QuickTime, 3GPP, HEIF: boxes in boxes (ISO/IEC 14496-12). Brands tell stills; of everything else the tracks
//! tell what it is, since every kind of file is written under every brand.

use super::{Budget, Inside, number};
use crate::limits;

/// The name of a box, a brand, a handler or a sample entry.
type Name = [u8; 4];

/// Boxes that a file may begin with, and that stand beside each other at its top.
const TOP: &[&Name] = &[
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"skip", b"free", b"wide", b"pnot", b"PICT", b"uuid", b"meta",
    b"udta", b"sidx", b"ssix", b"mfra", b"emsg", b"prft", b"pdin", b"junk", b"mpvd",
];

/// Boxes one of which any such file has at its top; padding alone is none.
const TELLING: &[&Name] = &[b"ftyp", b"styp", b"moov", b"moof", b"mdat"];

/// What a movie box may begin with.
const IN_MOVIE: &[&Name] = &[
    b"mvhd", b"trak", b"mvex", b"udta", b"iods", b"meta", b"cmov", b"rmra", b"prfl", b"clip", b"ctab", b"free",
    b"skip", b"wide", b"uuid",
];

/// A list of brands is short; a larger number there is text that happens to read so.
const BRANDS_BYTES: u64 = 64 * 1024;

const AVIF: &[&Name] = &[b"avif", b"avis"];
const HEIF: &[&Name] = &[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"];
/// Brands of still pictures of any codec: the compatible brands say which.
const STILLS: &[&Name] = &[b"mif1", b"mif2", b"msf1", b"miaf"];
/// Brands of files that hold sound, unless their tracks say otherwise.
const SOUND: &[&Name] = &[b"M4A ", b"M4B ", b"M4P "];

/// Sample entries of still pictures, and what the decoder configuration calls them where the entry is MPEG-4's own.
const STILL_ENTRIES: &[&Name] = &[b"jpeg", b"png "];
const STILL_OBJECTS: &[u8] = &[0x6c, 0x6d];

/// So many still pictures a second are a video all the same (Motion JPEG); chapters and covers change less often.
const STILLS_PER_SECOND: u64 = 2;

/// Bytes of a visual sample entry before the boxes in it.
const VISUAL_ENTRY_BYTES: usize = 78;

/// A box: its name, what it claims to be long, and what of its content is here.
struct Box<'a> {
    name: Name,
    size: u64,
    body: &'a [u8],
}

/// The boxes of a body, one after the other, as many as the budget allows.
struct Boxes<'a, 'b> {
    rest: &'a [u8],
    budget: &'b Budget,
}

impl<'a> Iterator for Boxes<'a, '_> {
    type Item = Box<'a>;

    fn next(&mut self) -> Option<Box<'a>> {
        self.budget.spend()?;
        let (size, name) = (number(self.rest, 0, 4)?, *self.rest.get(4..8)?.first_chunk()?);
        let (header, size) = match size {
            0 => (8, self.rest.len() as u64), // to the end of the file
            1 => (16, number(self.rest, 8, 8)?),
            size => (8, size),
        };
        if size < header {
            return None;
        }
        let end = usize::try_from(size).unwrap_or(usize::MAX).min(self.rest.len());
        let body = self.rest.get(header as usize..end)?;
        self.rest = self.rest.get(end..)?;
        Some(Box { name, size, body })
    }
}

fn boxes<'a, 'b>(rest: &'a [u8], budget: &'b Budget) -> Boxes<'a, 'b> {
    Boxes { rest, budget }
}

fn child<'a>(body: &'a [u8], name: &Name, budget: &Budget) -> Option<&'a [u8]> {
    boxes(body, budget).find(|found| found.name == *name).map(|found| found.body)
}

/// What such a file holds, or nothing if it is none.
pub(super) fn inside(bytes: &[u8], budget: &Budget) -> Option<Inside> {
    if !is_one(bytes, budget) {
        return None;
    }
    let mut brands: &[u8] = &[];
    for found in boxes(bytes, budget) {
        match &found.name {
            b"ftyp" | b"styp" if brands.is_empty() => {
                brands = found.body;
                if let Some(still) = still(brands) {
                    return Some(still);
                }
            }
            b"moov" => {
                if let Some(told) = tracks_tell(&tracks(found.body, budget)) {
                    return Some(told);
                }
            }
            _ => {}
        }
    }
    let sound = brands.first_chunk::<4>().is_some_and(|major| SOUND.contains(&major));
    Some(if sound { Inside::IsoSound } else { Inside::IsoPictures })
}

/// Whether the bytes begin as such a file does. Four letters in a row are not enough: "....free" may begin a text.
fn is_one(bytes: &[u8], budget: &Budget) -> bool {
    let mut at_top = boxes(bytes, budget);
    let Some(first) = at_top.next() else { return false };
    // The size of a small box begins with a zero, which no text does.
    let binary = bytes.first() == Some(&0);
    match &first.name {
        b"ftyp" | b"styp" => return first.size <= BRANDS_BYTES,
        b"moov" => return boxes(first.body, budget).next().map_or(binary, |inner| IN_MOVIE.contains(&&inner.name)),
        name if !TOP.contains(&name) => return false,
        // Cut off in its media, before anything else could be seen.
        name if first.size > bytes.len() as u64 => return *name == *b"mdat" && binary,
        _ => {}
    }
    for next in at_top.take(TOP.len()) {
        if !TOP.contains(&&next.name) {
            return false;
        }
        if TELLING.contains(&&next.name) {
            return true;
        }
    }
    TELLING.contains(&&first.name)
}

/// The kind of still picture that the brands name.
fn still(brands: &[u8]) -> Option<Inside> {
    let (names, _) = brands.as_chunks::<4>();
    let (major, compatible) = (names.first()?, names.get(2..).unwrap_or_default());
    let told = |name: &Name| match name {
        b"crx " => Some(Inside::RawPicture),
        name if AVIF.contains(&name) => Some(Inside::Avif),
        name if HEIF.contains(&name) => Some(Inside::Heif),
        _ => None,
    };
    let any = |major: &Name| STILLS.contains(&major).then_some(Inside::Heif);
    told(major).or_else(|| any(major).map(|heif| compatible.iter().find_map(told).unwrap_or(heif)))
}

/// What has to be known of a track.
struct Track<'a> {
    id: u64,
    handler: Name,
    stills: bool,
    /// The tracks that are its chapters.
    chapters: &'a [Name],
}

fn tracks<'a>(movie: &'a [u8], budget: &Budget) -> Vec<Track<'a>> {
    let tracks = boxes(movie, budget).filter(|found| found.name == *b"trak").take(limits::VIDEO_STREAMS);
    tracks.filter_map(|found| track(found.body, budget)).collect()
}

fn track<'a>(body: &'a [u8], budget: &Budget) -> Option<Track<'a>> {
    let media = child(body, b"mdia", budget)?;
    let handler = *child(media, b"hdlr", budget)?.get(8..12)?.first_chunk()?;
    let header = child(body, b"tkhd", budget).unwrap_or_default();
    // The times before the number are wider in version 1.
    let id = number(header, if header.first() == Some(&1) { 20 } else { 12 }, 4).unwrap_or(0);
    let chapters = child(body, b"tref", budget).and_then(|references| child(references, b"chap", budget));
    let (chapters, _) = chapters.unwrap_or_default().as_chunks::<4>();
    let chapters = chapters.get(..limits::VIDEO_STREAMS).unwrap_or(chapters);
    Some(Track { id, handler, stills: handler == *b"vide" && stills(media, budget).unwrap_or(false), chapters })
}

/// Whether the pictures of a track are stills that change seldom: a cover, or the pictures of chapters.
fn stills(media: &[u8], budget: &Budget) -> Option<bool> {
    let table = child(child(media, b"minf", budget)?, b"stbl", budget)?;
    let mut entries = boxes(child(table, b"stsd", budget)?.get(8..)?, budget).peekable();
    entries.peek()?;
    if !entries.all(|entry| STILL_ENTRIES.contains(&&entry.name) || holds_stills(&entry, budget)) {
        return Some(false);
    }
    let pictures = number(child(table, b"stsz", budget)?, 8, 4)?;
    let header = child(media, b"mdhd", budget)?;
    let wide = header.first() == Some(&1);
    let (scale, length) = if wide {
        (number(header, 20, 4)?, number(header, 24, 8)?)
    } else {
        (number(header, 12, 4)?, number(header, 16, 4)?)
    };
    // In fragments the pictures are counted elsewhere.
    let seldom = pictures.saturating_mul(scale) <= length.saturating_mul(STILLS_PER_SECOND);
    Some(pictures == 1 || pictures > 1 && seldom)
}

/// Whether an entry of MPEG-4's own kind is configured for JPEG or PNG, as FFmpeg writes them into MP4.
fn holds_stills(entry: &Box, budget: &Budget) -> bool {
    let configured = || {
        let descriptors = child(entry.body.get(VISUAL_ENTRY_BYTES..)?, b"esds", budget)?.get(4..)?;
        let elementary = descriptor(descriptors, 0x03)?;
        let flags = *elementary.get(2)?;
        let url = if flags & 0x40 == 0 { 0 } else { 1 + usize::from(*elementary.get(3)?) };
        let optional = if flags & 0x80 == 0 { 0 } else { 2 } + url + if flags & 0x20 == 0 { 0 } else { 2 };
        let decoder = descriptor(elementary.get(3 + optional..)?, 0x04)?;
        decoder.first().copied()
    };
    entry.name == *b"mp4v" && configured().is_some_and(|object| STILL_OBJECTS.contains(&object))
}

/// The body of a descriptor of this tag; its length is written in up to four groups of seven bits.
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (first, mut rest) = bytes.split_first()?;
    if *first != tag {
        return None;
    }
    for _ in 0..4 {
        let (length, next) = rest.split_first()?;
        rest = next;
        if length & 0x80 == 0 {
            break;
        }
    }
    Some(rest)
}

/// What the tracks say: moving pictures make a video, otherwise sound makes audio.
fn tracks_tell(tracks: &[Track]) -> Option<Inside> {
    let chapters_of_another = |own: u64| {
        let names = |id: &Name| u64::from(u32::from_be_bytes(*id)) == own;
        tracks.iter().any(|track| track.id != own && track.chapters.iter().any(names))
    };
    let moving = |track: &Track| track.handler == *b"vide" && !track.stills && !chapters_of_another(track.id);
    let sound = tracks.iter().any(|track| track.handler == *b"soun");
    if tracks.iter().any(moving) { Some(Inside::IsoPictures) } else { sound.then_some(Inside::IsoSound) }
}
