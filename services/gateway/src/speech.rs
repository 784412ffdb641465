//! What is said in a media: written down by the transcriber, then embedded as any text is.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use onespace_core::{
    Deadline, Embedding, EncodeReply, EncodeRequest, Error, Modality, Note, NoteReason, Reason, Remark, RemarkKind,
    Result, Segments, Talk, Timings, Track, TranscribeReply, TranscribeRequest, Transcript, limits::PROMPTS_IN_FLIGHT,
    vector::dot,
};

use crate::{
    ear::{Ear, told_by},
    item::{Embedder, Waits},
    passages::{Passage, passages},
};

/// The vectors of a longer sound leave out some of it: a tower takes so many windows of it and no more. Those of the
/// shipped space cover 64 of 10 s.
const TOLD_MS: u64 = 10 * 60 * 1000;

impl Embedder<'_> {
    /// The vectors of a media, and whether somebody may speak in it. The windows that its tower takes at once tell
    /// that, wanted or not: a few sentences in ten minutes of music show in these alone.
    ///
    /// # Errors
    /// As [`Gateway::encode`].
    pub async fn sound(&self, ear: &Ear, request: &EncodeRequest) -> Result<(EncodeReply, bool)> {
        let Some(talk) = told_by(self.gateway.space(), self.options.speech) else {
            return Ok((self.encode(request.clone()).await?, true));
        };
        let mut reply = self.encode(EncodeRequest { segments: Segments::Tower, ..request.clone() }).await?;
        let talks = self.sounds_like(talk, ear, &reply).await?;
        match request.segments {
            Segments::Tower => {}
            Segments::Off => reply.embeddings.retain(|embedding| embedding.segment == 0),
            Segments::Window(_) => reply = self.encode(request.clone()).await?,
        }
        Ok((reply, talks))
    }

    /// Whether somebody may speak in a media, as the vectors of its sound tell: listening takes a hundred times as long
    /// as they do, and a transcriber hears words in the noise of a drum. Where they do not tell of all of it, that is
    /// left to the transcriber.
    async fn sounds_like(&self, Talk { words, cosine }: &Talk, ear: &Ear, reply: &EncodeReply) -> Result<bool> {
        let sounds = || reply.embeddings.iter().filter(|one| one.modality.tower(one.track) == Modality::Audio);
        if sounds().any(|sound| sound.span.is_some_and(|span| span.end_ms - span.start_ms > TOLD_MS)) {
            return Ok(true);
        }
        let embed = || async {
            let (target, words) = (Some(Modality::Audio), Bytes::from(words.clone()));
            let request = EncodeRequest { target, ..EncodeRequest::new(Modality::Text, words) };
            let reply = self.gateway.encode(request, self.deadline).await?;
            reply.embeddings.into_iter().next().map(|one| one.vector).ok_or_else(no_vector)
        };
        let talk = self.patiently(self.deadline, || ear.talk.get_or_try_init(embed)).await?;
        Ok(sounds().any(|sound| dot(&sound.vector, talk) >= *cosine))
    }

    /// The speech track of a media, where somebody `talks` in it: its transcript as a whole, then its passages where
    /// segments are wanted. Of one in which nobody speaks a note.
    ///
    /// # Errors
    /// What may pass: `QUEUE_FULL`, `ENCODER_UNAVAILABLE`, `DEADLINE_EXCEEDED`. What would come again is a note.
    pub async fn speech_track(&self, ear: &Ear, request: &EncodeRequest, talks: bool) -> Result<EncodeReply> {
        let mut track = EncodeReply::default();
        if !talks {
            track.notes.push(Note::new(NoteReason::NoSpeech, "it does not sound as if somebody spoke in it"));
            return Ok(track);
        }
        let heard = match self.listen(ear, request).await {
            Ok(heard) => heard,
            Err(error) if is_the_medias(&error) || is_the_models(&error) => {
                let message = format!("what is said in it could not be written down: {error}");
                track.notes.push(Note::new(NoteReason::TrackNotEmbedded, message));
                return Ok(track);
            }
            Err(error) => return Err(error),
        };
        track.timings.merge(&heard.timings);
        let transcript = heard.transcript;
        track.notes.extend(notes(ear, &transcript));
        if transcript.no_speech() {
            return Ok(track);
        }
        let passages = passages(&transcript, request.segments);
        // The time of bulk work begins anew: listening may have taken longer than a text ever does.
        let embedder = self.renewed();
        let texts = [Passage { span: None, text: transcript.text }].into_iter().chain(passages).zip(0_u32..);
        let embedded: Vec<(Embedding, Timings)> = stream::iter(texts)
            .map(|(passage, segment)| embedder.passage(request, passage, segment))
            .buffered(PROMPTS_IN_FLIGHT)
            .try_collect()
            .await?;
        for (embedding, timings) in embedded {
            track.timings.merge(&timings);
            track.embeddings.push(embedding);
        }
        Ok(track)
    }

    async fn listen(&self, ear: &Ear, request: &EncodeRequest) -> Result<TranscribeReply> {
        let transcribe = |deadline| {
            let (modality, bytes, language) = (request.modality, request.bytes.clone(), self.options.speech.language());
            let request = TranscribeRequest { modality, bytes, language, first_ms: None };
            self.gateway.transcribe(ear, request, deadline)
        };
        if self.waits != Waits::Bulk {
            return self.patiently(self.deadline, || transcribe(self.deadline)).await;
        }
        let listening = self.gateway.listening();
        let _room = listening.bytes.enter_bytes(request.bytes.len())?;
        let _turn = listening.turns.acquire().await;
        // The time of an item of an ingest begins when its turn does: listening has more than other work.
        let begins = || Deadline::of_speech(Duration::MAX);
        self.patiently(begins(), || transcribe(begins())).await
    }

    async fn passage(&self, request: &EncodeRequest, passage: Passage, segment: u32) -> Result<(Embedding, Timings)> {
        let Passage { span, text } = passage;
        let reply = self.encode(EncodeRequest {
            modality: Modality::Text,
            bytes: Bytes::from(text.clone()),
            media_type: None,
            segments: Segments::Off,
            ..request.clone()
        });
        let reply = reply.await?;
        let vector = reply.embeddings.into_iter().next().ok_or_else(no_vector)?.vector;
        let (modality, track, parts) = (request.modality, Track::Speech, Vec::new());
        Ok((Embedding { vector, modality, track, segment, span, parts, transcript: Some(text) }, reply.timings))
    }
}

