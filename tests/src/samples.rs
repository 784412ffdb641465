//! The repository's samples: what they are, and what they show.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use bytes::Bytes;
use onespace_proto::v1::{self, Modality};

use crate::{client, root};

const FOLDERS: [(&str, Modality); 5] = [
    ("texts", Modality::Text),
    ("images", Modality::Image),
    ("sounds", Modality::Audio),
    ("videos", Modality::Video),
    ("points", Modality::PointCloud),
];

/// A file of `samples/`.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Folder and file name: `images/yellow-teapot-01.jpg`.
    pub name: String,
    /// What it is.
    pub modality: Modality,
    /// The colour it shows; a thing's own sound has none.
    pub colour: Option<String>,
    /// The thing it shows.
    pub kind: String,
    /// Its content.
    pub bytes: Bytes,
}

impl Sample {
    fn read(folder: &str, modality: Modality, path: &Path) -> Self {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let words: Vec<&str> = stem.trim_start_matches("spoken-").split('-').collect();
        let (colour, kind) = match words[..] {
            [kind, _number] => (None, kind),
            [colour, kind, ..] => (Some(colour.to_owned()), kind),
            _ => panic!("{stem} has no subject"),
        };
        let name = format!("{folder}/{}", path.file_name().unwrap().to_str().unwrap());
        Self { name, modality, colour, kind: kind.to_owned(), bytes: fs::read(path).unwrap().into() }
    }

    /// It as media, of which only the bytes are known.
    #[must_use]
    pub fn media(&self) -> v1::Media {
        client::data(self.bytes.clone())
    }

    /// It as an item of its own name.
    #[must_use]
    pub fn item(&self) -> v1::IngestItem {
        let mut fields = serde_json::json!({"kind": self.kind});
        if let Some(colour) = &self.colour {
            fields["colour"] = colour.as_str().into();
        }
        v1::IngestItem {
            request_id: self.name.clone(),
            item_id: self.name.clone(),
            media: Some(self.media()),
            uri: self.name.clone(),
            title: self.name.clone(),
            metadata: client::metadata(fields),
            ..Default::default()
        }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        root().join("samples").join(&self.name)
    }

    /// The part of its name behind the last dot.
    #[must_use]
    pub fn extension(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// Whether it shows all that there is of a subject: colour and kind.
    #[must_use]
    pub fn is_coloured(&self) -> bool {
        self.colour.is_some()
    }

    /// Whether both show the same: the same kind, and the same colour where both have one.
    #[must_use]
    pub fn shows_the_same_as(&self, other: &Self) -> bool {
        self.kind == other.kind && (self.colour == other.colour || self.colour.is_none() || other.colour.is_none())
    }
}

/// All samples, in the order of their names.
pub fn all() -> &'static [Sample] {
    static ALL: OnceLock<Vec<Sample>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = Vec::new();
        for (folder, modality) in FOLDERS {
            let files = fs::read_dir(root().join("samples").join(folder)).unwrap();
            all.extend(files.map(|file| Sample::read(folder, modality, &file.unwrap().path())));
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    })
}

/// The samples of a modality.
#[must_use]
pub fn of(modality: Modality) -> Vec<&'static Sample> {
    all().iter().filter(|sample| sample.modality == modality).collect()
}

/// The first sample with this extension.
#[must_use]
pub fn with_extension(extension: &str) -> &'static Sample {
    all().iter().find(|sample| sample.extension() == extension).unwrap_or_else(|| panic!("no sample is a .{extension}"))
}

/// The sample of a name.
#[must_use]
pub fn named(name: &str) -> &'static Sample {
    all().iter().find(|sample| sample.name == name).unwrap_or_else(|| panic!("there is no sample {name}"))
}

/// Samples of one modality and at most so many, spread over its subjects.
#[must_use]
pub fn some_of(modality: Modality, count: usize) -> Vec<&'static Sample> {
    let all = of(modality);
    let step = all.len().div_ceil(count).max(1);
    all.into_iter().step_by(step).collect()
}
