//! Files that Pillow and FFmpeg have written, folders as Google Takeout leaves them, and what strangers send.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test whose ground gives way can only stop")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use onespace_tags::{Folder, KEYS, Tags, embedded, read};
use serde_json::{Value, json};

fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

fn fields(tags: Tags) -> Value {
    tags.fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<serde_json::Map<_, _>>().into()
}

#[test]
fn a_photograph_says_when_where_and_with_what() {
    let exif = json!({
        "taken": "2023-07-14T18:20:31+02:00", "taken_unix": 1_689_351_631, "taken_year": 2023,
        "latitude": 48.85825, "longitude": -2.295, "altitude": 35.5,
        "camera_make": "Canon", "camera_model": "EOS R5", "lens": "RF 50mm", "description": "A tower",
    });
    for name in ["photo.webp", "photo.png"] {
        assert_eq!(fields(embedded(&golden(name))), exif, "{name}");
    }
    let tags = embedded(&golden("photo.jpg"));
    assert_eq!(tags.title.as_deref(), Some("The tower"));
    let mut both = exif;
    both["rating"] = 4.into();
    both["keywords"] = json!(["tower", "Paris"]);
    assert_eq!(fields(tags), both, "the packet of XMP in it says more");
}

#[test]
fn a_recording_says_who_plays_what() {
    let expected = json!({
        "artist": "Artist", "album": "Album", "album_artist": "Band", "genre": "Jazz", "track": 3, "year": 1959,
    });
    for name in ["song.mp3", "song.flac", "song.ogg", "song.m4a"] {
        let tags = embedded(&golden(name));
        assert_eq!(tags.title.as_deref(), Some("Title"), "{name}");
        assert_eq!(fields(tags), expected, "{name}");
    }
    // RIFF has no field for whose album it is.
    let wav = fields(embedded(&golden("song.wav")));
    assert_eq!((&wav["artist"], &wav["album"], &wav["year"]), (&"Artist".into(), &"Album".into(), &1959.into()));
}

#[test]
fn a_film_says_when_and_where() {
    let expected = json!({
        "taken": "2023-07-14T16:20:31Z", "taken_unix": 1_689_351_631, "taken_year": 2023,
        "latitude": 48.8577, "longitude": -2.295, "altitude": 35.1,
    });
    assert_eq!(fields(embedded(&golden("film.mov"))), expected);
}

#[test]
fn broken_tags_are_no_tags_and_no_fault() {
    for name in ["photo.jpg", "photo.webp", "photo.png", "song.mp3", "song.flac", "song.ogg", "song.m4a", "film.mov"] {
        let whole = golden(name);
        for end in (0..whole.len()).step_by(whole.len() / 97 + 1) {
            let _ = embedded(&whole[..end]);
            let mut bent = whole.clone();
            bent[end] ^= 0xff;
            let tags = embedded(&bent);
            assert!(tags.fields.keys().all(|name| KEYS.iter().any(|key| key.name == *name)), "{name}");
        }
    }
    let bomb = format!("<x:xmpmeta>{}", "<a>".repeat(200_000));
    assert_eq!(embedded(format!("{bomb}</x:xmpmeta>").as_bytes()), Tags::default());
    assert_eq!(embedded(b"\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xff"), Tags::default());
}

/// A folder with these files, each empty unless it says something.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Folder) {
    let there = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, content)| fs::write(there.path().join(name), content).unwrap());
    let folder = Folder::read(there.path());
    (there, folder)
}

fn names(paths: Vec<PathBuf>) -> Vec<String> {
    paths.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn takeout_names_its_files_in_many_ways() {
    let long = "a_photograph_with_a_name_that_is_longer_than_that.jpg";
    for (media, sidecar) in [
        ("IMG_1.jpg", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("PXL_20230714_162031123.NIGHT.jpg", "PXL_20230714_162031123.NIGHT.jpg.supplemental-.json"),
        ("IMG_1.jpg", "IMG_1.jpg.s.json"),
        ("IMG_1.jpg", "IMG_1.jpg..json"),
        ("IMG_1(2).jpg", "IMG_1.jpg(2).json"),
        ("IMG_1(2).jpg", "IMG_1.jpg.supplemental-metadata(2).json"),
        ("IMG_1-edited.jpg", "IMG_1.jpg.json"),
        ("IMG_1-bearbeitet.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1-edited(2).jpg", "IMG_1.jpg(2).json"),
        (long, "a_photograph_with_a_name_that_is_longer_than_t.json"),
    ] {
        let (there, folder) = folder(&[(media, ""), (sidecar, "{}"), ("notes.json", "{}"), ("IMG_9.jpg", "")]);
        assert_eq!(names(folder.sidecars(&there.path().join(media))), [sidecar], "{media}");
        assert!(folder.has_sidecar(&there.path().join(sidecar)), "{sidecar}");
        assert!(!folder.has_sidecar(&there.path().join("notes.json")), "it is of nobody");
        assert!(folder.sidecars(&there.path().join("IMG_9.jpg")).is_empty());
    }
}

#[test]
fn what_lies_beside_wins() {
    let takeout = json!({
        "title": "photo.webp", "description": "On the beach", "photoTakenTime": {"timestamp": "1689351631"},
        "geoData": {"latitude": 1.5, "longitude": 2.5, "altitude": 0.0},
        "geoDataExif": {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0},
        "people": [{"name": "Ada"}, {"name": "Bob"}, {}], "favorited": true, "url": "elsewhere",
    });
    let xmp = r#"<?xml version="1.0"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
        <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
        xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="48,51.5N" exif:GPSLongitude="2,17,42.0W"
        xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>
        <rdf:li>By hand</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"#;
    let (there, folder) = folder(&[("photo.webp", ""), ("photo.webp.json", &takeout.to_string()), ("photo.xmp", xmp)]);
    let tags = fields(read(&there.path().join("photo.webp"), &golden("photo.webp"), &folder));
    assert_eq!(tags["description"], "By hand");
    assert_eq!(tags["taken"], "2023-07-14T16:20:31Z", "Takeout's, not the camera's");
    assert_eq!(tags["latitude"], json!(48.858_333_3));
    assert_eq!((tags.get("altitude"), &tags["longitude"]), (None, &json!(-2.295)), "a place comes whole");
    assert_eq!((&tags["people"], &tags["favorite"]), (&json!(["Ada", "Bob"]), &json!(true)));
    assert_eq!(tags["camera_model"], "EOS R5");
}

#[test]
fn sidecars_that_say_nothing_fail_nothing() {
    let endless = " ".repeat(3 << 20);
    for content in ["", "{", "[]", "{\"photoTakenTime\": 7, \"people\": {}, \"geoData\": []}", endless.as_str()] {
        let (there, folder) = folder(&[("a.jpg", ""), ("a.jpg.json", content), ("a.xmp", content)]);
        assert_eq!(read(&there.path().join("a.jpg"), b"", &folder), Tags::default());
    }
}

#[test]
fn the_documentation_names_every_field() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/FOLDERS.md")).unwrap();
    for key in KEYS {
        let line = format!("| `{}` | {} | {} |", key.name, key.kind, key.says);
        assert!(page.contains(&line), "docs/FOLDERS.md lacks: {line}");
    }
}
