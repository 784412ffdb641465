//! Preprocessing as data: how bytes become the tensors of each modality.

use std::collections::BTreeMap;

use onespace_core::Result;
use serde::{Deserialize, Serialize};

use crate::manifest::{FileEntry, invalid};

/// Text to token ids: emits `input_ids` int64 `[T]` and, if the graph takes two inputs, `attention_mask` int64
/// `[T]`, padded on the right to a bucket of at most `context` tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// A `tokenizer.json` of the `tokenizers` library, a path within the bundle.
    pub tokenizer: String,
    /// The most tokens of a sample, special ones included.
    pub context: usize,
    /// The id that fills up.
    #[serde(default)]
    pub pad_id: i64,
    /// What becomes of a text longer than the context.
    #[serde(default)]
    pub overflow: Overflow,
}

/// What becomes of a text longer than the context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overflow {
    /// The rest is dropped, as most published models do.
    #[default]
    Truncate,
    /// Consecutive windows, each a sample; the whole is their mean.
    Windows,
}

/// Pictures to floats: emits float32 `[3, height, width]`, `(x / 255 − mean) / std`, channels red, green, blue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// How the aspect ratio is treated.
    pub resize: Resize,
    /// The interpolation.
    pub filter: ResizeFilter,
    /// Whether the filter widens when it shrinks (Pillow, torchvision with antialias) or not (plain torch).
    #[serde(default = "yes")]
    pub antialias: bool,
    /// What shows through transparent pixels, 0 to 255.
    #[serde(default = "white")]
    pub background: [u8; 3],
    /// Subtracted, on the scale 0 to 1.
    pub mean: [f32; 3],
    /// Divided by.
    pub std: [f32; 3],
}

/// How a picture's aspect ratio is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// The shorter edge is brought to size, the rest cut off around the centre.
    ShortestEdge,
    /// Both edges are brought to size, whatever the aspect ratio was.
    Squash,
    /// The longer edge is brought to size, the rest filled with the background.
    Letterbox,
}

/// The interpolation of a resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResizeFilter {
    /// Triangle.
    Bilinear,
    /// Cubic convolution with a = −0.5 (Pillow).
    Bicubic,
}

/// Recordings to windows to features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audio {
    /// Hertz.
    pub sample_rate: u32,
    /// How channels become one.
    #[serde(default)]
    pub channels: Channels,
    /// The length of a sample; a shorter recording is padded with silence on the right.
    pub window_ms: u32,
    /// From the start of one window to the next; a last window that would run over the end is moved back.
    pub hop_ms: u32,
    /// At most this many windows, spread evenly over a longer recording.
    pub max_windows: usize,
    /// What the graph is fed.
    pub front_end: FrontEnd,
}

/// How channels become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    /// Their mean.
    #[default]
    Mean,
    /// The first, the others are not heard (ImageBind).
    First,
}

/// What an audio graph is fed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FrontEnd {
    /// Short-time Fourier transform, mel filters, logarithm: float32 `[n_mels, frames]`.
    LogMel(LogMel),
    /// `torchaudio.compliance.kaldi.fbank`: float32 `[n_mels, frames]`.
    KaldiFbank(KaldiFbank),
    /// The samples themselves: float32 `[samples]`.
    Waveform,
}

/// Parameters of a log-mel spectrogram. The window is a periodic Hann window, centred in the transform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MelScale {
    /// 2595 · log10(1 + f / 700).
    Htk,
    /// Linear below 1 kHz, logarithmic above (Slaney's Auditory Toolbox).
    Slaney,
}

/// How mel filters are weighted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MelNorm {
    /// Peak 1.
    #[default]
    None,
    /// Area 1: divided by the width of the band.
    Slaney,
}

/// Which logarithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KaldiWindow {
    /// Hann.
    Hanning,
    /// Hann to the power 0.85.
    Povey,
}

/// Films to frames: emits float32 `[frames, 3, height, width]` for each segment. Frame `i` of a segment `[a, b)`
/// is the one shown at `a + (i + ½)(b − a) / frames`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Video {
    /// Frames of a sample.
    pub frames: usize,
    /// The longest stretch that is one sample.
    pub segment_ms: u32,
    /// At most this many samples; segments of a longer film are spread evenly over it.
    pub max_segments: usize,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// How the aspect ratio is treated.
    pub resize: Resize,
    /// The interpolation.
    pub filter: ResizeFilter,
    /// See [`Image::antialias`].
    #[serde(default = "yes")]
    pub antialias: bool,
    /// Subtracted, on the scale 0 to 1.
    pub mean: [f32; 3],
    /// Divided by.
    pub std: [f32; 3],
}

impl Video {
    /// What becomes of one frame.
    #[must_use]
    pub fn frame(&self) -> Image {
        Image {
            width: self.width,
            height: self.height,
            resize: self.resize,
            filter: self.filter,
            antialias: self.antialias,
            background: white(),
            mean: self.mean,
            std: self.std,
        }
    }
}

