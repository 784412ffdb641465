//! Requests, as they come off the wire.

use onespace_core::EmbedOptions;
use onespace_proto::{convert, filter, metadata, options, v1};
use prost::Message;

/// The first byte says which message the rest is.
pub fn requests(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 7 {
        0 => read(bytes, |request: v1::EmbedRequest| {
            drop(options::embed_options_in(request.options.as_ref(), EmbedOptions::default()));
            request.items.into_iter().for_each(media);
        }),
        1 => read(bytes, |request: v1::SearchRequest| {
            drop(filter::filter_in(request.filter));
            request.parts.into_iter().for_each(part);
        }),
        2 => read(bytes, |request: v1::RankRequest| {
            drop(options::speech_in(request.speech.as_ref(), onespace_core::Speech::default()));
            request.candidates.into_iter().for_each(media);
        }),
        3 => read(bytes, |item: v1::IngestItem| drop(metadata::metadata_in(item.metadata))),
        4 => read(bytes, |filter: v1::Filter| {
            if let Ok(filter) = filter::filter_in(Some(filter)) {
                drop(filter.check());
            }
        }),
        5 => read(bytes, |embedding: v1::Embedding| drop(convert::embedding_in(embedding))),
        _ => read(bytes, |request: v1::ClassifyRequest| {
            request.labels.into_iter().flat_map(|label| label.examples).for_each(media);
        }),
    }
}

fn read<M: Message + Default>(bytes: &[u8], convert: impl FnOnce(M)) {
    if let Ok(message) = M::decode(bytes) {
        convert(message);
    }
}

fn part(part: v1::QueryPart) {
    if let Some(v1::query_part::Part::Media(asked)) = part.part {
        media(asked);
    }
}

fn media(media: v1::Media) {
    drop(convert::media_in(media));
}
