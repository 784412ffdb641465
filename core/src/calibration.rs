//! Cosines of different pairs of modalities, brought to one scale.
//!
//! Each modality fills a region of its own in a joint space (the modality gap: Liang et al., "Mind the Gap",
//! NeurIPS 2022), so that 0.4 between a text and an image can say more than 0.7 between a text and a video. What
//! unrelated pairs score by chance is measured once, where the space is made; a score counts how many standard
//! deviations above that it is.

use std::collections::BTreeMap;

use crate::{
    embedding::WeightedModality,
    error::{Error, Reason, Result},
    modality::Modality,
};

/// A smaller deviation is rounding, not a measurement.
const STD_MIN: f32 = 1e-6;

/// What the cosines of unrelated pairs are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    mean: f32,
    std: f32,
}

impl Scale {
    /// A scale.
    ///
    /// # Errors
    /// `FIELD_INVALID`, blaming `mean` or `std`, for what cosines cannot have.
    pub fn new(mean: f32, std: f32) -> Result<Self> {
        let invalid = |field: &str, message: String| Err(Error::new(Reason::FieldInvalid, field, message));
        if !(-1.0..=1.0).contains(&mean) {
            return invalid("mean", format!("{mean} is not between -1 and 1, where cosines are"));
        }
        if !(STD_MIN..=1.0).contains(&std) {
            return invalid("std", format!("{std} is not above 0 (at least {STD_MIN}) and at most 1"));
        }
        Ok(Self { mean, std })
    }

    /// The mean cosine of unrelated pairs.
    #[must_use]
    pub const fn mean(self) -> f32 {
        self.mean
    }

    /// Their standard deviation.
    #[must_use]
    pub const fn std(self) -> f32 {
        self.std
    }

    /// The scale of a sum: the mean of its summands' scales, each as heavy as its summand (a negative weight as its
    /// size). Summands without weight say nothing; none where none has any.
    #[must_use]
    pub fn mean_of(summands: &[(Self, f32)]) -> Option<Self> {
        let total: f32 = summands.iter().map(|(_, weight)| weight.abs()).sum();
        let mean = |value: fn(&Self) -> f32| {
            summands.iter().map(|(scale, weight)| weight.abs() * value(scale)).sum::<f32>() / total
        };
        (total > 0.0).then(|| Self { mean: mean(|scale| scale.mean), std: mean(|scale| scale.std) })
    }

    /// A cosine in standard deviations above what unrelated pairs score.
    #[must_use]
    pub fn score(self, cosine: f32) -> f32 {
        (cosine - self.mean) / self.std
    }
}

/// The scales of a space, by the modality that asks and the modality that answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration(BTreeMap<(Modality, Modality), Scale>);

impl Calibration {
    /// Whether no pair has a scale.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the scale of a pair.
    ///
    /// # Errors
    /// `FIELD_INVALID` when it has one.
    pub fn insert(&mut self, query: Modality, item: Modality, scale: Scale) -> Result<()> {
        if self.0.insert((query, item), scale).is_none() {
            return Ok(());
        }
        let message = format!("{query} → {item} is there twice, a pair has one entry");
        Err(Error::new(Reason::FieldInvalid, "", message))
    }

    /// The scale of a pair.
    #[must_use]
    pub fn get(&self, query: Modality, item: Modality) -> Option<Scale> {
        self.0.get(&(query, item)).copied()
    }

    /// Every pair with its scale.
    pub fn iter(&self) -> impl Iterator<Item = (Modality, Modality, Scale)> + '_ {
        self.0.iter().map(|((query, item), scale)| (*query, *item, *scale))
    }

    /// Keeps what `other` says too.
    pub fn intersect(&mut self, other: &Self) {
        self.0.retain(|(query, item), scale| other.get(*query, *item) == Some(*scale));
    }

    /// The scale of a query's answers in one modality, from the scales of its parts ([`Scale::mean_of`]).
    ///
    /// # Errors
    /// `NOT_CALIBRATED` naming the pair that has no scale, or when no part says its modality.
    pub fn of(&self, parts: &[WeightedModality], item: Modality) -> Result<Scale> {
        let heard = parts.iter().filter(|(_, weight)| *weight != 0.0);
        let scale = |(query, weight): &WeightedModality| match self.get(*query, item) {
            Some(scale) => Ok((scale, *weight)),
            None => Err(not_calibrated(format!(
                "this space has no calibration for the pair {query} → {item}: leave calibrate unset or false, or name \
                 modalities that have one"
            ))),
        };
        let scales: Vec<(Scale, f32)> = heard.map(scale).collect::<Result<_>>()?;
        Scale::mean_of(&scales).ok_or_else(|| {
            not_calibrated("no part of the query says its modality: a vector's can be given with it (vector.modality)")
        })
    }
}

fn not_calibrated(message: impl Into<String>) -> Error {
    Error::new(Reason::NotCalibrated, "calibrate", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Modality::{Audio, Image, Text};

    fn calibration() -> Calibration {
        let mut calibration = Calibration::default();
        calibration.insert(Text, Image, Scale::new(0.1, 0.05).unwrap()).unwrap();
        calibration.insert(Image, Image, Scale::new(0.4, 0.2).unwrap()).unwrap();
        calibration
    }

    #[test]
    fn impossible_scales_are_refused() {
        for (mean, std, field) in [
            (f32::NAN, 0.1, "mean"),
            (1.5, 0.1, "mean"),
            (0.0, 0.0, "std"),
            (0.0, -0.1, "std"),
            (0.0, f32::NAN, "std"),
            (0.0, f32::INFINITY, "std"),
            (0.0, 1e-9, "std"),
        ] {
            assert_eq!(Scale::new(mean, std).unwrap_err().field, field, "{mean} {std}");
        }
        let twice = calibration().insert(Text, Image, Scale::new(0.0, 1.0).unwrap()).unwrap_err();
        assert!(twice.message.contains("text → image"), "{twice}");
    }

    #[test]
    fn parts_weigh_their_scales() {
        let calibration = calibration();
        let alone = calibration.of(&[(Text, -2.0)], Image).unwrap();
        assert!((alone.score(0.2) - 2.0).abs() < 1e-5);
        let both = calibration.of(&[(Text, 3.0), (Image, -1.0), (Audio, 0.0)], Image).unwrap();
        assert!((both.mean() - 0.175).abs() < 1e-6 && (both.std() - 0.0875).abs() < 1e-6);
    }

    #[test]
    fn what_lacks_is_named() {
        let calibration = calibration();
        let lacking = calibration.of(&[(Text, 1.0), (Audio, 0.1)], Image).unwrap_err();
        assert_eq!((lacking.reason, lacking.field.as_str()), (Reason::NotCalibrated, "calibrate"));
        assert!(lacking.message.contains("audio → image"), "{lacking}");
        assert_eq!(calibration.of(&[], Image).unwrap_err().reason, Reason::NotCalibrated);
    }

    #[test]
    fn what_only_one_says_does_not_count() {
        let (mut one, mut two) = (calibration(), Calibration::default());
        two.insert(Text, Image, Scale::new(0.1, 0.05).unwrap()).unwrap();
        two.insert(Image, Image, Scale::new(0.4, 0.3).unwrap()).unwrap();
        one.intersect(&two);
        assert_eq!(one.iter().count(), 1);
        assert!(one.get(Text, Image).is_some());
    }
}
