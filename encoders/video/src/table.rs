//! Videos to frames.

use onespace_core::{Result, limits};
use onespace_family::{
    check::{invalid, within},
    written::{is_default, set},
};
use onespace_image::table::{Centre, Image, Patches, Resample, Resize, ResizeFilter};
use serde::{Deserialize, Serialize};

/// The most values of all patches of a video's frames: the 58 that a context of 8,192 tokens has room for, of 1,260
/// patches, take 56 million.
const VIDEO_VALUES: usize = 1 << 26;

/// Videos to frames: emits float32 `[frames, 3, height, width]` for each segment, or what [`layout`](Self::layout),
/// [`flatten`](Self::flatten), [`image_tower`](Self::image_tower) and [`patches`](Self::patches) say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Video {
    /// Frames of a sample; with [`Pick::Rate`], at most.
    pub frames: usize,
    /// The longest stretch that is one sample.
    pub segment_ms: u32,
    /// At most this many segments; those of a longer video are spread evenly over it.
    pub max_segments: usize,
    /// Pixels across; left out with [`Resize::MultipleOf`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub width: u32,
    /// Pixels down; left out with [`Resize::MultipleOf`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub height: u32,
    /// How the aspect ratio is treated.
    pub resize: Resize,
    /// The interpolation.
    pub filter: ResizeFilter,
    /// See [`Image::antialias`].
    #[serde(default = "set")]
    pub antialias: bool,
    /// Subtracted, on the scale 0 to 1.
    pub mean: [f32; 3],
    /// Divided by.
    pub std: [f32; 3],
    /// In which numbers is interpolated.
    #[serde(default, skip_serializing_if = "is_default")]
    pub resample: Resample,
    /// See [`Image::centre`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub centre: Centre,
    /// Which frames of a segment are looked at.
    #[serde(default, skip_serializing_if = "is_default")]
    pub pick: Pick,
    /// With [`Pick::Clips`]: the clips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clips: Option<VideoClips>,
    /// With [`Pick::Rate`]: frames looked at a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// With [`Resize::ShortestEdge`]: 1, the centre is cut out; or 3, as squares along the longer side: its
    /// beginning, its centre and its end (ImageBind). Each is a sample of its own.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub crops: usize,
    /// The order of a sample's axes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub layout: FrameLayout,
    /// With one frame: `[3, height, width]`, without the axis of frames.
    #[serde(default, skip_serializing_if = "is_default")]
    pub flatten: bool,
    /// The graph is that of the image tower: each frame is a sample, float32 `[3, height, width]`, and the video the
    /// mean of its frames (CLIP, SigLIP, PE-Core). The tower names the image tower's files; they are loaded once.
    #[serde(default, skip_serializing_if = "is_default")]
    pub image_tower: bool,
    /// With [`Resize::MultipleOf`]: each frame is emitted in patches, float32 `[frames, max_patches, size · size · 3]`
    /// and int64
    /// `[frames, max_patches, 2]` as [`Patches`] describes them (EmbeddingGemma).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patches: Option<Patches>,
}

/// Which frames of a segment are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// Frame `i` of a segment `[a, b)` is the one shown at `a + (i + ½)(b − a) / frames`.
    #[default]
    Middle,
    /// Of the segment's `N` frames the numbers `trunc(linspace(0, N − 1, frames))`: the first, the last and those
    /// between (LanguageBind, PE). `N` is the frame rate times the segment's length, rounded.
    Linspace,
    /// Of each of the segment's [`VideoClips`].
    Clips,
    /// So many a second: of a segment of `N` frames, `rate` of the video, the numbers `min(trunc(i · rate / wanted), N
    /// − 1)` for `i` below `max(trunc(seconds · wanted), 1)`; where those are more than `frames`, of them the numbers
    /// `trunc(linspace(0, n − 1, frames))` (EmbeddingGemma).
    Rate,
}

/// Clips of a segment, each a sample (ImageBind).
///
/// Clip `i` of `count` starts at `i · max(T − clip, 0) / (count − 1)` seconds and has the frames
/// `ceil(fps · start)` to `ceil(fps · end)`, the last one not included; of those `t` frames the numbers
/// `trunc(linspace(0, t − 1, frames))` are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VideoClips {
    /// How many.
    pub count: usize,
    /// The length of each.
    pub clip_ms: u32,
}

