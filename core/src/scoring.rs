//! How the cosines of a media with several labels become probabilities.

use crate::vector;

/// What a model was trained to make of its cosines.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Scoring {
    /// The labels compete, their probabilities sum to 1 (CLIP).
    #[default]
    Softmax,
    /// Each label is judged alone: the logistic function of `scale · cosine + bias` (SigLIP, PE-AV).
    Sigmoid {
        /// Added to the scaled cosine.
        bias: f32,
    },
}

impl Scoring {
    /// The probability of each label, 0 to 1.
    #[must_use]
    pub fn probabilities(self, cosines: &[f32], scale: f32) -> Vec<f32> {
        match self {
            Self::Softmax => vector::softmax(cosines, scale),
            Self::Sigmoid { bias } => {
                cosines.iter().map(|cosine| 1.0 / (1.0 + (-(scale * cosine + bias)).exp())).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_compete_or_stand_alone() {
        let cosines = [0.125, 0.0625];
        let shares = Scoring::Softmax.probabilities(&cosines, 100.0);
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6 && shares[0] > 0.99, "{shares:?}");
        // SigLIP's own numbers: 112.6 and −16.77 give 1 / (1 + e^2.695) and 1 / (1 + e^9.7325).
        let alone = Scoring::Sigmoid { bias: -16.77 }.probabilities(&cosines, 112.6);
        assert!((alone[0] - 0.0633).abs() < 1e-3 && (alone[1] - 5.93e-5).abs() < 1e-6, "{alone:?}");
        assert_eq!(Scoring::Sigmoid { bias: -1e9 }.probabilities(&cosines, 1.0), [0.0, 0.0], "nothing overflows");
    }
}
