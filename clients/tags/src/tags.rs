//! The names, types and bounds of what is read.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::taken::Taken;

/// The longest text in bytes; what is longer is cut.
const TEXT_BYTES: usize = 1024;
/// The longest entry of a list, and how many there may be.
const ENTRY_BYTES: usize = 128;
const ENTRIES: usize = 32;

/// One metadata field that may be read.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: &'static str,
    /// What it says.
    pub says: &'static str,
}

const fn key(name: &'static str, kind: &'static str, says: &'static str) -> Key {
    Key { name, kind, says }
}

/// Every field that may be read.
pub const KEYS: [Key; 21] = [
    key(TAKEN, "text", "when it was taken or recorded: ISO 8601, with the offset where it is known"),
    key(TAKEN_UNIX, "integer", "the same in seconds since 1970; without an offset as if it were UTC"),
    key(TAKEN_YEAR, "integer", "the year of it"),
    key(LATITUDE, "float", "where: degrees, north is positive (WGS 84)"),
    key(LONGITUDE, "float", "degrees, east is positive"),
    key(ALTITUDE, "float", "metres above sea level"),
    key(CAMERA_MAKE, "text", "who made the camera"),
    key(CAMERA_MODEL, "text", "what the maker calls it"),
    key(LENS, "text", "the lens"),
    key(DESCRIPTION, "text", "a caption"),
    key(KEYWORDS, "list of texts", "keywords, as their owner has set them"),
    key(PEOPLE, "list of texts", "who is in it, by name"),
    key(RATING, "integer", "-1 (rejected) to 5 stars"),
    key(FAVORITE, "boolean", "marked as a favorite"),
    key(CREATOR, "text", "who made it"),
    key(ARTIST, "text", "of a recording: who plays"),
    key(ALBUM, "text", "of a recording: what it is a part of"),
    key(ALBUM_ARTIST, "text", "of a recording: whose album it is"),
    key(GENRE, "text", "of a recording: its genre"),
    key(TRACK, "integer", "of a recording: its number in the album"),
    key(YEAR, "integer", "of a recording: when it came out"),
];

pub(crate) const TAKEN: &str = "taken";
pub(crate) const TAKEN_UNIX: &str = "taken_unix";
pub(crate) const TAKEN_YEAR: &str = "taken_year";
pub(crate) const LATITUDE: &str = "latitude";
pub(crate) const LONGITUDE: &str = "longitude";
pub(crate) const ALTITUDE: &str = "altitude";
pub(crate) const CAMERA_MAKE: &str = "camera_make";
pub(crate) const CAMERA_MODEL: &str = "camera_model";
pub(crate) const LENS: &str = "lens";
pub(crate) const DESCRIPTION: &str = "description";
pub(crate) const KEYWORDS: &str = "keywords";
pub(crate) const PEOPLE: &str = "people";
pub(crate) const RATING: &str = "rating";
pub(crate) const FAVORITE: &str = "favorite";
pub(crate) const CREATOR: &str = "creator";
pub(crate) const ARTIST: &str = "artist";
pub(crate) const ALBUM: &str = "album";
pub(crate) const ALBUM_ARTIST: &str = "album_artist";
pub(crate) const GENRE: &str = "genre";
pub(crate) const TRACK: &str = "track";
pub(crate) const YEAR: &str = "year";

/// Fields that only say something together: they come from one place, or from none.
const GROUPS: [&[&str]; 2] = [&[TAKEN, TAKEN_UNIX, TAKEN_YEAR], &[LATITUDE, LONGITUDE, ALTITUDE]];

/// What is said of one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tags {
    /// What it is called.
    pub title: Option<String>,
    /// Everything else, by the names of [`KEYS`].
    pub fields: BTreeMap<&'static str, Value>,
}

impl Tags {
    /// These, and over them what somebody else says.
    #[must_use]
    pub fn under(mut self, over: Self) -> Self {
        for group in GROUPS {
            if group.iter().any(|name| over.fields.contains_key(name)) {
                self.fields.retain(|name, _| !group.contains(name));
            }
        }
        self.fields.extend(over.fields);
        Self { title: over.title.or(self.title), fields: self.fields }
    }