/// Point clouds to floats: emits float32 `[points, 6]` (x, y, z, red, green, blue; colours 0 to 1) or `[points, 3]`;
/// with grouping, float32 `[centres, neighbours, 6]` (coordinates relative to the centre) and `[centres, 3]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PointCloud {
    /// Points of a sample; a smaller cloud repeats its points in order.
    pub points: usize,
    /// How size and place are removed.
    #[serde(default)]
    pub normalise: Normalise,
    /// How many points become few.
    #[serde(default)]
    pub subsample: Subsample,
    /// A larger cloud is first thinned to this many points by even strides.
    pub presample: usize,
    /// The colour of points that have none, 0 to 1.
    #[serde(default = "grey")]
    pub colour_default: f32,
    /// Which axis points up in what the graph expects; said for people, nothing is turned.
    #[serde(default = "z")]
    pub up: String,
    /// What a point consists of.
    #[serde(default)]
    pub layout: Layout,
    /// Neighbourhoods, for graphs that take them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grouping: Option<Grouping>,
}

/// How size and place of a cloud are removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalise {
    /// The centroid goes to the origin, the farthest point to distance 1.
    #[default]
    UnitSphere,
    /// Coordinates stay.
    None,
}

/// How many points become few.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subsample {
    /// Farthest-point sampling from the point farthest from the centroid: independent of the order of points.
    #[default]
    Fps,
    /// Even strides through the file.
    Stride,
}

/// What a point consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Coordinates and colour.
    #[default]
    Xyzrgb,
    /// Coordinates.
    Xyz,
}

/// Neighbourhoods of a cloud: farthest-point centres and their nearest neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grouping {
    /// How many neighbourhoods.
    pub centres: usize,
    /// Points of each, the centre included.
    pub neighbours: usize,
}

const fn yes() -> bool {
    true
}

const fn white() -> [u8; 3] {
    [255; 3]
}

const fn grey() -> f32 {
    0.4
}

fn z() -> String {
    "z".to_owned()
}

/// The largest tensor side or count that a manifest may ask for: a wrong zero must not exhaust the memory.
const COUNT_MAX: usize = 1 << 20;

fn within(field: &str, value: usize, least: usize, most: usize) -> Result<()> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(invalid(field, format!("{value} is not between {least} and {most}")))
    }
}

fn divisor(field: &str, values: &[f32]) -> Result<()> {
    if values.iter().all(|value| value.is_finite() && *value != 0.0) {
        return Ok(());
    }
    Err(invalid(field, format!("{values:?} must be finite and not zero")))
}

impl Text {
    pub(crate) fn check(&self, files: &BTreeMap<String, FileEntry>) -> Result<()> {
        within("context", self.context, 1, 65_536)?;
        if files.contains_key(&self.tokenizer) {
            return Ok(());
        }
        Err(invalid("tokenizer", format!("\"{}\" is not listed in [files]", self.tokenizer)))
    }
}

impl Image {
    pub(crate) fn check(&self) -> Result<()> {
        within("width", self.width as usize, 1, 4096)?;
        within("height", self.height as usize, 1, 4096)?;
        divisor("std", &self.std)
    }
}

impl Audio {
    pub(crate) fn check(&self) -> Result<()> {
        within("sample_rate", self.sample_rate as usize, 4_000, 192_000)?;
        within("window_ms", self.window_ms as usize, 10, 600_000)?;
        within("hop_ms", self.hop_ms as usize, 10, 600_000)?;
        within("max_windows", self.max_windows, 1, onespace_core::limits::SAMPLES_PER_MEDIA)?;
        let window = self.sample_rate as usize * self.window_ms as usize / 1000;
        match &self.front_end {
            FrontEnd::LogMel(mel) => mel.check(window),
            FrontEnd::KaldiFbank(fbank) => {
                within("front_end.n_mels", fbank.n_mels, 1, 1024)?;
                within("front_end.frames", fbank.frames, 1, COUNT_MAX)?;
                divisor("front_end.std", &[fbank.std])
            }
            FrontEnd::Waveform => Ok(()),
        }
    }
}

impl LogMel {
    fn check(&self, window: usize) -> Result<()> {
        within("front_end.n_fft", self.n_fft, 16, 65_536.min(window))?;
        within("front_end.win_length", self.win_length, 1, self.n_fft)?;
        within("front_end.hop_length", self.hop_length, 1, self.n_fft)?;
        within("front_end.n_mels", self.n_mels, 1, 1024)?;
        if !(self.f_min >= 0.0 && self.f_min < self.f_max) {
            return Err(invalid("front_end.f_max", format!("{} to {} hertz is no band", self.f_min, self.f_max)));
        }
        divisor("front_end.std", &[self.std])
    }
}

impl Video {
    pub(crate) fn check(&self) -> Result<()> {
        within("frames", self.frames, 1, 256)?;
        within("segment_ms", self.segment_ms as usize, 100, 3_600_000)?;
        within("max_segments", self.max_segments, 1, onespace_core::limits::SAMPLES_PER_MEDIA)?;
        self.frame().check()
    }
}

impl PointCloud {
    pub(crate) fn check(&self) -> Result<()> {
        within("points", self.points, 1, COUNT_MAX)?;
        within("presample", self.presample, self.points, COUNT_MAX)?;
        let Some(grouping) = self.grouping else { return Ok(()) };
        within("grouping.centres", grouping.centres, 1, self.points)?;
        within("grouping.neighbours", grouping.neighbours, 1, self.points)
    }
}
