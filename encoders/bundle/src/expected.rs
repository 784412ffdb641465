//! What a reference gave for the golden inputs of a recipe: whoever pulls sees that what they have gives the same.

use std::collections::BTreeMap;

use onespace_core::{Modality, Result, vector};
use onespace_family::check::invalid;
use serde::{Deserialize, Serialize};

/// How far a value of a golden vector, or a cosine of two, may be from what is expected. Unit vectors of 512 values at
/// a cosine of 0.999, which the golden check asks for, are 0.002 apart in the root mean square; rounding is 1e-6.
const WITHIN: f32 = 0.005;

/// How many of a golden vector's values are written down.
const LEADING: usize = 8;

/// `[expected]` of a recipe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Who gave it, as a manifest's `provenance.reference` names it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// The leading values of golden vectors.
    #[serde(flatten)]
    pub leading: BTreeMap<Modality, Vec<f32>>,
    /// The cosines of pairs of golden vectors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Score>,
}

/// The cosine of two golden vectors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Whose they are.
    pub pair: [Modality; 2],
    /// −1 to 1.
    pub cosine: f32,
}

/// An expected score, and what was found in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Met {
    /// What was expected.
    pub expected: Score,
    /// The cosine that was found.
    pub found: f32,
}

impl Expected {
    /// What a reference's golden vectors say, to six decimals.
    #[must_use]
    pub fn of(reference: &str, vectors: &BTreeMap<Modality, Vec<f32>>) -> Self {
        let leading = |vector: &Vec<f32>| vector.iter().take(LEADING).map(|value| rounded(*value)).collect();
        let mut scores = Vec::new();
        for (first, one) in vectors {
            let others = vectors.iter().filter(|(second, _)| *second > first);
            let score = |(second, other): (&Modality, &Vec<f32>)| Score {
                pair: [*first, *second],
                cosine: rounded(vector::cosine(one, other)),
            };
            scores.extend(others.map(score));
        }
        let leading = vectors.iter().map(|(modality, vector)| (*modality, leading(vector))).collect();
        Self { reference: reference.to_owned(), leading, scores }
    }

    /// Whether nothing is expected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leading.is_empty() && self.scores.is_empty()
    }

    /// The modalities of which something is expected, by the key that says so.
    pub fn modalities(&self) -> impl Iterator<Item = (String, Modality)> {
        let leading = self.leading.keys().map(|modality| (format!("expected.{modality}"), *modality));
        let scores = self.scores.iter().flat_map(|score| score.pair);
        leading.chain(scores.map(|modality| ("expected.scores".to_owned(), modality)))
    }

    /// Compares golden vectors with what is expected of them; every score comes back with what was found.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, naming the first value or score that is too far off: the files are not those, or are not
    /// prepared as those, that the recipe was written for.
    pub fn check(&self, vectors: &BTreeMap<Modality, Vec<f32>>) -> Result<Vec<Met>> {
        let empty = Vec::new();
        let vector = |modality: &Modality| vectors.get(modality).unwrap_or(&empty);
        for (modality, leading) in &self.leading {
            check_leading(*modality, leading, vector(modality))?;
        }
        self.scores.iter().map(|score| score.check(vector(&score.pair[0]), vector(&score.pair[1]))).collect()
    }
}

impl Score {
    fn check(self, first: &[f32], second: &[f32]) -> Result<Met> {
        let found = vector::cosine(first, second);
        let [one, other] = self.pair;
        // What is not a number is too far off as well.
        if (found - self.cosine).abs() <= WITHIN {
            return Ok(Met { expected: self, found });
        }
        let message = format!(
            "the golden vectors of {one} and {other} have a cosine of {found:.4}, the recipe expects {:.4}",
            self.cosine
        );
        Err(invalid("expected.scores", message))
    }
}

fn check_leading(modality: Modality, expected: &[f32], vector: &[f32]) -> Result<()> {
    let far = expected
        .iter()
        .enumerate()
        .find(|(index, value)| !vector.get(*index).is_some_and(|ours| (ours - **value).abs() <= WITHIN));
    let Some((index, value)) = far else { return Ok(()) };
    let ours = vector.get(index).copied().unwrap_or(f32::NAN);
    let message = format!("value {index} of the golden vector is {ours}, the recipe expects {value}");
    Err(invalid(format!("expected.{modality}"), message))
}

fn rounded(value: f32) -> f32 {
    (f64::from(value) * 1e6).round() as f32 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(text: &[f32], image: &[f32]) -> BTreeMap<Modality, Vec<f32>> {
        BTreeMap::from([(Modality::Text, text.to_vec()), (Modality::Image, image.to_vec())])
    }

    fn parsed(text: &str) -> Expected {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn leading_values_are_held_to_what_is_expected_of_them() {
        let expected = parsed("text = [0.6, 0.8]");
        assert!(expected.check(&vectors(&[0.601, 0.799, 0.0], &[])).is_ok(), "of images nothing is expected");
        for wrong in [&[0.6, 0.79][..], &[0.6], &[f32::NAN, 0.8]] {
            assert_eq!(expected.check(&vectors(wrong, &[1.0])).unwrap_err().field, "expected.text");
        }
    }

    #[test]
    fn scores_are_held_to_what_is_expected_of_them_and_told() {
        let expected = parsed("[[scores]]\npair = [\"text\", \"image\"]\ncosine = 0.6");
        let met = expected.check(&vectors(&[1.0, 0.0], &[0.6, 0.8])).unwrap();
        assert!((met[0].found - 0.6).abs() < 1e-6 && met[0].expected.pair == [Modality::Text, Modality::Image]);
        for wrong in [&[0.61, 0.79][..], &[f32::NAN, 0.8], &[]] {
            let error = expected.check(&vectors(&[1.0, 0.0], wrong)).unwrap_err();
            assert_eq!(error.field, "expected.scores", "{wrong:?}");
        }
    }

    #[test]
    fn what_a_reference_gave_is_written_down_and_read_again() {
        let given = vectors(&[1.0, 0.0], &[0.6, 0.8]);
        let expected = Expected::of("the authors' own", &given);
        let read = parsed(&toml::to_string(&expected).unwrap());
        assert_eq!(read, expected);
        assert_eq!(read.check(&given).unwrap().len(), 1);
    }
}