fn no_vector() -> Error {
    Error::internal("the text tower answered without an embedding")
}

/// Whether an error is the media's own: trying again would come to the same.
#[must_use]
pub const fn is_the_medias(error: &Error) -> bool {
    matches!(
        error.reason,
        Reason::MediaMalformed | Reason::MediaUnsupported | Reason::MediaTooLarge | Reason::MediaEmpty
    )
}

/// Whether a model came to nothing over this very media.
const fn is_the_models(error: &Error) -> bool {
    matches!(error.reason, Reason::ModelFailed | Reason::Panicked)
}

/// What is to be known of a transcript: a note for each kind of doubt, however often there is reason for it.
fn notes(ear: &Ear, transcript: &Transcript) -> Vec<Note> {
    if transcript.no_speech() {
        let message = format!("{} hears nobody speak in it", ear.info().name);
        return vec![Note::new(NoteReason::NoSpeech, message)];
    }
    RemarkKind::ALL.into_iter().filter_map(|kind| note(kind, &transcript.remarks)).collect()
}

fn note(kind: RemarkKind, remarks: &[Remark]) -> Option<Note> {
    let mut of_kind = remarks.iter().filter(|remark| remark.kind == kind);
    let first = of_kind.next()?;
    let more = match of_kind.count() {
        0 => String::new(),
        more => format!("; so in {more} more places"),
    };
    let reason = match kind {
        RemarkKind::TimeOver => NoteReason::TranscriptIncomplete,
        _ => NoteReason::TranscriptDoubtful,
    };
    Some(Note::new(reason, format!("{first}{more}")))
}

/// Whether a transcript can stand for a question: one that the model was unsure of, or that went round in a circle, may
/// be a noise that nobody made with words.
#[must_use]
pub fn is_a_question(transcript: &Transcript) -> bool {
    let doubtful = [RemarkKind::Unsure, RemarkKind::Repetitive, RemarkKind::RepetitionCut];
    !transcript.no_speech() && !transcript.remarks.iter().any(|remark| doubtful.contains(&remark.kind))
}

#[cfg(test)]
mod tests {
    use onespace_core::{Span, TranscriptSegment};

    use super::*;

    fn remark(kind: RemarkKind, start_ms: u64) -> Remark {
        Remark { kind, span: Span { start_ms, end_ms: start_ms + 1_000 } }
    }

    fn with(remarks: Vec<Remark>) -> Transcript {
        let segment = TranscriptSegment { span: Span { start_ms: 0, end_ms: 1 }, text: "a".to_owned() };
        Transcript { segments: vec![segment], remarks, ..Transcript::default() }
    }

    #[test]
    fn a_noise_is_no_question() {
        let one = |kind| with(vec![remark(kind, 0)]);
        assert!(is_a_question(&with(Vec::new())) && is_a_question(&one(RemarkKind::WindowFull)));
        assert!(!is_a_question(&Transcript::default()) && !is_a_question(&one(RemarkKind::Unsure)));
    }

    #[test]
    fn a_kind_of_doubt_is_said_once() {
        let unsure = [0, 30_000, 60_000].map(|start| remark(RemarkKind::Unsure, start));
        let note = |kind| super::note(kind, &[&unsure[..], &[remark(RemarkKind::TimeOver, 90_000)]].concat());
        let doubt = note(RemarkKind::Unsure).unwrap();
        assert_eq!(doubt.reason, NoteReason::TranscriptDoubtful);
        assert_eq!(doubt.message, "0.0 to 1.0 s: the model was unsure of what it heard; so in 2 more places");
        assert_eq!(note(RemarkKind::TimeOver).unwrap().reason, NoteReason::TranscriptIncomplete);
        assert_eq!(note(RemarkKind::Cut), None);
    }
}
