//! The road from bytes to samples.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use onespace_audio::AudioPreparer;
use onespace_bundle::preprocess::{FrameLayout, Pick, Video};
use onespace_core::{Error, Modality, Prepare, Reason, Result, Sample, Tensor, Track, limits};
use onespace_image::{ImagePreparer, Picture};

use crate::{
    convert::Converter,
    error::{check_bytes, deadline},
    ffi::Source,
    frames::Frames,
    open::{FILMS, Pictures, open, pictures, scan_seconds},
    plan::{Clip, Segment, clips, moments, segments},
    sound,
    timeline::Timeline,
};

/// Films to samples as a manifest's `[towers.video.preprocess]` says.
#[derive(Clone)]
pub struct VideoPreparer {
    spec: Video,
    images: ImagePreparer,
    audio: Option<AudioPreparer>,
}

impl VideoPreparer {
    /// A preparer for `spec`, which the manifest has checked; with `audio`, the sound track becomes samples too.
    #[must_use]
    pub fn new(spec: &Video, audio: Option<AudioPreparer>) -> Self {
        Self { spec: spec.clone(), images: ImagePreparer::new(&spec.frame()), audio }
    }

    fn prepare_unguarded(&self, bytes: &[u8]) -> Result<Vec<Sample>> {
        let deadline = deadline();
        let mut samples = self.look(&mut open(bytes, FILMS, deadline)?, deadline)?;
        if let Some(audio) = &self.audio {
            samples.extend(self.hear(bytes, audio, deadline));
        }
        Ok(samples)
    }

    /// The visual samples: for each segment, each of its clips in each of its crops.
    fn look(&self, source: &mut Source<'_>, deadline: Instant) -> Result<Vec<Sample>> {
        let pictures = pictures(source)?;
        let (seconds, timeline) = self.measure(source, &pictures, deadline)?;
        let segments = segments(&self.spec, seconds)?;
        let clips = clips(&self.spec, &segments, timeline.as_ref());
        let views = self.spec.crops;
        let owners = clips.iter().flat_map(|clip| std::iter::repeat_n(clip, views));
        let mut seen: Vec<Seen> = owners.clone().map(|clip| self.unseen(clip.moments.len())).collect();

        let mut frames = Frames::new(source, pictures, deadline)?;
        let mut converter = Converter::default();
        let (mut last, mut values) = (None, Vec::new());
        for moment in moments(&clips) {
            let shown = frames.at(moment.seconds)?;
            // A still that lasts is converted once.
            if last.replace(shown.number) != Some(shown.number) {
                values = self.views(&converter.picture(&shown.frame, pictures.orientation)?)?;
            }
            let clip = seen.iter_mut().skip(moment.clip * views);
            for (seen, (pixels, places)) in clip.zip(&values) {
                put(&mut seen.pixels, moment.frame, pixels);
                put(&mut seen.places, moment.frame, places);
            }
        }
        let samples = |(clip, seen): (&Clip, Seen)| {
            let segment = segments.get(clip.segment).copied();
            segment.map_or_else(Vec::new, |segment| self.samples(segment, seen))
        };
        Ok(owners.zip(seen).flat_map(samples).collect())
    }

    /// Room for so many frames.
    fn unseen(&self, frames: usize) -> Seen {
        let plane = self.spec.height as usize * self.spec.width as usize;
        let (pixels, places) =
            self.spec.patches.map_or((3 * plane, 0), |patches| (patches.values(), 2 * patches.max_patches));
        Seen { frames, pixels: vec![0.0; frames * pixels], places: vec![0; frames * places] }
    }

    /// How long the film is, and, where frames are chosen by number, when each is shown.
    fn measure(
        &self,
        source: &mut Source<'_>,
        pictures: &Pictures,
        deadline: Instant,
    ) -> Result<(f64, Option<Timeline>)> {
        if let (Pick::Middle, Some(seconds)) = (self.spec.pick, pictures.seconds) {
            return Ok((seconds, None));
        }
        source.select(pictures.stream);
        let measured = if self.spec.pick == Pick::Middle {
            (scan_seconds(source, pictures, deadline)?, None)
        } else {
            let timeline = Timeline::scan(source, pictures, deadline)?;
            (timeline.seconds(), Some(timeline))
        };
        source.seek(0).map_err(|error| crate::error::explain(error, "the film cannot be read again"))?;
        Ok(measured)
    }

    /// One frame, in each of the crops: its pixels, and the places of its patches.
    fn views(&self, picture: &Picture) -> Result<Vec<(Vec<f32>, Vec<i64>)>> {
        let (rgb, width, height) = (picture.rgb(), picture.width(), picture.height());
        if let Some(patches) = self.spec.patches {
            return Ok(vec![self.images.patches_of(patches, rgb, width, height)?]);
        }
        let whole = |pixels| (pixels, Vec::new());
        match self.spec.crops {
            1 => Ok(vec![whole(self.images.tensor_of(rgb, width, height)?)]),
            crops => (0..crops).map(|crop| self.images.view_of(rgb, width, height, crop).map(whole)).collect(),
        }
    }

    /// The sample of `[frames, 3, height, width]`, or of patches and places, or the samples of its frames.
    fn samples(&self, segment: Segment, seen: Seen) -> Vec<Sample> {
        let Seen { frames, pixels: tensor, places } = seen;
        let (height, width) = (self.spec.height as usize, self.spec.width as usize);
        let plane = height * width;
        let of = |tensors: Vec<Tensor>| Sample {
            tower: Modality::Video,
            tensors,
            track: Track::Visual,
            span: Some(segment.span()),
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

    /// The samples of the sound track. A film whose sound is missing or broken is still a film to be seen, so trouble
    /// here gives none; of a sound longer than the limits the beginning is heard.
    fn hear(&self, bytes: &[u8], audio: &AudioPreparer, deadline: Instant) -> Vec<Sample> {
        let heard = open(bytes, FILMS, deadline).and_then(|mut source| sound::listen(&mut source, deadline));
        let samples = match heard {
            Ok(Some(heard)) => audio.samples_of(&heard.pcm),
            Ok(None) | Err(_) => return Vec::new(),
        };
        let of_film = |sample| Sample { tower: Modality::Audio, track: Track::Audio, ..sample };
        samples.unwrap_or_default().into_iter().map(of_film).collect()
    }
}

/// The frames of one clip in one crop, as they will be fed.
struct Seen {
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

impl Prepare for VideoPreparer {
    fn prepare(&self, bytes: &[u8], _media_type: Option<&str>) -> Result<Vec<Sample>> {
        check_bytes(bytes, limits::VIDEO_BYTES)?;
        catch_unwind(AssertUnwindSafe(|| self.prepare_unguarded(bytes)))
            .unwrap_or_else(|_| Err(Error::new(Reason::Panicked, "bytes", "the film's decoding broke on these bytes")))
    }
}
