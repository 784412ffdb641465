//! Embedding one media.

use bytes::Bytes;
use futures::stream;
use onespace_proto::{
    convert,
    v1::{self, EmbedOptions, Embedding, Media},
};

use crate::{
    client::Client,
    error::{Error, Result},
    media::chunked,
    patience::Patience,
};

impl Client {
    /// Embeds one media: its whole, and its segments only where `options` asks for them.
    ///
    /// # Errors
    /// What the server said last, of the call or of the media.
    pub async fn embed(&self, media: Media, options: &EmbedOptions) -> Result<Vec<Embedding>> {
        self.embed_within(&self.patience(1), media, options).await
    }

    /// The same within the patience of a command that embeds several, each by a call of its own.
    ///
    /// # Errors
    /// As [`Client::embed`].
    pub async fn embed_within(
        &self,
        patience: &Patience,
        media: Media,
        options: &EmbedOptions,
    ) -> Result<Vec<Embedding>> {
        let (media, options) = (&media, &explicit(options));
        let attempt = move || async move {
            match chunked(media) {
                Some(bytes) => embed_file(self, media, bytes, options).await,
                None => embed_message(self, media.clone(), options).await,
            }
        };
        patience.call(attempt).await
    }
}

/// The same options where nothing is left to the call: unless told otherwise, a file in chunks comes with segments, a
/// media in one message without.
fn explicit(options: &EmbedOptions) -> EmbedOptions {
    let mut options = options.clone();
    let segments = options.segments.get_or_insert_default();
    if segments.mode() == v1::SegmentMode::Unspecified {
        segments.set_mode(v1::SegmentMode::Off);
    }
    options
}

/// A small media travels in one message.
async fn embed_message(client: &Client, media: Media, options: &EmbedOptions) -> Result<Vec<Embedding>> {
    use v1::embed_result::Outcome;
    let request = v1::EmbedRequest { items: vec![media], options: Some(options.clone()), ..Default::default() };
    let response = client.embedding_service().embed(request).await?.into_inner();
    match response.results.into_iter().next().and_then(|result| result.outcome) {
        Some(Outcome::Embeddings(embeddings)) => Ok(embeddings.embeddings),
        Some(Outcome::Error(error)) => Err(error.into()),
        None => Err(Error::unanswered()),
    }
}

/// A large file travels in chunks.
async fn embed_file(client: &Client, media: &Media, bytes: &Bytes, options: &EmbedOptions) -> Result<Vec<Embedding>> {
    use v1::{embed_file_request::Message, embed_file_response::Event};
    let start = v1::FileStart {
        modality: media.modality,
        media_type: media.media_type.clone(),
        total_bytes: bytes.len() as u64,
        options: Some(options.clone()),
        ..Default::default()
    };
    let messages = std::iter::once(Message::Start(start)).chain(convert::chunks(bytes).map(Message::Chunk));
    let requests = stream::iter(messages.map(|message| v1::EmbedFileRequest { message: Some(message) }));
    let mut events = client.embedding_service().embed_file(requests).await?.into_inner();
    let mut embeddings = Vec::new();
    while let Some(event) = events.message().await? {
        if let Some(Event::Embedding(embedding)) = event.event {
            embeddings.push(embedding);
        }
    }
    Ok(embeddings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_has_no_other_segments_than_a_small_one() {
        let left_out = explicit(&EmbedOptions::default());
        assert_eq!(left_out.segments.unwrap().mode(), v1::SegmentMode::Off);
        let tower = v1::Segments { mode: v1::SegmentMode::Tower.into(), ..Default::default() };
        let asked = EmbedOptions { segments: Some(tower), ..Default::default() };
        assert_eq!(explicit(&asked), asked);
    }
}
