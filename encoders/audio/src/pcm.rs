//! Audio that somebody else decoded, on its way in.

use onespace_core::{Error, Patience, Result};

use crate::{
    intake::{Intake, Mix, MonoAudio, Target},
    recording::Pcm,
};

/// Frames of decoded audio that are mixed and resampled at once.
const PIECE: usize = 1 << 16;

/// Decoded audio as `target` says: stretches one after the other, each with channels and a rate of its own.
pub fn of_pcm(stretches: &[Pcm], target: Target, patience: &Patience) -> Result<MonoAudio> {
    let mut intake = Intake::new(target, None);
    push_pcm(stretches, &mut intake, patience)?;
    match intake.drowned() {
        Some(channel) => of_pcm(stretches, Target { mix: Mix::Channel(channel), ..target }, patience),
        None => intake.finish(),
    }
}

/// Takes decoded audio in.
pub fn push_pcm(stretches: &[Pcm], intake: &mut Intake, patience: &Patience) -> Result<()> {
    for pcm in stretches {
        let frames = pcm.channels.first().map_or(0, Vec::len);
        if pcm.channels.iter().any(|channel| channel.len() != frames) {
            return Err(Error::malformed("bytes", "the channels of the audio differ in length"));
        }
        for start in (0..frames).step_by(PIECE) {
            patience.check("while the audio was resampled")?;
            let piece = |channel: &Vec<f32>| channel.get(start..frames.min(start + PIECE)).unwrap_or_default().to_vec();
            let pieces: Vec<Vec<f32>> = pcm.channels.iter().map(piece).collect();
            intake.push(pcm.rate, &pieces)?;
        }
    }
    Ok(())
}
