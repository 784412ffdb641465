//! The road from bytes to samples.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use onespace_audio::AudioPreparer;
use onespace_bundle::preprocess::Video;
use onespace_core::{Error, Modality, Prepare, Reason, Result, Sample, Tensor, Track, limits};
use onespace_image::ImagePreparer;

use crate::{
    convert::Converter,
    error::{check_bytes, deadline},
    ffi::Source,
    frames::Frames,
    open::{FILMS, open, pictures, scan_seconds},
    plan::{moments, segments},
    sound,
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

    /// The visual samples: one of `[frames, 3, height, width]` for each segment.
    fn look(&self, source: &mut Source<'_>, deadline: Instant) -> Result<Vec<Sample>> {
        let pictures = pictures(source)?;
        let seconds = match pictures.seconds {
            Some(seconds) => seconds,
            None => {
                source.select(pictures.stream);
                let seconds = scan_seconds(source, &pictures, deadline)?;
                source.seek(0).map_err(|error| crate::error::explain(error, "the film cannot be read again"))?;
                seconds
            }
        };
        let segments = segments(&self.spec, seconds)?;
        let shape = [self.spec.frames, 3, self.spec.height as usize, self.spec.width as usize];
        let size = shape.iter().skip(1).product::<usize>();
        let mut tensors = vec![vec![0.0; self.spec.frames * size]; segments.len()];

        let mut frames = Frames::new(source, pictures, deadline)?;
        let mut converter = Converter::default();
        let (mut last, mut values) = (None, Vec::new());
        for moment in moments(&segments, self.spec.frames) {
            let shown = frames.at(moment.seconds)?;
            // A still that lasts is converted once.
            if last.replace(shown.number) != Some(shown.number) {
                let picture = converter.picture(&shown.frame, pictures.orientation)?;
                values = self.images.tensor_of(picture.rgb(), picture.width(), picture.height())?;
            }
            let slot =
                tensors.get_mut(moment.segment).and_then(|tensor| tensor.chunks_exact_mut(size).nth(moment.frame));
            if let Some(slot) = slot.filter(|slot| slot.len() == values.len()) {
                slot.copy_from_slice(&values);
            }
        }
        let sample = |(segment, tensor): (_, Vec<f32>)| sample(segment, tensor, shape);
        Ok(segments.iter().zip(tensors).map(sample).collect())
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

fn sample(segment: &crate::plan::Segment, tensor: Vec<f32>, shape: [usize; 4]) -> Sample {
    Sample {
        tower: Modality::Video,
        tensors: vec![Tensor::f32(shape, tensor)],
        track: Track::Visual,
        span: Some(segment.span()),
    }
}

impl Prepare for VideoPreparer {
    fn prepare(&self, bytes: &[u8], _media_type: Option<&str>) -> Result<Vec<Sample>> {
        check_bytes(bytes, limits::VIDEO_BYTES)?;
        catch_unwind(AssertUnwindSafe(|| self.prepare_unguarded(bytes)))
            .unwrap_or_else(|_| Err(Error::new(Reason::Panicked, "bytes", "the film's decoding broke on these bytes")))
    }
}
