//! The road from bytes to samples.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use onespace_bundle::preprocess::{self, FrontEnd, Short, SpectrogramLayout};
use onespace_core::{
    Error, Modality, Patience, Prepare, PrepareRequest, Reason, Result, Sample, Span, Tensor, TensorData, Track,
};

use crate::{
    AudioDecoder, Pcm,
    decode::decode,
    gemma_mel::GemmaMel,
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
    Gemma(GemmaMel),
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
            FrontEnd::LogMel(mel) => {
                check_transform((mel.n_fft, mel.win_length, mel.hop_length), window)?;
                Front::LogMel(LogMel::new(mel, spec.sample_rate))
            }
            FrontEnd::KaldiFbank(fbank) => Front::Kaldi(KaldiFbank::new(fbank, spec.sample_rate)),
            FrontEnd::GemmaMel(mel) => {
                check_transform((mel.n_fft, mel.win_length, mel.hop_length), window)?;
                Front::Gemma(GemmaMel::new(mel, spec.sample_rate))
            }
            FrontEnd::Waveform => Front::Waveform,
        };
        Ok(Self { plan: Arc::new(Plan { spec: spec.clone(), front, window, hop }), fallback })
    }

    /// Samples of decoded sound: one for each window, in order.
    ///
    /// # Errors
    /// `MEDIA_EMPTY` without sound, `MEDIA_TOO_LARGE` past a limit, `MEDIA_MALFORMED` for samples that are not
    /// finite or channels of different lengths; what `patience` says when it is over.
    pub fn samples_of(&self, pcm: &Pcm, patience: &Patience) -> Result<Vec<Sample>> {
        let frames = pcm.channels.first().map_or(0, Vec::len);
        if pcm.channels.iter().any(|channel| channel.len() != frames) {
            return Err(Error::malformed("bytes", "the channels of the recording differ in length"));
        }
        let mut intake = Intake::new(&self.plan.spec, None);
        for start in (0..frames).step_by(PIECE) {
            patience.check("while the sound was resampled")?;
            let piece =
                |channel: &'_ Vec<f32>| channel.get(start..frames.min(start + PIECE)).unwrap_or_default().to_vec();
            let pieces: Vec<Vec<f32>> = pcm.channels.iter().map(piece).collect();
            intake.push(pcm.rate, &pieces)?;
        }
        self.plan.samples(intake.finish()?, patience)
    }
}

fn check_transform((n_fft, win_length, hop_length): (usize, usize, usize), window: usize) -> Result<()> {
    if n_fft >= 2 && n_fft <= window && hop_length > 0 && win_length <= n_fft {
        return Ok(());
    }
    let message = format!("a transform of {n_fft} points does not fit a window of {window} samples");
    Err(Error::new(Reason::BundleInvalid, "towers.audio.preprocess.front_end", message))
}

impl Plan {
    fn samples(&self, recording: Recording, patience: &Patience) -> Result<Vec<Sample>> {
        let Recording { mut samples, duration_ms } = recording;
        if self.spec.quantise_i16 {
            samples.iter_mut().for_each(|sample| *sample = quantised(*sample));
        }
        let total = samples.len();
        let starts = match self.spec.clips {
            Some(clips) => window::clips(clips, total, self.window, self.spec.sample_rate, self.spec.max_windows),
            None => window::starts(total, self.window, self.hop, self.spec.max_windows),
        };
        let alone = starts.len() == 1 && total <= self.window;
        let sample = |start: usize| {
            patience.check("while the sound was analysed")?;
            let sound = samples.get(start..total.min(start + self.window)).unwrap_or_default();
            let span = if alone {
                Span { start_ms: 0, end_ms: duration_ms }
            } else {
                Span { start_ms: self.milliseconds(start), end_ms: self.milliseconds(start + self.window) }
            };
            let tensors = vec![self.tensor(sound)?];
            Ok(Sample { tower: Modality::Audio, tensors, track: Track::Whole, span: Some(span) })
        };
        starts.into_iter().map(sample).collect()
    }

    /// What the graph is fed of one window of sound.
    fn tensor(&self, sound: &[f32]) -> Result<Tensor> {
        let features = self.features(sound)?;
        let mut features = match self.spec.layout {
            SpectrogramLayout::MelTime => features,
            SpectrogramLayout::TimeMel => transposed(features),
        };
        if self.spec.channel_axis {
            features.shape.insert(0, 1);
        }
        Ok(features)
    }

    /// A window filled up as the manifest says, through the front end.
    fn features(&self, sound: &[f32]) -> Result<Tensor> {
        let mut full = sound.to_vec();
        match self.spec.short {
            // Kaldi's front end fills up its features, not the sound.
            Short::Pad if matches!(self.front, Front::Kaldi(_)) => {}
            Short::Pad => full.resize(self.window, 0.0),
            Short::RepeatPad => {
                full = sound.repeat((self.window / sound.len().max(1)).max(1));
                full.resize(self.window, 0.0);
            }
            Short::Keep => full.resize(full.len().max(self.least()), 0.0),
        }
        match &self.front {
            Front::LogMel(mel) => mel.features(&full),
            Front::Kaldi(fbank) => fbank.features(&full),
            Front::Gemma(mel) => mel.features(&full),
            Front::Waveform => Ok(Tensor::f32([full.len()], full)),
        }
    }

    /// The fewest samples that make a frame.
    const fn least(&self) -> usize {
        match &self.spec.front_end {
            FrontEnd::LogMel(mel) => mel.n_fft,
            FrontEnd::GemmaMel(mel) => mel.win_length + 1,
            FrontEnd::KaldiFbank(_) | FrontEnd::Waveform => 1,
        }
    }

    fn milliseconds(&self, samples: usize) -> u64 {
        let rate = u64::from(self.spec.sample_rate);
        (samples as u64 * 1000 + rate / 2) / rate
    }
}

/// Through 16 bits and back, as LAION's CLAP does: `int16(clip(x, -1, 1) · 32767) / 32767`, the fraction cut off.
fn quantised(sample: f32) -> f32 {
    (sample.clamp(-1.0, 1.0) * 32_767.0).trunc() / 32_767.0
}

/// `[a, b]` as `[b, a]`.
fn transposed(tensor: Tensor) -> Tensor {
    match (tensor.shape.as_slice(), &tensor.data) {
        (&[rows, columns], TensorData::F32(values)) => {
            let column = |index: usize| values.iter().skip(index).step_by(columns.max(1)).copied();
            Tensor::f32([columns, rows], (0..columns).flat_map(column).collect())
        }
        _ => tensor,
    }
}

impl Prepare for AudioPreparer {
    fn prepare(&self, request: &PrepareRequest<'_>) -> Result<Vec<Sample>> {
        let PrepareRequest { bytes, patience, .. } = request;
        if bytes.is_empty() {
            return Err(Error::new(Reason::MediaEmpty, "bytes", "the recording has no bytes"));
        }
        let spec = &self.plan.spec;
        match (guarded(|| decode(bytes, spec, patience)), &self.fallback) {
            (Ok(recording), _) => self.plan.samples(recording, patience),
            (Err(error), Some(fallback)) if error.reason == Reason::MediaUnsupported => {
                self.samples_of(&guarded(|| fallback(bytes, patience))?, patience)
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
