//! Audio to windows to features.

use onespace_core::{Result, limits};
use onespace_family::{
    check::{COUNT_MAX, divisor, invalid, within},
    written::is_default,
};
use serde::{Deserialize, Serialize};

/// Audio to windows to features.
///
/// In this order: channels become one, the rate becomes the tower's, 16-bit rounding, windows or clips, filling up,
/// the front end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audio {
    /// Hertz.
    pub sample_rate: u32,
    /// How channels become one.
    #[serde(default)]
    pub channels: Channels,
    /// The length of a sample; a shorter audio is filled up as [`short`](Self::short) says.
    pub window_ms: u32,
    /// From the start of one window to the next; a last window that would run over the end is moved back.
    pub hop_ms: u32,
    /// At most this many windows, spread evenly over longer audio.
    pub max_windows: usize,
    /// What the graph is fed.
    pub front_end: FrontEnd,
    /// How another sample rate becomes the tower's.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resampler: Resampler,
    /// A fixed number of clips in place of windows that cover the audio.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clips: Option<Clips>,
    /// What becomes of audio shorter than a window.
    #[serde(default, skip_serializing_if = "is_default")]
    pub short: Short,
    /// Whether samples go through 16-bit integers: `trunc(32767 · clamp(x, −1, 1)) / 32767` (CLAP's original code).
    #[serde(default, skip_serializing_if = "is_default")]
    pub quantise_i16: bool,
    /// The order of a spectrogram's axes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub layout: SpectrogramLayout,
    /// Whether the tensor has a leading axis of 1: ImageBind's `[1, 128, 204]`, CLAP's `[1, 1001, 64]`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub channel_axis: bool,
}

/// How channels become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    /// Their mean.
    #[default]
    Mean,
    /// The first, the others are not heard (ImageBind).
    First,
}

/// How another sample rate becomes the tower's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Resampler {
    /// A long windowed sinc: the pass band ends at 95 % of half the lower rate, what is beyond is gone.
    #[default]
    Sinc,
    /// `torchaudio.functional.resample` with its defaults: a sinc of 6 zero crossings a side under a Hann window,
    /// rolloff 0.99.
    Torchaudio,
}

/// A fixed number of clips of `window_ms`, spread over the audio (ImageBind).
///
/// Clip `i` of `count` starts at `i · (T − window) / (count − 1)` seconds; sample indices are truncated. Audio
/// no longer than a window is one clip, which is the mean of `count` equal ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clips {
    /// How many.
    pub count: usize,
    /// How they lie.
    #[serde(default)]
    pub spread: Spread,
    /// A audio longer than this has `ceil(T / window)` clips (at most `max_windows`) in place of `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_window_over_ms: Option<u32>,
}

/// How clips lie in audio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// From its beginning to its end at even distances; one alone lies at the beginning.
    #[default]
    Even,
}

/// What becomes of audio shorter than a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Short {
    /// Silence follows it. (Kaldi's front end fills up its features itself.)
    #[default]
    Pad,
    /// It is repeated `floor(window / length)` times, then silence follows (CLAP's `repeatpad`).
    RepeatPad,
    /// It stays as it is, for graphs that take any length.
    Keep,
}

/// The order of a spectrogram's axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SpectrogramLayout {
    /// `[n_mels, frames]`.
    #[default]
    MelTime,
    /// `[frames, n_mels]` (CLAP).
    TimeMel,
}

/// What an audio graph is fed. `frames` and `n_mels` come in the order of [`SpectrogramLayout`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FrontEnd {
    /// Short-time Fourier transform, mel filters, logarithm: float32 `[n_mels, frames]`.
    LogMel(LogMel),
    /// `torchaudio.compliance.kaldi.fbank`: float32 `[n_mels, frames]`.
    KaldiFbank(KaldiFbank),
    /// The log-mel spectrogram of the Gemma models: float32 `[n_mels, frames]`.
    GemmaMel(GemmaMel),
    /// The samples themselves: float32 `[samples]`.
    Waveform,
}

/// Parameters of a log-mel spectrogram. The window is a periodic Hann window, centred in the transform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogMel {
    /// Points of the transform.
    pub n_fft: usize,
    /// Samples under the window.
    pub win_length: usize,
    /// Samples from frame to frame.
    pub hop_length: usize,
    /// Whether frames are centred on their samples, by reflecting `n_fft / 2` samples at both ends.
    pub center: bool,
    /// Exponent of the magnitude: 1 or 2.
    pub power: f32,
    /// Mel bands.
    pub n_mels: usize,
    /// The mel scale.
    pub mel_scale: MelScale,
    /// How the filters are weighted.
    #[serde(default)]
    pub mel_norm: MelNorm,
    /// Lowest frequency, hertz.
    pub f_min: f64,
    /// Highest frequency, hertz.
    pub f_max: f64,
    /// The logarithm.
    pub log: LogKind,
    /// Smaller energies count as this one.
    pub floor: f32,
    /// Subtracted after the logarithm.
    pub mean: f32,
    /// Divided by, after the mean.
    pub std: f32,
}

