//! What tests of speech share: options, answers, and what is read off them.

use std::path::PathBuf;

use onespace_proto::v1::{self, SpeechMode, Track};

use crate::{Client, root};

/// The tiny transcriber of encoders/speech, which knows letters.
#[must_use]
pub fn tiny() -> PathBuf {
    root().join("encoders/speech/tests/tiny")
}

/// Whisper base.
///
/// # Panics
/// Where nobody has set it up.
#[must_use]
pub fn whisper() -> PathBuf {
    let folder = root().join("target/speech");
    assert!(folder.join("transcriber.toml").exists(), "scripts/setup.sh speech brings the transcriber");
    folder
}

/// Options that say how speech is understood, and nothing else.
#[must_use]
pub fn speech(mode: SpeechMode, language: &str) -> v1::EmbedOptions {
    let speech = Some(v1::Speech { mode: mode.into(), language: language.to_owned() });
    v1::EmbedOptions { speech, ..Default::default() }
}

/// Embeds one media.
///
/// # Errors
/// What the item failed of.
pub async fn embed(
    client: &Client,
    media: v1::Media,
    options: v1::EmbedOptions,
) -> Result<v1::Embeddings, v1::ItemError> {
    let request = v1::EmbedRequest { items: vec![media], options: Some(options), ..Default::default() };
    let mut response = client.embedding().embed(request).await.unwrap().into_inner();
    match response.results.remove(0).outcome.unwrap() {
        v1::embed_result::Outcome::Embeddings(embeddings) => Ok(embeddings),
        v1::embed_result::Outcome::Error(error) => Err(error),
    }
}

/// The track of each embedding.
#[must_use]
pub fn tracks(embeddings: &[v1::Embedding]) -> Vec<Track> {
    embeddings.iter().map(v1::Embedding::track).collect()
}

/// The reason of each note.
#[must_use]
pub fn reasons(notes: &[v1::Note]) -> Vec<&str> {
    notes.iter().map(|note| note.reason.as_str()).collect()
}
