//! How loud channels are, and their mean: where it is silent and they are not, it is none of what is heard.

/// A mean that has less than this share of the loudest channel's energy has lost the sound. Of eight channels of which
/// one alone plays, a sixty-fourth is left.
const LEAST_SHARE: f64 = 1e-3;

/// The energies of what came in so far.
pub struct Loudness {
    mean: f64,
    channels: Vec<f64>,
}

impl Loudness {
    /// Nothing came in.
    pub const fn new() -> Self {
        Self { mean: 0.0, channels: Vec::new() }
    }

    /// Counts a piece: the mean of the channels, and they.
    pub fn add(&mut self, mean: &[f32], channels: &[impl AsRef<[f32]>]) {
        let energy_of_mean = energy(mean);
        self.mean += energy_of_mean;
        if self.channels.len() < channels.len() {
            self.channels.resize(channels.len(), 0.0);
        }
        for (index, total) in self.channels.iter_mut().enumerate() {
            // A piece of fewer channels is heard in all of them.
            let channel = channels.get(index).or(channels.last());
            *total +=
                if channels.len() == 1 { energy_of_mean } else { channel.map_or(0.0, |one| energy(one.as_ref())) };
        }
    }

    /// The loudest channel, where the mean has lost it.
    pub fn drowned(&self) -> Option<usize> {
        let (loudest, energy) =
            self.channels.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))?;
        (*energy > 0.0 && self.mean < energy * LEAST_SHARE).then_some(loudest)
    }
}

fn energy(samples: &[f32]) -> f64 {
    // In pieces: single precision adds up a thousand squares well enough.
    samples.chunks(1024).map(|piece| f64::from(piece.iter().map(|sample| sample * sample).sum::<f32>())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drowned(channels: &[Vec<f32>]) -> Option<usize> {
        let share = 1.0 / channels.len() as f32;
        let mean: Vec<f32> =
            (0..channels[0].len()).map(|k| channels.iter().map(|one| one[k]).sum::<f32>() * share).collect();
        let mut loudness = Loudness::new();
        loudness.add(&mean, channels);
        loudness.drowned()
    }

    #[test]
    fn only_what_cancels_out_is_drowned() {
        let wave: Vec<f32> = (0..1000).map(|k| (k as f32 * 0.3).sin()).collect();
        let times = |factor: f32| wave.iter().map(|value| value * factor).collect::<Vec<f32>>();
        assert_eq!(drowned(&[times(0.5), times(-0.5)]), Some(0));
        assert_eq!(drowned(&[times(0.5), times(-0.501)]), Some(1));
        assert_eq!(drowned(&[times(0.5), times(-0.3)]), None);
        assert_eq!(drowned(&[times(0.5), times(0.5)]), None);
        assert_eq!(drowned(&[times(1e-3), times(0.0)]), None);
        assert_eq!(drowned(&[times(0.0), times(0.0)]), None);
        assert_eq!(drowned(&[times(0.5)]), None);
        let one_of_eight: Vec<_> = (0..8).map(|k| times(if k == 3 { 0.4 } else { 0.0 })).collect();
        assert_eq!(drowned(&one_of_eight), None);
    }
}
