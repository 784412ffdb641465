//! From bytes to samples.

use std::sync::Arc;

use onespace_core::{
    Error, Modality, Patience, Prepare, PrepareRequest, Prepared, Reason, Result, Sample, SampleBudget, SampleUse,
    Segments, Span, Tensor, TensorData, Track, limits::SAMPLES_PER_MEDIA,
};

use crate::{
    gemma_mel::GemmaMel,
    intake::{MonoAudio, Target},
    kaldi::KaldiFbank,
    log_mel::LogMel,
    mono,
    pcm::of_pcm,
    recording::{AudioDecoder, Pcm},
    table::{Audio, FrontEnd, Short, SpectrogramLayout},
    window,
};

/// Audio to samples, as the table `[towers.audio.preprocess]` of a manifest says. Cheap to clone.
#[derive(Clone)]
pub struct AudioPreparer {
    plan: Arc<Plan>,
    fallback: Option<AudioDecoder>,
}

struct Plan {
    spec: Audio,
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
    pub fn new(spec: &Audio, fallback: Option<AudioDecoder>) -> Result<Self> {
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

    /// Samples of decoded audio: one for each window of the tower's, in order, then those of the segments of the
    /// caller's choice. `others` is what the media has become beside them.
    ///
    /// # Errors
    /// `MEDIA_EMPTY` without audio, `MEDIA_TOO_LARGE` past a limit, `MEDIA_MALFORMED` for samples that are not
    /// finite or channels of different lengths; `FIELD_INVALID` for segments that are too many; what `patience` says
    /// when it is over.
    pub fn samples_of(
        &self,
        stretches: &[Pcm],
        segments: Segments,
        others: SampleBudget,
        patience: &Patience,
    ) -> Result<Vec<Sample>> {
        let audio = of_pcm(stretches, Target::of(&self.plan.spec), patience)?;
        self.plan.samples(audio, segments, others, patience)
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
    fn samples(
        &self,
        audio: MonoAudio,
        segments: Segments,
        others: SampleBudget,
        patience: &Patience,
    ) -> Result<Vec<Sample>> {
        let MonoAudio { mut samples, duration_ms } = audio;
        let duration = usize::try_from(duration_ms).unwrap_or(usize::MAX);
        let window = segments.time();
        let chosen =
            window.map_or_else(|| Ok(Vec::new()), |window| window.segments(duration, SAMPLES_PER_MEDIA, "ms"))?;
        if self.spec.quantise_i16 {
            samples.iter_mut().for_each(|sample| *sample = quantised(*sample));
        }
        let mut all = self.whole(&samples, duration_ms, patience)?;
        let Some(window) = window else { return Ok(all) };
        all.iter_mut().for_each(|sample| sample.used_for = SampleUse::Whole);
        // One segment is the whole, and is not listed.
        if chosen.len() < 2 {
            return Ok(all);
        }
        let stretches: Vec<Stretch<'_>> =
            chosen.into_iter().map(|segment| self.stretch(&samples, segment, duration)).collect();
        let count = stretches.iter().map(|stretch| self.starts(stretch.audio.len()).len()).sum();
        let largest = all.iter().map(Sample::cost).max().unwrap_or(0);
        let wanted = SampleBudget { samples: count, values: largest.saturating_mul(count) };
        others.with(SampleBudget::of_samples(&all)).check(window, duration, stretches.len(), wanted)?;
        for stretch in stretches {
            all.extend(self.segment(&stretch, patience)?);
        }
        Ok(all)
    }

    /// The tower's own windows over all of it.
    fn whole(&self, audio: &[f32], duration_ms: u64, patience: &Patience) -> Result<Vec<Sample>> {
        let starts = self.starts(audio.len());
        let alone = starts.len() == 1 && audio.len() <= self.window;
        let sample = |start: usize| {
            let span = if alone {
                Span { start_ms: 0, end_ms: duration_ms }
            } else {
                Span { start_ms: self.milliseconds(start), end_ms: self.milliseconds(start + self.window) }
            };
            self.sample(audio, start, span, SampleUse::Both, patience)
        };
        starts.into_iter().map(sample).collect()
    }

    /// The tower's own windows within a segment of the caller's choice.
    fn segment(&self, Stretch { audio, span }: &Stretch<'_>, patience: &Patience) -> Result<Vec<Sample>> {
        let starts = self.starts(audio.len()).into_iter();
        starts.map(|start| self.sample(audio, start, *span, SampleUse::Segment, patience)).collect()
    }

    fn sample(
        &self,
        audio: &[f32],
        start: usize,
        span: Span,
        used_for: SampleUse,
        patience: &Patience,
    ) -> Result<Sample> {
        patience.check("while the audio was analysed")?;
        let window = audio.get(start..audio.len().min(start + self.window)).unwrap_or_default();
        let tensors = vec![self.tensor(window)?];
        Ok(Sample { tower: Modality::Audio, tensors, track: Track::Whole, span: Some(span), used_for })
    }

    /// Where the tower's windows lie in so many samples of audio.
    fn starts(&self, total: usize) -> Vec<usize> {
        match self.spec.clips {
            Some(clips) => window::clips(clips, total, self.window, self.spec.sample_rate, self.spec.max_windows),
            None => window::starts(total, self.window, self.hop, self.spec.max_windows),
        }
    }

    /// What is played from `start` to `end`, milliseconds; the last segment ends with the audio. It is never empty.
    fn stretch<'s>(&self, audio: &'s [f32], (start, end): (usize, usize), duration: usize) -> Stretch<'s> {
        let position = |ms: usize| (ms as u64 * u64::from(self.spec.sample_rate) + 500) / 1000;
        let from = clamped(position(start), audio.len().saturating_sub(1));
        let to = if end == duration { audio.len() } else { clamped(position(end), audio.len()) };
        let span = Span { start_ms: start as u64, end_ms: end as u64 };
        Stretch { audio: audio.get(from..to.max(from + 1)).unwrap_or_default(), span }
    }

    /// What the graph is fed of one window of audio.
    fn tensor(&self, audio: &[f32]) -> Result<Tensor> {
        let features = self.features(audio)?;
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
    fn features(&self, audio: &[f32]) -> Result<Tensor> {
        let mut full = audio.to_vec();
        match self.spec.short {
            // Kaldi's front end fills up its features, not the audio.
            Short::Pad if matches!(self.front, Front::Kaldi(_)) => {}
            Short::Pad => full.resize(self.window, 0.0),
            Short::RepeatPad => {
                full = audio.repeat((self.window / audio.len().max(1)).max(1));
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

/// A segment of the caller's choice.
struct Stretch<'s> {
    audio: &'s [f32],
    span: Span,
}

fn clamped(position: u64, most: usize) -> usize {
    usize::try_from(position).map_or(most, |position| position.min(most))
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
    fn modality(&self) -> Modality {
        Modality::Audio
    }

    /// Symphonia is safe Rust throughout; what it does not decode goes to FFmpeg, where that is linked.
    fn is_native(&self) -> bool {
        self.fallback.is_some()
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        let PrepareRequest { bytes, segments, patience, .. } = request;
        let target = Target::of(&self.plan.spec);
        let (audio, note) = mono::decoded(bytes, target, self.fallback.as_ref(), patience)?;
        let samples = self.plan.samples(audio, *segments, SampleBudget::default(), patience)?;
        Ok(Prepared { samples, notes: note.into_iter().collect() })
    }
}
