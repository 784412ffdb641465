//! The road from bytes to samples.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use onespace_bundle::preprocess::{self, FrontEnd};
use onespace_core::{Error, Modality, Prepare, Reason, Result, Sample, Span, Tensor, Track};

use crate::{
    AudioDecoder, Pcm,
    decode::decode,
    intake::{Intake, Recording},
    kaldi::KaldiFbank,
    log_mel::LogMel,
    window,
};

/// Frames of decoded sound that are mixed and resampled at once.
const PIECE: usize = 1 << 16;

/// Recordings to samples, as the table `[towers.audio.preprocess]` of a manifest says. Cheap to clone.
#[derive(Clone)]
pub struct AudioPreparer {
    plan: Arc<Plan>,
    fallback: Option<AudioDecoder>,
}

struct Plan {
    spec: preprocess::Audio,
    front: Front,
    /// Samples of a window.
    window: usize,
    /// Samples from window to window.
    hop: usize,
}

enum Front {
    LogMel(LogMel),
    Kaldi(KaldiFbank),
    Waveform,
}

impl AudioPreparer {
    /// Plans transforms, windows and filters once. `fallback` decodes what this crate cannot.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` when a window is shorter than one frame of the front end.
    pub fn new(spec: &preprocess::Audio, fallback: Option<AudioDecoder>) -> Result<Self> {
        let samples = |ms: u32| (u64::from(spec.sample_rate) * u64::from(ms) + 500) / 1000;
        let (window, hop) = (samples(spec.window_ms) as usize, samples(spec.hop_ms) as usize);
        let front = match &spec.front_end {
            FrontEnd::LogMel(mel)
                if mel.n_fft < 2 || mel.n_fft > window || mel.hop_length == 0 || mel.win_length > mel.n_fft =>
            {
                let message = format!("a transform of {} points does not fit a window of {window} samples", mel.n_fft);
                return Err(Error::new(Reason::BundleInvalid, "towers.audio.preprocess.front_end", message));
            }
            FrontEnd::LogMel(mel) => Front::LogMel(LogMel::new(mel, spec.sample_rate)),
            FrontEnd::KaldiFbank(fbank) => Front::Kaldi(KaldiFbank::new(fbank, spec.sample_rate)),
            FrontEnd::Waveform => Front::Waveform,
        };
        Ok(Self { plan: Arc::new(Plan { spec: spec.clone(), front, window, hop }), fallback })
    }

    /// Samples of decoded sound: one for each window, in order.
    ///
    /// # Errors
    /// `MEDIA_EMPTY` without sound, `MEDIA_TOO_LARGE` past a limit, `MEDIA_MALFORMED` for samples that are not
    /// finite or channels of different lengths.
    pub fn samples_of(&self, pcm: &Pcm) -> Result<Vec<Sample>> {
        let frames = pcm.channels.first().map_or(0, Vec::len);
        if pcm.channels.iter().any(|channel| channel.len() != frames) {
            return Err(Error::malformed("bytes", "the channels of the recording differ in length"));
        }
        let mut intake = Intake::new(self.plan.spec.channels, self.plan.spec.sample_rate, None);
        for start in (0..frames).step_by(PIECE) {
            let piece =
                |channel: &'_ Vec<f32>| channel.get(start..frames.min(start + PIECE)).unwrap_or_default().to_vec();
            let pieces: Vec<Vec<f32>> = pcm.channels.iter().map(piece).collect();
            intake.push(pcm.rate, &pieces)?;
        }
        self.plan.samples(&intake.finish()?)
    }
}

impl Plan {
    fn samples(&self, recording: &Recording) -> Result<Vec<Sample>> {
        let total = recording.samples.len();
        let starts = window::starts(total, self.window, self.hop, self.spec.max_windows);
        let alone = starts.len() == 1 && total <= self.window;
        let sample = |start: usize| {
            let sound = recording.samples.get(start..total.min(start + self.window)).unwrap_or_default();
            let span = if alone {
                Span { start_ms: 0, end_ms: recording.duration_ms }
            } else {
                Span { start_ms: self.milliseconds(start), end_ms: self.milliseconds(start + self.window) }
            };
            let tensors = vec![self.features(sound)?];
            Ok(Sample { tower: Modality::Audio, tensors, track: Track::Whole, span: Some(span) })
        };
        starts.into_iter().map(sample).collect()
    }

    /// A window filled up with silence, through the front end. Kaldi's fills up its features itself.
    fn features(&self, sound: &[f32]) -> Result<Tensor> {
        let full = || {
            let mut full = sound.to_vec();
            full.resize(self.window, 0.0);
            full
        };
        match &self.front {
            Front::LogMel(mel) => mel.features(&full()),
            Front::Kaldi(fbank) => fbank.features(sound),
            Front::Waveform => Ok(Tensor::f32([self.window], full())),
        }
    }

    fn milliseconds(&self, samples: usize) -> u64 {
        let rate = u64::from(self.spec.sample_rate);
        (samples as u64 * 1000 + rate / 2) / rate
    }
}

impl Prepare for AudioPreparer {
    fn prepare(&self, bytes: &[u8], _media_type: Option<&str>) -> Result<Vec<Sample>> {
        if bytes.is_empty() {
            return Err(Error::new(Reason::MediaEmpty, "bytes", "the recording has no bytes"));
        }
        let spec = &self.plan.spec;
        match (guarded(|| decode(bytes, spec.channels, spec.sample_rate)), &self.fallback) {
            (Ok(recording), _) => self.plan.samples(&recording),
            (Err(error), Some(fallback)) if error.reason == Reason::MediaUnsupported => {
                self.samples_of(&guarded(|| fallback(bytes))?)
            }
            (Err(error), _) => Err(error),
        }
    }
}

/// A decoder that panics fails its own recording and nothing else.
fn guarded<T>(decode: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        Err(Error::new(Reason::Panicked, "bytes", "the decoder gave up on this recording in an unforeseen way"))
    })
}
