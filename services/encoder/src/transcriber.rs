//! A transcriber in this process.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use async_trait::async_trait;
use onespace_bundle::{Sound, listeners};
use onespace_core::{
    Deadline, Error, Modality, Patience, Prepare, PrepareRequest, Reason, Remark, RemarkKind, Result, Span, Timings,
    Transcribe, TranscribeReply, TranscribeRequest, TranscriberInfo, Turn, limits,
};
use onespace_kit::admission::{Admission, Admitted};
use onespace_runtime::{Runtime, Transcriber};
use onespace_speech::RATE;
use tokio::task;

use crate::{
    decoders::Decoders,
    figures::record,
    pool::{Pool, PoolOutput, Weight, micros},
};

/// What this is called in metrics and errors.
const SPEECH: &str = "speech";

/// Speech to text. Its graphs use every core already, so recordings take turns at them, window by window. It has a
/// queue of its own, so that a meeting of half an hour keeps no photograph waiting.
pub struct LocalTranscriber {
    info: TranscriberInfo,
    transcriber: Transcriber,
    listeners: BTreeMap<Modality, Arc<dyn Prepare>>,
    pool: Pool,
    waiting: Admission,
    bytes: Admission,
}

impl fmt::Debug for LocalTranscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalTranscriber").field("info", &self.info).finish_non_exhaustive()
    }
}

/// A recording's place in the queue, and room for its bytes.
#[derive(Debug)]
pub struct Seat {
    place: Admitted,
    bytes: Admitted,
}

impl LocalTranscriber {
    /// Loads the transcriber of a directory; recordings are decoded where `decoders` says.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the directory, file or key at fault.
    pub async fn load(runtime: &Runtime, directory: &Path, decoders: &Decoders) -> Result<Self> {
        let (runtime, directory): (Runtime, PathBuf) = (runtime.clone(), directory.to_owned());
        let decoders = decoders.clone();
        let load = move || -> Result<_> {
            let mut listeners = listeners();
            decoders.confine(&mut listeners);
            Ok((Transcriber::open(&runtime, &directory)?, listeners))
        };
        let (transcriber, listeners) =
            task::spawn_blocking(load).await.map_err(|_| Error::internal("loading the transcriber panicked"))??;
        Ok(Self {
            info: transcriber.info().clone(),
            transcriber,
            listeners,
            pool: Pool::new(SPEECH, limits::SPEECH_AT_ONCE).patient("SPEECH_WAIT_MS", limits::SPEECH_WAIT_MS),
            waiting: Admission::requests("recordings to be transcribed (SPEECH_QUEUE)", limits::SPEECH_QUEUE),
            bytes: Admission::bytes("bytes of media (MEDIA_IN_FLIGHT_BYTES)", limits::MEDIA_IN_FLIGHT_BYTES),
        })
    }

    /// What it is.
    #[must_use]
    pub const fn info(&self) -> &TranscriberInfo {
        &self.info
    }

    /// A place in the queue and room for the bytes of one recording, which is waited for a bounded time: before the
    /// first of them is sent.
    ///
    /// # Errors
    /// `FIELD_INVALID` for media in which nobody speaks; `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`; `QUEUE_FULL`.
    pub async fn admit(&self, modality: Modality, bytes: usize) -> Result<Seat> {
        check(modality, bytes)?;
        let place = self.waiting.enter()?;
        Ok(Seat { place, bytes: self.bytes.wait_bytes(bytes).await? })
    }

    /// As [`Transcribe::transcribe`], for a recording that has been admitted.
    ///
    /// # Errors
    /// As [`Transcribe::transcribe`].
    pub async fn transcribe_admitted(
        &self,
        request: TranscribeRequest,
        deadline: Deadline,
        seat: Seat,
    ) -> Result<TranscribeReply> {
        let arrived = Instant::now();
        let TranscribeRequest { modality, bytes: file, language, first_ms } = request;
        check(modality, file.len())?;
        let Seat { place, bytes } = seat;
        let (transcriber, room) = (self.transcriber.clone(), self.bytes.clone());
        let listener = self.listeners.get(&modality).cloned();
        let listener = listener.ok_or_else(|| Error::internal(format!("nothing listens to a media of {modality}")))?;
        let work = move |patience: &Patience| {
            let began = Instant::now();
            let mut sound = Sound::of(listener.prepare(&PrepareRequest::of(&file).within(patience))?)?;
            // Only the sound is needed from here on. It is counted in its turn, as the samples of other media are.
            drop((file, bytes));
            shorten(&mut sound, first_ms);
            let _sound = room.enter_bytes(size_of_val(sound.samples.as_slice()))?;
            let decoded = began.elapsed();
            let mut transcript = transcriber.transcribe(&sound.samples, language, patience)?;
            if sound.cut && !transcript.no_speech() {
                let end_ms = sound.samples.len() as u64 * 1000 / u64::from(RATE);
                transcript.remarks.push(Remark { kind: RemarkKind::Cut, span: Span { start_ms: end_ms, end_ms } });
            }
            Ok((transcript, decoded))
        };
        let PoolOutput { value: (transcript, decoded), waited, took } =
            self.pool.run((Turn::Asks, deadline), Arc::new(place), Weight::Heavy, work).await?;
        let timings = Timings {
            queue_us: micros(waited),
            prepare_us: micros(decoded),
            inference_us: micros(took.saturating_sub(decoded)),
            store_us: 0,
            total_us: micros(arrived.elapsed()),
        };
        record(SPEECH, &timings);
        Ok(TranscribeReply { transcript, fingerprint: self.info.fingerprint, timings })
    }
}

fn check(modality: Modality, bytes: usize) -> Result<()> {
    if !modality.has_speech() {
        return Err(Error::new(Reason::FieldInvalid, "modality", format!("nobody speaks in a media of {modality}")));
    }
    modality.check_bytes("bytes", bytes)
}

/// Leaves out what nobody asks for.
fn shorten(sound: &mut Sound, first_ms: Option<u64>) {
    let Some(first_ms) = first_ms else { return };
    let wanted = usize::try_from(first_ms * u64::from(RATE) / 1000).unwrap_or(usize::MAX);
    sound.cut |= sound.samples.len() > wanted;
    sound.samples.truncate(wanted);
}

#[async_trait]
impl Transcribe for LocalTranscriber {
    async fn transcribe(&self, request: TranscribeRequest, deadline: Deadline) -> Result<TranscribeReply> {
        let seat = self.admit(request.modality, request.bytes.len()).await?;
        self.transcribe_admitted(request, deadline, seat).await
    }

    async fn describe(&self) -> Result<TranscriberInfo> {
        Ok(self.info.clone())
    }
}