/// Which mel scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MelScale {
    /// 2595 · log10(1 + f / 700).
    Htk,
    /// Linear below 1 kHz, logarithmic above (Slaney's Auditory Toolbox).
    Slaney,
}

/// How mel filters are weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MelNorm {
    /// Peak 1.
    #[default]
    None,
    /// Area 1: divided by the width of the band.
    Slaney,
}

/// Which logarithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LogKind {
    /// Natural: `ln(max(x, floor))`.
    Ln,
    /// Decibels: `10 · log10(max(x, floor))`.
    Db,
}

/// Parameters of Kaldi's filter bank; what is not named here is Kaldi's default: frames of 25 ms every 10 ms,
/// pre-emphasis 0.97, the mean of each frame removed, a power spectrum of the next power of two, from 20 Hz to
/// half the sample rate, natural logarithm floored at 1.1920929e-7, no dither.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KaldiFbank {
    /// Mel bands.
    pub n_mels: usize,
    /// Frames of a sample: a shorter one is padded with `pad_value` on the right, a longer one is cut.
    pub frames: usize,
    /// The window over each frame.
    pub window: KaldiWindow,
    /// Whether the mean of the whole window is subtracted first (ImageBind).
    #[serde(default)]
    pub subtract_mean: bool,
    /// What fills up, before normalisation.
    #[serde(default)]
    pub pad_value: f32,
    /// Subtracted.
    pub mean: f32,
    /// Divided by, after the mean.
    pub std: f32,
}

/// Kaldi's windows, symmetric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KaldiWindow {
    /// Hann.
    Hanning,
    /// Hann to the power 0.85.
    Povey,
}

/// Parameters of the Gemma models' log-mel spectrogram: magnitudes under a periodic Hann window that begins the
/// transform, half a window of silence before the audio, HTK's mel scale with filters of peak 1, and
/// `ln(x + floor)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GemmaMel {
    /// Points of the transform.
    pub n_fft: usize,
    /// Samples under the window.
    pub win_length: usize,
    /// Samples from frame to frame.
    pub hop_length: usize,
    /// Mel bands.
    pub n_mels: usize,
    /// Lowest frequency, hertz.
    pub f_min: f64,
    /// Highest frequency, hertz.
    pub f_max: f64,
    /// Added to every magnitude before the logarithm.
    pub floor: f32,
}

impl Audio {
    /// Checks what can be told without the bundle's files.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, blaming the key.
    pub fn check(&self) -> Result<()> {
        within("sample_rate", self.sample_rate as usize, 4_000, 192_000)?;
        within("window_ms", self.window_ms as usize, 10, 600_000)?;
        within("hop_ms", self.hop_ms as usize, 10, 600_000)?;
        within("max_windows", self.max_windows, 1, limits::SAMPLES_PER_MEDIA)?;
        if let Some(clips) = self.clips {
            within("clips.count", clips.count, 1, self.max_windows)?;
        }
        if self.front_end == FrontEnd::Waveform && self.layout != SpectrogramLayout::default() {
            return Err(invalid("layout", "a waveform has one axis"));
        }
        let window = self.sample_rate as usize * self.window_ms as usize / 1000;
        match &self.front_end {
            FrontEnd::LogMel(mel) => mel.check(window),
            FrontEnd::KaldiFbank(fbank) => {
                within("front_end.n_mels", fbank.n_mels, 1, 1024)?;
                within("front_end.frames", fbank.frames, 1, COUNT_MAX)?;
                divisor("front_end.std", &[fbank.std])
            }
            FrontEnd::GemmaMel(mel) => mel.check(window),
            FrontEnd::Waveform => Ok(()),
        }
    }
}

impl LogMel {
    fn check(&self, window: usize) -> Result<()> {
        check_transform(self.n_fft, self.win_length, self.hop_length, window)?;
        check_bands(self.n_mels, self.f_min, self.f_max)?;
        divisor("front_end.std", &[self.std])
    }
}

impl GemmaMel {
    fn check(&self, window: usize) -> Result<()> {
        check_transform(self.n_fft, self.win_length, self.hop_length, window)?;
        check_bands(self.n_mels, self.f_min, self.f_max)?;
        if self.floor > 0.0 && self.floor.is_finite() {
            return Ok(());
        }
        Err(invalid("front_end.floor", format!("{} is not a positive number", self.floor)))
    }
}

fn check_transform(n_fft: usize, win_length: usize, hop_length: usize, window: usize) -> Result<()> {
    within("front_end.n_fft", n_fft, 16, 65_536.min(window))?;
    within("front_end.win_length", win_length, 1, n_fft)?;
    within("front_end.hop_length", hop_length, 1, n_fft)
}

fn check_bands(n_mels: usize, f_min: f64, f_max: f64) -> Result<()> {
    within("front_end.n_mels", n_mels, 1, 1024)?;
    if f_min >= 0.0 && f_min < f_max {
        return Ok(());
    }
    Err(invalid("front_end.f_max", format!("{f_min} to {f_max} hertz is no band")))
}
