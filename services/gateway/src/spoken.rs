//! Spoken questions: a recording in which somebody speaks asks by what is said, as the same words do when they are
//! typed.

use futures::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use onespace_core::{
    Content, Deadline, EmbedOptions, EncodeRequest, Error, Modality, Reason, Result, Speech, Timings,
    TranscribeRequest,
    limits::{QUERY_PARTS, QUESTION_MS},
};
use onespace_proto::{convert, options::speech_in, v1};

use crate::{
    Gateway,
    ear::Ear,
    item::Embedder,
    speech::{is_a_question, is_the_medias},
};

/// Recordings of one query that are listened to at once: the others of a transcriber's turns are for other queries.
const AT_ONCE: usize = 4;

/// The parts of a query, those that speak replaced by what they say.
pub struct Understood {
    /// As many as there were.
    pub parts: Vec<v1::QueryPart>,
    /// What was understood of each, empty where nothing was; none at all where no part could speak.
    pub transcripts: Vec<String>,
    /// How long that took.
    pub timings: Timings,
}

/// Listens to the recordings of a query.
///
/// # Errors
/// `SPEECH_NOT_SERVED`, `FIELD_INVALID`, and what transcribing gives, under `parts[n]`. What cannot be read, or is too
/// much, is left as it is, for whoever embeds it to say so.
pub async fn understand(gateway: &Gateway, mut parts: Vec<v1::QueryPart>, deadline: Deadline) -> Result<Understood> {
    let mut understood = Understood { parts: Vec::new(), transcripts: Vec::new(), timings: Timings::default() };
    if parts.len() > QUERY_PARTS {
        return Ok(Understood { parts, ..understood });
    }
    let mut found: Vec<BoxFuture<'_, Result<Option<Heard>>>> = Vec::new();
    for (index, part) in parts.iter_mut().enumerate() {
        let at = format!("parts[{index}]");
        let speech = speech_in(part.speech.as_ref(), Speech::AUTO).map_err(|error| error.under(&at))?;
        for (media, path) in media_of(part) {
            let recording = Recording { part: index, at: format!("{at}{path}"), media, speech };
            found.push(recording.understood(gateway, deadline).boxed());
        }
    }
    let heard = stream::iter(found).buffered(AT_ONCE);
    let heard: Vec<Option<Heard>> = heard.try_collect().await?;
    if heard.iter().any(Option::is_some) {
        understood.transcripts = vec![String::new(); parts.len()];
    }
    for Heard { part, said, timings } in heard.into_iter().flatten() {
        understood.timings.merge(&timings);
        if let Some(all) = understood.transcripts.get_mut(part) {
            let between = if all.is_empty() || said.is_empty() { "" } else { " " };
            *all = format!("{all}{between}{said}");
        }
    }
    Ok(Understood { parts, ..understood })
}

/// The media of a part, each with its path: one, or those that it is made of. What is nested further, or more than
/// there may be, is none.
fn media_of(part: &mut v1::QueryPart) -> Vec<(&mut v1::Media, String)> {
    let Some(v1::query_part::Part::Media(media)) = &mut part.part else { return Vec::new() };
    if !matches!(media.content, Some(v1::media::Content::Parts(_))) {
        return vec![(media, ".media".to_owned())];
    }
    let Some(v1::media::Content::Parts(v1::MediaParts { parts })) = &mut media.content else { return Vec::new() };
    if parts.len() > QUERY_PARTS {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (index, part) in parts.iter_mut().enumerate() {
        found.extend(part.media.as_mut().map(|media| (media, format!(".media.parts[{index}].media"))));
    }
    found
}

/// A media that may be a recording.
struct Recording<'m> {
    /// Of which part of the query.
    part: usize,
    /// Where it stands, for errors.
    at: String,
    media: &'m mut v1::Media,
    speech: Speech,
}

/// What was heard in a recording that could speak.
struct Heard {
    part: usize,
    said: String,
    timings: Timings,
}

impl Recording<'_> {
    /// Listens, and puts what is said in the recording's place.
    async fn understood(self, gateway: &Gateway, deadline: Deadline) -> Result<Option<Heard>> {
        let Self { part, at, media, speech } = self;
        let under = |error: Error| error.under(&at);
        let Some((ear, request)) = recording(gateway, media, speech).map_err(under)? else { return Ok(None) };
        let options = EmbedOptions { speech, ..EmbedOptions::default() };
        let embedder = Embedder::new(gateway, options, deadline);
        let sound = EncodeRequest::new(request.modality, request.bytes.clone());
        let mut heard = Heard { part, said: String::new(), timings: Timings::default() };
        let talks = match embedder.sound(ear, &sound).await {
            Ok((reply, talks)) => {
                heard.timings.merge(&reply.timings);
                talks
            }
            // Whoever embeds it as it is says what is wrong with it; words can ask where no tower takes sounds.
            Err(error) if is_the_medias(&error) => return Ok(None),
            Err(error) if error.reason == Reason::ModalityNotServed => true,
            Err(error) => return Err(under(error)),
        };
        if !talks {
            return Ok(Some(heard));
        }
        match gateway.transcribe(ear, request, deadline).await {
            Ok(reply) => {
                heard.timings.merge(&reply.timings);
                if is_a_question(&reply.transcript) {
                    heard.said.clone_from(&reply.transcript.text);
                    *media = convert::media_out(Content::Text(reply.transcript.text), Some(Modality::Text));
                }
            }
            Err(error) if is_the_medias(&error) => {}
            Err(error) => return Err(under(error)),
        }
        Ok(Some(heard))
    }
}

/// A recording, and who listens to it.
fn recording<'a>(
    gateway: &'a Gateway,
    media: &v1::Media,
    speech: Speech,
) -> Result<Option<(&'a Ear, TranscribeRequest)>> {
    if matches!(media.content, Some(v1::media::Content::Parts(_))) {
        return Ok(None);
    }
    let read = convert::media_in(media.clone()).ok().and_then(|parts| parts.into_iter().next());
    let Some((bytes, modality)) = read.and_then(|(media, _)| media.resolve().ok()) else { return Ok(None) };
    // A film asks by what is seen in it.
    if modality != Modality::Audio {
        return Ok(None);
    }
    let ear = gateway.ear(modality, speech)?;
    let (language, first_ms) = (speech.language(), Some(QUESTION_MS as u64));
    Ok(ear.map(|ear| (ear, TranscribeRequest { modality, bytes, language, first_ms })))
}
