//! The road from bytes to samples.

use std::panic::{AssertUnwindSafe, catch_unwind};

use onespace_audio::AudioPreparer;
use onespace_bundle::preprocess::{FrameLayout, Pick, Video};
use onespace_core::{
    Error, Modality, Patience, Prepare, PrepareRequest, Reason, Result, Sample, Tensor, Track, limits,
};
use onespace_image::{ImagePreparer, Picture};

use crate::{
    convert::Converter,
    error::{WHILE, check_bytes, explain, for_a_film},
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

    fn prepare_unguarded(&self, bytes: &[u8], patience: &Patience) -> Result<Vec<Sample>> {
        let mut samples = self.look(&mut open(bytes, FILMS, patience)?, patience)?;
        if let Some(audio) = &self.audio {
            samples.extend(self.hear(bytes, audio, patience)?);
        }
        Ok(samples)
    }

    /// The visual samples: for each segment, each of its clips in each of its crops.
    fn look(&self, source: &mut Source<'_>, patience: &Patience) -> Result<Vec<Sample>> {
        let pictures = pictures(source)?;
        let (seconds, timeline) = self.measure(source, &pictures, patience)?;
        let segments = segments(&self.spec, seconds)?;
        let clips = clips(&self.spec, &segments, timeline.as_ref());
        let views = self.spec.crops;
        let owners = clips.iter().flat_map(|clip| std::iter::repeat_n(clip, views));
        let mut seen: Vec<Seen> = owners.clone().map(|clip| self.unseen(clip.moments.len())).collect();

        let mut frames = Frames::new(source, pictures, patience)?;
        let mut converter = Converter::default();
        let (mut last, mut values) = (None, Vec::new());
        for moment in moments(&clips) {
            let shown = frames.at(moment.seconds)?;
            // A still that lasts is converted once.
            if last.replace(shown.number) != Some(shown.number) {
                values = self.views(&converter.picture(&shown.frame, pictures.orientation)?, patience)?;
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
        patience: &Patience,
    ) -> Result<(f64, Option<Timeline>)> {
        if let (Pick::Middle, Some(seconds)) = (self.spec.pick, pictures.seconds) {
            return Ok((seconds, None));
        }
        source.select(pictures.stream);
        let measured = if self.spec.pick == Pick::Middle {
            (scan_seconds(source, pictures, patience)?, None)
        } else {
            let timeline = Timeline::scan(source, pictures, patience)?;
            (timeline.seconds(), Some(timeline))
        };
        let sought = source.seek(0);
        patience.check(WHILE)?;
        sought.map_err(|error| explain(error, "the film cannot be read again"))?;
        Ok(measured)
    }

    /// One frame, in each of the crops: its pixels, and the places of its patches.
    fn views(&self, picture: &Picture, patience: &Patience) -> Result<Vec<(Vec<f32>, Vec<i64>)>> {
        let (rgb, size) = (picture.rgb(), (picture.width(), picture.height()));
        if let Some(patches) = self.spec.patches {
            return Ok(vec![self.images.patches_of(patches, rgb, size, patience)?]);
        }
        let whole = |pixels| (pixels, Vec::new());
        match self.spec.crops {
            1 => Ok(vec![whole(self.images.tensor_of(rgb, size, patience)?)]),
            crops => (0..crops).map(|crop| self.images.view_of(rgb, size, crop, patience).map(whole)).collect(),
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
    ///
    /// # Errors
    /// What `patience` says when it is over: how busy the machine is must not decide whether a film has sound.
    fn hear(&self, bytes: &[u8], audio: &AudioPreparer, patience: &Patience) -> Result<Vec<Sample>> {
        let heard = open(bytes, FILMS, patience).and_then(|mut source| sound::listen(&mut source, patience));
        let samples = match heard {
            Ok(Some(heard)) => audio.samples_of(&heard.pcm, patience),
            Ok(None) => return Ok(Vec::new()),
            Err(error) => Err(error),
        };
        let of_film = |sample| Sample { tower: Modality::Audio, track: Track::Audio, ..sample };
        match samples {
            Ok(samples) => Ok(samples.into_iter().map(of_film).collect()),
            Err(_) => patience.check("while the film's sound was decoded").map(|()| Vec::new()),
        }
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
    fn prepare(&self, request: &PrepareRequest<'_>) -> Result<Vec<Sample>> {
        check_bytes(request.bytes, limits::VIDEO_BYTES)?;
        let patience = for_a_film(&request.patience);
        catch_unwind(AssertUnwindSafe(|| self.prepare_unguarded(request.bytes, &patience)))
            .unwrap_or_else(|_| Err(Error::new(Reason::Panicked, "bytes", "the film's decoding broke on these bytes")))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, time::Duration};

    use onespace_bundle::preprocess::Audio;
    use onespace_core::Deadline;

    use super::*;

    /// Time that runs out in the sound of a film ends the film. It never becomes a film without sound.
    #[test]
    fn time_does_not_decide_whether_a_film_has_sound() {
        let table = serde_json::json!({
            "sample_rate": 16_000, "window_ms": 1000, "hop_ms": 1000, "max_windows": 4,
            "front_end": { "kind": "waveform" },
        });
        let audio: Audio = serde_json::from_value(table).unwrap();
        let audio = AudioPreparer::new(&audio, None).unwrap();
        let table = serde_json::json!({
            "frames": 1, "segment_ms": 1000, "max_segments": 1, "width": 8, "height": 8,
            "resize": "squash", "filter": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1],
        });
        let films = VideoPreparer::new(&serde_json::from_value(table).unwrap(), None);
        let film = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/h264.mp4")).unwrap();
        let heard = |patience: &Patience| {
            films.hear(&film, &audio, patience).map(|samples| samples.len()).map_err(|error| error.reason)
        };
        assert_eq!(heard(&Patience::endless()), Ok(4));
        assert_eq!(heard(&Patience::until(Deadline::after(Duration::ZERO))), Err(Reason::DeadlineExceeded));
        assert_eq!(heard(&Patience::endless().at_most(0)), Err(Reason::MediaTooLarge));
        let gone = Patience::endless();
        gone.leave();
        assert_eq!(heard(&gone), Err(Reason::Cancelled));
        let mute = films.hear(&film[..film.len() / 4], &audio, &Patience::endless());
        assert_eq!(mute.map(|samples| samples.len()), Ok(0), "what is broken is only not heard");
    }
}
