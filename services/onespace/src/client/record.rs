//! An item with its vectors as a JSON line.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use onespace_core::{Embedding, Modality, Span, Track};
use onespace_proto::{
    convert::{embedding_in, modality_in, modality_out, span_out, track_out, weighted_out},
    metadata::metadata_out,
    v1,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::item::metadata;

/// One item.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    item_id: String,
    modality: String,
    source: String,
    title: String,
    metadata: BTreeMap<String, Value>,
    content_hash: String,
    stored_hash: String,
    embeddings: Vec<VectorRecord>,
}

/// One vector and what it stands for.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VectorRecord {
    modality: String,
    track: String,
    segment: u32,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    span: Option<[u64; 2]>,
    space_fingerprint: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    parts: Vec<(String, f32)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transcript: Option<String>,
    /// Written so short that reading it gives the same bits.
    vector: Vec<f32>,
}

impl Record {
    /// An item as it was listed.
    pub fn of(item: v1::Item) -> Result<Self> {
        Ok(Self {
            modality: modality_in(item.modality)?.map_or("", Modality::name).to_owned(),
            metadata: metadata(item.metadata),
            embeddings: item.embeddings.into_iter().map(VectorRecord::of).collect::<Result<_>>()?,
            item_id: item.item_id,
            source: item.uri,
            title: item.title,
            content_hash: item.content_hash,
            stored_hash: item.stored_hash,
        })
    }

    /// The item as it is imported.
    pub fn item(self) -> Result<v1::Item> {
        Ok(v1::Item {
            modality: modality_out(self.modality.parse()?),
            metadata: metadata_out(self.metadata),
            embeddings: self.embeddings.into_iter().map(VectorRecord::embedding).collect::<Result<_>>()?,
            item_id: self.item_id,
            uri: self.source,
            title: self.title,
            content_hash: self.content_hash,
            stored_hash: self.stored_hash,
            ..Default::default()
        })
    }
}

impl VectorRecord {
    fn of(embedding: v1::Embedding) -> Result<Self> {
        let space_fingerprint = embedding.space_fingerprint.clone();
        let Embedding { vector, modality, track, segment, span, parts, transcript } = embedding_in(embedding)?;
        Ok(Self {
            modality: modality.name().to_owned(),
            track: track.name().to_owned(),
            segment,
            span: span.map(|span| [span.start_ms, span.end_ms]),
            space_fingerprint,
            parts: parts.into_iter().map(|(modality, weight)| (modality.name().to_owned(), weight)).collect(),
            transcript,
            vector,
        })
    }

    fn embedding(self) -> Result<v1::Embedding> {
        let track: Track = self.track.parse().map_err(|_| anyhow!("\"{}\" is no track", self.track))?;
        let part = |(modality, weight): (String, f32)| Ok((modality.parse::<Modality>()?, weight));
        let parts: Vec<_> = self.parts.into_iter().map(part).collect::<Result<_>>()?;
        Ok(v1::Embedding {
            modality: modality_out(self.modality.parse()?),
            track: track_out(track),
            segment: self.segment,
            span: self.span.map(|[start_ms, end_ms]| span_out(Span { start_ms, end_ms })),
            space_fingerprint: self.space_fingerprint,
            parts: weighted_out(&parts),
            transcript: self.transcript.unwrap_or_default(),
            vector_float32: self.vector.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into(),
            ..Default::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_to_the_last_bit() {
        let mut bits = 1_u32;
        let mut value = || {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from_bits(bits & 0xbfff_ffff)
        };
        let vector: Vec<f32> = (0..10_000).map(|_| value()).filter(|value| value.is_finite()).collect();
        let embedding = v1::Embedding {
            modality: modality_out(Modality::Video),
            track: track_out(Track::Fused),
            segment: 3,
            span: Some(span_out(Span { start_ms: 1, end_ms: 2 })),
            space_fingerprint: "00".repeat(32),
            parts: weighted_out(&[(Modality::Video, 0.1), (Modality::Audio, -0.7)]),
            transcript: "who \"goes\" there".to_owned(),
            vector_float32: vector.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>().into(),
            ..Default::default()
        };
        let fields = BTreeMap::from([("a".to_owned(), Value::from(1)), ("b".to_owned(), Value::from(0.25))]);
        let item = v1::Item {
            item_id: "clip\u{2028}".to_owned(),
            modality: modality_out(Modality::Video),
            uri: "u".to_owned(),
            title: "t".to_owned(),
            metadata: metadata_out(fields),
            content_hash: "c".to_owned(),
            stored_hash: "c~x".to_owned(),
            embeddings: vec![embedding],
            ..Default::default()
        };
        let line = serde_json::to_string(&Record::of(item.clone()).unwrap()).unwrap();
        assert!(!line.contains('\n'));
        let read: Record = serde_json::from_str(&line).unwrap();
        assert_eq!(read.item().unwrap(), item);
    }
}
