//! The scores of one question on one scale, whichever modality answers.

use std::collections::BTreeMap;

use onespace_core::{Calibration, Modality, Result, Scale, WeightedModality};

/// The scale of each modality that answers.
pub type Scales = BTreeMap<Modality, Scale>;

/// The scale of each of `answers` to a question whose parts have these modalities and weights; `None` where they are
/// not to be calibrated, because the request says so or, unless it insists, because a pair has no calibration.
///
/// # Errors
/// `NOT_CALIBRATED` naming the pair, where the request insists.
pub fn scales(
    calibration: &Calibration,
    parts: &[(Modality, f32)],
    answers: impl IntoIterator<Item = Modality>,
    calibrate: Option<bool>,
) -> Result<Option<Scales>> {
    if calibrate == Some(false) {
        return Ok(None);
    }
    let scale = |answer: Modality| Ok((answer, calibration.of(parts, answer)?));
    match answers.into_iter().map(scale).collect::<Result<_>>() {
        Err(error) if calibrate == Some(true) => Err(error),
        scales => Ok(scales.ok()),
    }
}

/// A cosine on the scale of the towers that the answer came from, where each of them has one.
pub fn score(scales: Option<&Scales>, towers: &[WeightedModality], cosine: f32) -> Option<f32> {
    let scales = scales?;
    let scale = |(tower, weight): &WeightedModality| Some((*scales.get(tower)?, *weight));
    let summands: Vec<(Scale, f32)> = towers.iter().map(scale).collect::<Option<_>>()?;
    Some(Scale::mean_of(&summands)?.score(cosine))
}

#[cfg(test)]
mod tests {
    use onespace_core::Reason;

    use super::*;
    use Modality::{Audio, Image, Text};

    #[test]
    fn a_pair_that_lacks_decides_for_all() {
        let mut calibration = Calibration::default();
        calibration.insert(Text, Image, Scale::new(0.5, 0.25).unwrap()).unwrap();
        let of = |parts: &[(Modality, f32)], answers: &[Modality], calibrate| {
            scales(&calibration, parts, answers.iter().copied(), calibrate)
        };
        let text = [(Text, 1.0)];
        for calibrate in [None, Some(true)] {
            let scales = of(&text, &[Image], calibrate).unwrap();
            assert_eq!(score(scales.as_ref(), &[(Image, 1.0)], 1.0), Some(2.0));
        }
        assert!(of(&text, &[Image], Some(false)).unwrap().is_none());
        assert!(of(&text, &[Image, Audio], None).unwrap().is_none());
        let error = of(&text, &[Image, Audio], Some(true)).unwrap_err();
        assert_eq!(error.reason, Reason::NotCalibrated);
        assert!(error.message.contains("text → audio"), "{error}");
        assert!(of(&[], &[Image], None).unwrap().is_none(), "nobody says what asks");
        assert!(of(&[], &[Image], Some(true)).is_err());
    }
}
