//! The transcriber of a gateway, and who may ask it for what.

use std::{sync::Arc, time::Instant};

use onespace_core::{
    Deadline, Error, Fingerprint, Language, Modality, Reason, Result, Space, Speech, Talk, Transcribe, TranscribeReply,
    TranscribeRequest, TranscriberInfo,
    limits::{SPEECH_BULK, SPEECH_BULK_BYTES},
};
use onespace_kit::admission::Admission;
use tokio::sync::{OnceCell, Semaphore};

use crate::Gateway;

/// The transcriber of a gateway.
pub struct Ear {
    transcriber: Arc<dyn Transcribe>,
    info: TranscriberInfo,
    /// The vector of the words that stand for speech in this space.
    pub(crate) talk: OnceCell<Vec<f32>>,
}

impl Ear {
    /// The ear that a transcriber is.
    #[must_use]
    pub fn new(transcriber: Arc<dyn Transcribe>, info: TranscriberInfo) -> Self {
        Self { transcriber, info, talk: OnceCell::new() }
    }

    /// What the transcriber says of itself.
    #[must_use]
    pub const fn info(&self) -> &TranscriberInfo {
        &self.info
    }

    /// What the speech track of a media depends on, beside the media: who listens, what is listened to at all, and a
    /// tower for texts that was added to the space and may be replaced.
    #[must_use]
    pub fn fingerprint(&self, space: &Space, speech: Speech) -> Fingerprint {
        let added: Vec<String> = space.added_on_the_way(Modality::Text).map(ToString::to_string).collect();
        let talk = told_by(space, speech).map(|talk| (&talk.words, talk.cosine));
        Fingerprint::of(format!("{} {talk:?} {added:?}", self.info.fingerprint).as_bytes())
    }

    fn check(&self, language: Language) -> Result<()> {
        let known = &self.info.languages;
        if known.iter().any(|one| one == language.as_str()) {
            return Ok(());
        }
        let message = format!("\"{language}\" is not understood here, {} are", known.join(", "));
        Err(Error::new(Reason::FieldInvalid, "speech.language", message))
    }
}

/// How it is told that somebody speaks in a media, before it is listened to; none where everything is listened to:
/// because the caller insists, or the space cannot tell.
#[must_use]
pub fn told_by(space: &Space, speech: Speech) -> Option<&Talk> {
    space.talk.as_ref().filter(|_| !matches!(speech, Speech::On(_)))
}

/// What recordings that are being stored take of a transcriber: some of its turns, so that whoever asks finds the
/// others free, and some of the bytes that media may hold here, so that what waits for hours keeps nobody else out.
pub struct Listening {
    /// SPEECH_BULK of them.
    pub turns: Semaphore,
    /// SPEECH_BULK_BYTES of them.
    pub bytes: Admission,
}

impl Default for Listening {
    fn default() -> Self {
        let bytes = Admission::bytes("bytes of recordings to be listened to (SPEECH_BULK_BYTES)", SPEECH_BULK_BYTES);
        Self { turns: Semaphore::new(SPEECH_BULK), bytes }
    }
}

impl Gateway {
    /// The ear for media of a modality, where a caller wants them to be listened to and this server can.
    ///
    /// # Errors
    /// `SPEECH_NOT_SERVED` where the caller insists and there is none; `FIELD_INVALID` for a language that is not
    /// understood.
    pub fn ear(&self, modality: Modality, speech: Speech) -> Result<Option<&Ear>> {
        if !modality.has_speech() {
            return Ok(None);
        }
        match (speech, self.transcriber()) {
            (Speech::Off, _) | (Speech::Auto(_), None) => Ok(None),
            (Speech::On(_), None) => {
                let message = "this server has no transcriber, so speech is not turned into text";
                Err(Error::new(Reason::SpeechNotServed, "speech.mode", message))
            }
            (_, Some(ear)) => speech.language().map_or(Ok(()), |language| ear.check(language)).map(|()| Some(ear)),
        }
    }

    /// What is said in a media. Its bytes were accounted for when they arrived.
    ///
    /// # Errors
    /// As [`Transcribe::transcribe`].
    pub async fn transcribe(
        &self,
        ear: &Ear,
        request: TranscribeRequest,
        deadline: Deadline,
    ) -> Result<TranscribeReply> {
        let started = Instant::now();
        let result = ear.transcriber.transcribe(request, deadline).await;
        let outcome = result.as_ref().map_or_else(|error| error.reason.name(), |_| "OK");
        metrics::counter!("onespace_transcribe_total", "outcome" => outcome).increment(1);
        metrics::histogram!("onespace_transcribe_seconds").record(started.elapsed().as_secs_f64());
        result
    }
}
