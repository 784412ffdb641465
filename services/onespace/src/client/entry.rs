//! A file that becomes an item, and what is said of it.

use std::{collections::BTreeMap, sync::Arc};

use onespace_client::{Error, IngestItem, Load, UNREADABLE, media};
use onespace_proto::{convert::modality_out, metadata::metadata_out};
use onespace_tags::Tags;
use serde_json::Value;

use super::source::{self, FileKind, FoundFile};

/// What is said of every item.
#[derive(Debug, Default)]
pub struct Stated {
    /// By whoever stores it.
    pub metadata: BTreeMap<String, Value>,
    /// Whether what it says of itself is read.
    pub tags: bool,
    /// What files are, where their content does not tell.
    pub kind: FileKind,
}

/// What is said of one item alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Own {
    /// What to call it; empty: its content's own id.
    pub item_id: String,
    /// Where it came from, if not from its path.
    pub uri: Option<String>,
    /// A line for people, if it is not its name.
    pub title: Option<String>,
    /// Over what is said of every item.
    pub metadata: BTreeMap<String, Value>,
}

/// A file, and all that is said of it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub found: FoundFile,
    pub own: Own,
    pub stated: Arc<Stated>,
}

impl Entry {
    /// A file of which nothing is said but what is said of all.
    pub fn new(found: FoundFile, stated: &Arc<Stated>) -> Self {
        Self { found, own: Own::default(), stated: Arc::clone(stated) }
    }
}

impl Load for Entry {
    fn hashed(&self) -> onespace_client::Result<Option<IngestItem>> {
        let item = self.load()?;
        let hashed = item.media.as_ref().and_then(media::hashed);
        Ok(hashed.map(|(modality, hash)| IngestItem {
            media: None,
            content_hash: hash.as_str().to_owned(),
            modality: modality_out(modality),
            ..item
        }))
    }

    fn load(&self) -> onespace_client::Result<IngestItem> {
        let FoundFile { path, folder } = &self.found;
        let bytes = source::read(path).map_err(|error| Error::of_item(UNREADABLE, format!("{error:#}")))?;
        let mut metadata = self.stated.metadata.clone();
        metadata.extend(self.own.metadata.clone());
        let tags = if self.stated.tags { onespace_tags::read(path, &bytes, folder) } else { Tags::default() };
        let tags = tags.beside(&metadata);
        let name = || Some(path.file_stem()?.to_string_lossy().replace(['-', '_'], " "));
        let title = self.own.title.clone().or(tags.title).or_else(name);
        Ok(IngestItem {
            item_id: self.own.item_id.clone(),
            media: Some(self.stated.kind.of(bytes)),
            uri: self.own.uri.clone().unwrap_or_else(|| path.display().to_string()),
            title: title.unwrap_or_default(),
            metadata: metadata_out(metadata),
            tags: metadata_out(tags.fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ..Default::default()
        })
    }
}