    /// These without what somebody states. Of fields that belong together, one that is stated stands alone.
    #[must_use]
    pub fn beside(mut self, stated: &BTreeMap<String, Value>) -> Self {
        let is_stated = |name: &&'static str| stated.contains_key(*name);
        let together = GROUPS.iter().filter(|group| group.iter().any(|name| is_stated(name)));
        let gone: Vec<&str> = together.flat_map(|group| group.iter().copied()).collect();
        self.fields.retain(|name, _| !is_stated(name) && !gone.contains(name));
        self
    }

    pub(crate) fn text(&mut self, key: &'static str, text: &str) {
        if let Some(text) = clean(text, TEXT_BYTES) {
            self.fields.insert(key, text.into());
        }
    }

    pub(crate) fn title(&mut self, text: &str) {
        self.title = clean(text, TEXT_BYTES).or(self.title.take());
    }

    pub(crate) fn list<'a>(&mut self, key: &'static str, entries: impl IntoIterator<Item = &'a str>) {
        let entries: Vec<Value> =
            entries.into_iter().filter_map(|entry| clean(entry, ENTRY_BYTES)).take(ENTRIES).map(Value::from).collect();
        if !entries.is_empty() {
            self.fields.insert(key, entries.into());
        }
    }

    pub(crate) fn integer(&mut self, key: &'static str, integer: i64) {
        self.fields.insert(key, integer.into());
    }

    pub(crate) fn taken(&mut self, taken: &Taken) {
        self.fields.insert(TAKEN, taken.text.as_str().into());
        self.integer(TAKEN_UNIX, taken.unix);
        self.integer(TAKEN_YEAR, taken.year.into());
    }

    /// A place on the earth. 0° 0′ is what is written where nothing is known.
    pub(crate) fn place(&mut self, latitude: f64, longitude: f64, altitude: Option<f64>) {
        let on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        if !on_earth || (latitude == 0.0 && longitude == 0.0) {
            return;
        }
        self.fields.insert(LATITUDE, rounded(latitude).into());
        self.fields.insert(LONGITUDE, rounded(longitude).into());
        if let Some(altitude) = altitude.filter(|altitude| altitude.abs() < 1e6) {
            self.fields.insert(ALTITUDE, rounded(altitude).into());
        }
    }
}

/// A tenth of a metre is 1e-6 degrees: what lies behind is noise of the arithmetic.
fn rounded(value: f64) -> f64 {
    (value * 1e7).round() / 1e7
}

/// A text without control characters and white space around it, cut to a length; none where nothing is left.
fn clean(text: &str, most: usize) -> Option<String> {
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let shown = shown.trim();
    let end = (0..=shown.len().min(most)).rev().find(|end| shown.is_char_boundary(*end)).unwrap_or(0);
    let cut = shown.get(..end).unwrap_or_default().trim_end();
    (!cut.is_empty()).then(|| cut.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_letters_and_cleaned() {
        assert_eq!(clean("  a\0b\n ", 99).as_deref(), Some("a b"));
        assert_eq!(clean("ééé", 3).as_deref(), Some("é"));
        assert_eq!(clean(" \0", 9), None);
        let mut tags = Tags::default();
        tags.list(KEYWORDS, (0..99).map(|_| "x"));
        tags.text(DESCRIPTION, &"y".repeat(9999));
        assert_eq!(tags.fields[KEYWORDS].as_array().unwrap().len(), ENTRIES);
        assert_eq!(tags.fields[DESCRIPTION].as_str().unwrap().len(), TEXT_BYTES);
    }

    #[test]
    fn a_place_is_replaced_as_a_whole() {
        let (mut inner, mut outer) = (Tags::default(), Tags::default());
        inner.place(1.0, 2.0, Some(3.0));
        inner.text(LENS, "50 mm");
        outer.place(4.0, 5.0, None);
        let both = inner.under(outer);
        assert_eq!(both.fields.keys().copied().collect::<Vec<_>>(), [LATITUDE, LENS, LONGITUDE]);
        let stated = BTreeMap::from([(LATITUDE.to_owned(), Value::from(7.0))]);
        assert_eq!(both.beside(&stated).fields.into_keys().collect::<Vec<_>>(), [LENS]);
        for (latitude, longitude) in [(0.0, 0.0), (91.0, 0.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            let mut nowhere = Tags::default();
            nowhere.place(latitude, longitude, None);
            assert_eq!(nowhere, Tags::default());
        }
    }

    #[test]
    fn every_field_has_its_line() {
        let names: std::collections::BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), KEYS.len());
        assert!(GROUPS.iter().flat_map(|group| group.iter()).all(|name| names.contains(name)));
    }
}
