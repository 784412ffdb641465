//! Questions that do not fit in one message.

use onespace_proto::v1::{EmbedOptions, QueryPart, RawVector, Speech, SpeechMode, query_part::Part};

use crate::{
    client::Client,
    error::{Error, Result},
    media::{chunked, content_bytes},
};

impl Client {
    /// The parts of a question that together hold no more than `room` bytes: as long as they do, the largest file among
    /// them is embedded first, in chunks, and its vector asks in its place. What is said in it is then not asked for.
    pub(crate) async fn fitting(&self, mut parts: Vec<QueryPart>, room: usize) -> Result<Vec<QueryPart>> {
        while parts.iter().map(part_bytes).sum::<usize>() > room {
            let files = parts.iter_mut().filter(|part| is_file(part));
            let Some(largest) = files.max_by_key(|part| part_bytes(part)) else { break };
            let Some(Part::Media(media)) = largest.part.take() else { break };
            let whole = self.embed(media, &silent()).await?.into_iter().next();
            let whole = whole.ok_or_else(Error::unanswered)?;
            largest.speech = None;
            largest.part = Some(Part::Vector(RawVector {
                values: whole.vector,
                space_fingerprint: whole.space_fingerprint,
                modality: whole.modality,
                ..Default::default()
            }));
        }
        Ok(parts)
    }
}

/// How it looks or sounds: the vector of what is said in it is another's.
fn silent() -> EmbedOptions {
    let speech = Some(Speech { mode: SpeechMode::Off.into(), ..Default::default() });
    EmbedOptions { speech, ..Default::default() }
}

/// What a part holds of a message.
pub(crate) fn part_bytes(part: &QueryPart) -> usize {
    match &part.part {
        Some(Part::Media(media)) => content_bytes(media),
        _ => 0,
    }
}

/// Whether a part can be sent in chunks.
fn is_file(part: &QueryPart) -> bool {
    matches!(&part.part, Some(Part::Media(media)) if chunked(media).is_some())
}
