//! What an answer shows of stored items.

use onespace_core::{Fetch, Point, Result, Track};

use crate::{
    convert::{modality_out, span_out, track_out, weighted_out},
    metadata::metadata_out,
    v1,
    vector::{self, Encoding, encoding_in},
};

/// What an answer shows of items.
#[derive(Clone, Copy, Debug)]
pub struct View {
    metadata: bool,
    fetch: Fetch,
    encoding: Encoding,
}

impl View {
    /// A view as it was asked for; `embeddings` are shown unless something else is said.
    ///
    /// # Errors
    /// `FIELD_INVALID` for an encoding that this version does not know.
    pub fn read(view: Option<&v1::ItemView>, embeddings: bool) -> Result<Self> {
        let asked = view.copied().unwrap_or_default();
        Ok(Self {
            metadata: asked.metadata.unwrap_or(true),
            fetch: Fetch {
                segments: asked.segments.unwrap_or(embeddings),
                vectors: asked.vectors.unwrap_or(embeddings),
            },
            encoding: encoding_in(asked.encoding).map_err(|error| error.under("view"))?,
        })
    }

    /// What has to be read for it beside one point of each item; none where that is enough.
    #[must_use]
    pub fn fetch(&self) -> Option<Fetch> {
        (self.fetch.segments || self.fetch.vectors).then_some(self.fetch)
    }

    /// An item, told by one of its points, with the embeddings that are shown.
    #[must_use]
    pub fn item_out(&self, point: Point, embeddings: Vec<Point>) -> v1::Item {
        v1::Item {
            space_fingerprint: point.carried().to_string(),
            item_id: point.item.to_string(),
            modality: modality_out(point.modality),
            uri: point.uri.unwrap_or_default(),
            title: point.title.unwrap_or_default(),
            metadata: if self.metadata { metadata_out(point.metadata) } else { None },
            content_hash: point.content_hash.content().to_owned(),
            stored_hash: point.content_hash.as_str().to_owned(),
            embeddings: embeddings.into_iter().map(|point| self.embedding_out(point)).collect(),
        }
    }

    fn embedding_out(&self, point: Point) -> v1::Embedding {
        let mut embedding = v1::Embedding {
            modality: modality_out(point.modality),
            track: track_out(point.track),
            segment: point.segment,
            span: point.span.map(span_out),
            space_fingerprint: point.carried().to_string(),
            parts: weighted_out(&point.parts),
            transcript: point.transcript.unwrap_or_default(),
            ..Default::default()
        };
        if self.fetch.vectors {
            vector::put(&mut embedding, point.vector, self.encoding);
        }
        embedding
    }
}

/// The point that an item is told by, among all of its points.
#[must_use]
pub fn leading(points: &[Point]) -> Option<&Point> {
    points.iter().min_by_key(|point| (point.segment, !Track::LEADING.contains(&point.track)))
}