/// The order of a video's axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FrameLayout {
    /// `[frames, 3, height, width]`.
    #[default]
    FramesChannels,
    /// `[3, frames, height, width]` (ImageBind).
    ChannelsFrames,
}

const fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_one(count: &usize) -> bool {
    *count == 1
}

impl Video {
    /// What becomes of one frame.
    #[must_use]
    pub fn frame(&self) -> Image {
        Image {
            antialias: self.antialias,
            mean: self.mean,
            std: self.std,
            resample: self.resample,
            centre: self.centre,
            patches: self.patches,
            ..Image::resized(self.width, self.height, self.resize, self.filter)
        }
    }

    /// Samples that one segment turns into at most.
    #[must_use]
    pub fn samples_per_segment(&self) -> usize {
        let clips = self.clips.map_or(1, |clips| clips.count);
        let frames = if self.image_tower { self.frames } else { 1 };
        clips.saturating_mul(self.crops).saturating_mul(frames)
    }

    /// Checks what can be told without the bundle's files.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, blaming the key.
    pub fn check(&self) -> Result<()> {
        within("frames", self.frames, 1, 256)?;
        within("segment_ms", self.segment_ms as usize, 100, limits::VIDEO_SECONDS * 1000)?;
        within("max_segments", self.max_segments, 1, limits::SAMPLES_PER_MEDIA)?;
        self.frame().check()?;
        self.check_views()?;
        self.check_patches()?;
        let samples = self.max_segments.saturating_mul(self.samples_per_segment());
        if samples > limits::SAMPLES_PER_MEDIA {
            let most = limits::SAMPLES_PER_MEDIA;
            return Err(invalid("max_segments", format!("{samples} samples of one video are more than {most}")));
        }
        Ok(())
    }

    fn check_views(&self) -> Result<()> {
        match (self.pick == Pick::Clips, self.clips) {
            (true, None) => return Err(invalid("clips", "must say which clips pick = \"clips\" means")),
            (false, Some(_)) => return Err(invalid("clips", "are looked at with pick = \"clips\" only")),
            (true, Some(clips)) => {
                within("clips.count", clips.count, 1, limits::SAMPLES_PER_MEDIA)?;
                within("clips.clip_ms", clips.clip_ms as usize, 10, self.segment_ms as usize)?;
            }
            (false, None) => {}
        }
        match (self.pick == Pick::Rate, self.rate) {
            (true, None) => return Err(invalid("rate", "must say how many frames a second pick = \"rate\" means")),
            (false, Some(_)) => return Err(invalid("rate", "is kept with pick = \"rate\" only")),
            (true, Some(rate)) if !(0.001..=1000.0).contains(&rate) => {
                return Err(invalid("rate", format!("{rate} is not between 0.001 and 1000 frames a second")));
            }
            _ => {}
        }
        if !matches!(self.crops, 1 | 3) {
            return Err(invalid("crops", format!("{} is neither 1 nor 3", self.crops)));
        }
        if self.crops == 3 && self.resize != Resize::ShortestEdge {
            return Err(invalid("crops", "nothing is cut unless resize = \"shortest-edge\""));
        }
        if self.flatten && self.frames != 1 {
            return Err(invalid("flatten", format!("{} frames are more than one", self.frames)));
        }
        if self.image_tower && (self.flatten || self.layout != FrameLayout::default()) {
            return Err(invalid("image_tower", "its samples have no axis of frames to lay out"));
        }
        if self.pick == Pick::Rate && self.patches.is_none() {
            return Err(invalid("pick", "only what is emitted in patches can be of any number of frames"));
        }
        Ok(())
    }

    fn check_patches(&self) -> Result<()> {
        let Some(patches) = self.patches else { return Ok(()) };
        if self.image_tower || self.flatten || self.layout != FrameLayout::default() || self.crops != 1 {
            return Err(invalid("patches", "are emitted as they are: no crops, flatten, layout or image_tower"));
        }
        let values = self.frames.saturating_mul(patches.values());
        if values > VIDEO_VALUES {
            return Err(invalid("frames", format!("{values} values of one video are more than {VIDEO_VALUES}")));
        }
        Ok(())
    }
}
