//! The visual samples of a video.

use crate::table::{FrameLayout, Pick, Video};
use onespace_core::{Modality, Patience, Result, Sample, SampleBudget, SampleUse, Tensor, Track};
use onespace_image::{ImagePreparer, Pixels};

use crate::{
    convert::Converter,
    file::VideoFile,
    frames::Frames,
    plan::{Clip, Segment, clips, moments},
    timeline::Timeline,
};

/// Frames to samples as a manifest's `[towers.video.preprocess]` says.
#[derive(Clone)]
pub struct VisualPreparer {
    /// The manifest's table.
    pub spec: Video,
    images: ImagePreparer,
}

/// Segments and the frames that are picked in them.
#[derive(Clone, Debug)]
pub struct VisualPlan {
    /// The segments, in order.
    pub segments: Vec<Segment>,
    clips: Vec<Clip>,
}

impl VisualPreparer {
    /// A preparer for `spec`, which the manifest has checked.
    pub fn new(spec: &Video) -> Self {
        Self { spec: spec.clone(), images: ImagePreparer::new(&spec.frame()) }
    }

    /// How long the video is, and, where frames are chosen by number, when each is shown.
    pub fn measure(&self, file: &VideoFile<'_>) -> (f64, Option<Timeline>) {
        if self.spec.pick == Pick::Middle {
            return (file.seconds(), None);
        }
        let timeline = Timeline::new(file);
        (timeline.seconds(), Some(timeline))
    }

    /// Picks the frames of each segment.
    pub fn plan(&self, segments: Vec<Segment>, timeline: Option<&Timeline>) -> VisualPlan {
        let clips = clips(&self.spec, &segments, timeline);
        VisualPlan { segments, clips }
    }

    /// What the samples of a plan take, before any frame is decoded.
    pub fn cost(&self, plan: &VisualPlan) -> SampleBudget {
        let frames = plan.clips.iter().map(|clip| clip.moments.len()).sum::<usize>() * self.spec.crops;
        let (pixels, places) = self.frame_values();
        let samples = if self.spec.image_tower { frames } else { plan.clips.len() * self.spec.crops };
        SampleBudget { samples, values: frames * (pixels + places) }
    }

    /// The samples of a plan: for each segment, each of its clips in each of its crops.
    pub fn samples(
        &self,
        file: &VideoFile<'_>,
        plan: &VisualPlan,
        used_for: SampleUse,
        patience: &Patience,
    ) -> Result<Vec<Sample>> {
        let views = self.spec.crops;
        let owners = plan.clips.iter().flat_map(|clip| std::iter::repeat_n(clip, views));
        let mut filled: Vec<ClipFrames> = owners.clone().map(|clip| self.empty(clip.moments.len())).collect();

        let mut frames = Frames::new(file, patience)?;
        let mut converter = Converter::new(&file.stream);
        let (mut last, mut values) = (None, Vec::new());
        for moment in moments(&plan.clips) {
            let shown = frames.at(moment.seconds)?;
            // A still that lasts is converted once.
            if last.replace(shown.number) != Some(shown.number) {
                values = self.views(&converter.pixels(&shown.frame)?, patience)?;
            }
            let clip = filled.iter_mut().skip(moment.clip * views);
            for (clip, (pixels, places)) in clip.zip(&values) {
                put(&mut clip.pixels, moment.frame, pixels);
                put(&mut clip.places, moment.frame, places);
            }
        }
        let samples = |(clip, filled): (&Clip, ClipFrames)| {
            let segment = plan.segments.get(clip.segment).copied();
            segment.map_or_else(Vec::new, |segment| self.clip_samples(segment, filled, used_for))
        };
        Ok(owners.zip(filled).flat_map(samples).collect())
    }

    /// Values of a frame: of its pixels, and of the places of its patches.
    fn frame_values(&self) -> (usize, usize) {
        let plane = self.spec.height as usize * self.spec.width as usize;
        self.spec.patches.map_or((3 * plane, 0), |patches| (patches.values(), 2 * patches.max_patches))
    }

    /// Room for so many frames.
    fn empty(&self, frames: usize) -> ClipFrames {
        let (pixels, places) = self.frame_values();
        ClipFrames { frames, pixels: vec![0.0; frames * pixels], places: vec![0; frames * places] }
    }

    /// One frame, in each of the crops: its pixels, and the places of its patches.
    fn views(&self, pixels: &Pixels, patience: &Patience) -> Result<Vec<(Vec<f32>, Vec<i64>)>> {
        let (rgb, size) = (pixels.rgb(), (pixels.width(), pixels.height()));
        if let Some(patches) = self.spec.patches {
            return Ok(vec![self.images.patches_of(patches, rgb, size, patience)?]);
        }
        let whole = |values| (values, Vec::new());
        match self.spec.crops {
            1 => Ok(vec![whole(self.images.tensor_of(rgb, size, patience)?)]),
            crops => (0..crops).map(|crop| self.images.view_of(rgb, size, crop, patience).map(whole)).collect(),
        }
    }

    /// The sample of `[frames, 3, height, width]`, or of patches and places, or the samples of its frames.
    fn clip_samples(&self, segment: Segment, clip: ClipFrames, used_for: SampleUse) -> Vec<Sample> {
        let ClipFrames { frames, pixels: tensor, places } = clip;
        let (height, width) = (self.spec.height as usize, self.spec.width as usize);
        let plane = height * width;
        let of = |tensors: Vec<Tensor>| Sample {
            tower: Modality::Video,
            tensors,
            track: Track::Visual,
            span: Some(segment.span()),
            used_for,
        };
        let sample = |shape: &[usize], values: Vec<f32>| of(vec![Tensor::f32(shape, values)]);
        if let Some(patches) = self.spec.patches {
            let count = patches.max_patches;
            let pixels = Tensor::f32([frames, count, patches.length()], tensor);
            return vec![of(vec![pixels, Tensor::i64([frames, count, 2], places)])];
        }
        if self.spec.image_tower {
            let frame = |values: &[f32]| sample(&[3, height, width], values.to_vec());
            return tensor.chunks_exact(3 * plane).map(frame).collect();
        }
        vec![match (self.spec.flatten, self.spec.layout) {
            (true, _) => sample(&[3, height, width], tensor),
            (false, FrameLayout::FramesChannels) => sample(&[frames, 3, height, width], tensor),
            (false, FrameLayout::ChannelsFrames) => {
                let channel = |channel| tensor.chunks_exact(plane).skip(channel).step_by(3).flatten().copied();
                sample(&[3, frames, height, width], (0..3).flat_map(channel).collect())
            }
        }]
    }
}

/// The frames of one clip in one crop, as they will be fed.
struct ClipFrames {
    frames: usize,
    pixels: Vec<f32>,
    /// Where each patch lies; empty without patches.
    places: Vec<i64>,
}

/// Writes one of equal parts; what does not fit, of which there is none, is left out.
fn put<T: Copy>(whole: &mut [T], at: usize, part: &[T]) {
    let slot = whole.chunks_exact_mut(part.len().max(1)).nth(at);
    if let Some(slot) = slot.filter(|slot| slot.len() == part.len()) {
        slot.copy_from_slice(part);
    }
}
