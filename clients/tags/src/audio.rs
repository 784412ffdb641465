//! The tags of recordings: ID3, Vorbis comments, MP4, APE, RIFF.

use std::io::Cursor;

use lofty::{
    config::{ParseOptions, ParsingMode},
    file::{FileType, TaggedFileExt as _},
    probe::Probe,
    tag::{Accessor as _, ItemKey, Tag},
};

use crate::{
    tags::{self, Tags},
    taken::Taken,
};

/// What the tags of a recording say.
pub(crate) fn read(bytes: &[u8]) -> Option<Tags> {
    let options = ParseOptions::new().read_properties(false).read_cover_art(false).parsing_mode(ParsingMode::Relaxed);
    let probe = Probe::new(Cursor::new(bytes)).options(options).guess_file_type().ok()?;
    let film = probe.file_type()? == FileType::Mp4;
    let file = probe.read().ok()?;
    let found = file.tags().iter().fold(Tags::default(), |found, tag| found.under(said(tag, film)));
    Some(found)
}

fn said(tag: &Tag, film: bool) -> Tags {
    let mut found = Tags::default();
    if let Some(title) = tag.title() {
        found.title(&title);
    }
    for (key, text) in [
        (tags::ARTIST, tag.artist().as_deref()),
        (tags::ALBUM, tag.album().as_deref()),
        (tags::GENRE, tag.genre().as_deref()),
        (tags::ALBUM_ARTIST, tag.get_string(ItemKey::AlbumArtist)),
        (tags::DESCRIPTION, tag.get_string(ItemKey::Description)),
    ] {
        if let Some(text) = text {
            found.text(key, text);
        }
    }
    if let Some(track) = tag.track().filter(|track| *track > 0) {
        found.integer(tags::TRACK, track.into());
    }
    let date = [ItemKey::RecordingDate, ItemKey::Year, ItemKey::ReleaseDate].into_iter();
    if let Some(date) = date.filter_map(|key| tag.get_string(key)).next() {
        let year = date.get(..4).and_then(|year| year.parse::<i64>().ok());
        // A phone writes the moment of a film where a musician writes the day of an album.
        match Taken::read(date).filter(|_| film && date.len() > 10) {
            Some(taken) => found.taken(&taken),
            None => year.into_iter().filter(|year| *year > 0).for_each(|year| found.integer(tags::YEAR, year)),
        }
    }
    found
}
