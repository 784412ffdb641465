//! What is heard in a media, for a transcriber.

use std::{collections::BTreeMap, sync::Arc};

use onespace_core::{Error, Modality, Patience, Prepare, PrepareRequest, Prepared, Result, Sample, Tensor, TensorData};
use onespace_speech::RATE;

/// What is heard in a media.
#[derive(Debug, Default)]
pub struct Sound {
    /// One channel at [`RATE`]; empty where a video has no sound that is decoded here.
    pub samples: Vec<f32>,
    /// Whether there is more than is decoded.
    pub cut: bool,
}

impl Sound {
    /// What one of [`listeners`] gave.
    ///
    /// # Errors
    /// `INTERNAL` for samples of anything else.
    pub fn of(prepared: Prepared) -> Result<Self> {
        let tensors = prepared.samples.into_iter().flat_map(|sample| sample.tensors).map(|tensor| tensor.data);
        let tensors: Result<[TensorData; 2], Vec<TensorData>> = tensors.collect::<Vec<_>>().try_into();
        match tensors {
            Ok([TensorData::F32(samples), TensorData::I64(cut)]) => Ok(Self { samples, cut: cut != [0] }),
            _ => Err(Error::internal("what was prepared is no sound")),
        }
    }
}

/// What hears media of one modality. The sound is a sample, so that it can be had where samples are: in a process that
/// decodes.
#[derive(Clone, Copy, Debug)]
struct Listener(Modality);

/// What hears media, for each modality in which anybody speaks.
#[must_use]
pub fn listeners() -> BTreeMap<Modality, Arc<dyn Prepare>> {
    let speaking = Modality::ALL.into_iter().filter(|modality| modality.has_speech());
    speaking.map(|modality| (modality, Arc::new(Listener(modality)) as Arc<dyn Prepare>)).collect()
}

impl Prepare for Listener {
    fn modality(&self) -> Modality {
        self.0
    }

    fn is_native(&self) -> bool {
        cfg!(feature = "video")
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        let Sound { samples, cut } = sound_of(self.0, request.bytes, &request.patience)?;
        let tensors = vec![Tensor::f32([samples.len()], samples), Tensor::i64([1], vec![cut.into()])];
        Ok(vec![Sample::whole(self.0, tensors)].into())
    }
}

/// The sound of a media.
///
/// # Errors
/// `MEDIA_*`; what `patience` says when it is over.
fn sound_of(modality: Modality, bytes: &[u8], patience: &Patience) -> Result<Sound> {
    match modality {
        Modality::Video => of_video(bytes, patience),
        _ => Ok(Sound { samples: of_audio(bytes, patience)?, cut: false }),
    }
}

#[cfg(feature = "video")]
fn of_video(bytes: &[u8], patience: &Patience) -> Result<Sound> {
    let Some((track, cut)) = onespace_video::audio_track(bytes, patience)? else { return Ok(Sound::default()) };
    Ok(Sound { samples: onespace_audio::mono_of(&track.stretches, RATE, patience)?, cut })
}

#[cfg(not(feature = "video"))]
fn of_video(_bytes: &[u8], _patience: &Patience) -> Result<Sound> {
    Err(Error::unsupported("bytes", "this build has no decoder for videos (feature \"video\")"))
}

#[cfg(feature = "video")]
fn of_audio(bytes: &[u8], patience: &Patience) -> Result<Vec<f32>> {
    let fallback: onespace_audio::AudioDecoder = std::sync::Arc::new(onespace_video::decode_audio);
    onespace_audio::mono(bytes, RATE, Some(&fallback), patience)
}

#[cfg(not(feature = "video"))]
fn of_audio(bytes: &[u8], patience: &Patience) -> Result<Vec<f32>> {
    onespace_audio::mono(bytes, RATE, None, patience)
}
