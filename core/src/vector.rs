//! The little arithmetic that unit vectors need.

use crate::error::{Error, Reason, Result};

/// Below this norm a sum has cancelled out: its direction is rounding noise.
pub const CANCELLED_NORM: f32 = 1e-4;

/// How far from 1 the norm of a vector that claims unit length may be.
pub const UNIT_TOLERANCE: f32 = 1e-3;

/// The inner product; the cosine for unit vectors. Shorter length wins.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The Euclidean norm.
#[must_use]
pub fn norm(v: &[f32]) -> f32 {
    dot(v, v).sqrt()
}

/// The cosine of two vectors of any length but zero; NaN where they have not the same number of values.
#[must_use]
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    if a.len() == b.len() { dot(a, b) / (norm(a) * norm(b)) } else { f32::NAN }
}

/// Scales `v` to unit length in place.
///
/// # Errors
/// `MODEL_FAILED` when a value is not finite or the norm is too small to have a direction.
pub fn normalise(v: &mut [f32]) -> Result<()> {
    let length = norm(v);
    if !length.is_finite() || length < f32::MIN_POSITIVE.sqrt() {
        return Err(Error::new(
            Reason::ModelFailed,
            "",
            format!("the vector has norm {length}: not finite, or without a direction"),
        ));
    }
    v.iter_mut().for_each(|x| *x /= length);
    Ok(())
}

/// Cuts `v` to its leading `length` values and scales them to unit length; a vector that is no longer stays as it is.
///
/// # Errors
/// As [`normalise`].
pub fn shorten(v: &mut Vec<f32>, length: usize) -> Result<()> {
    if v.len() <= length {
        return Ok(());
    }
    v.truncate(length);
    normalise(v)
}

/// The unit vector along the weighted sum of `parts`.
///
/// # Errors
/// `QUERY_CANCELS_OUT` when the sum has no direction; `FIELD_INVALID` when lengths differ or a weight is not finite.
pub fn weighted_sum<'a>(parts: impl IntoIterator<Item = (&'a [f32], f32)>) -> Result<Vec<f32>> {
    let mut sum: Vec<f32> = Vec::new();
    for (index, (vector, weight)) in parts.into_iter().enumerate() {
        if !weight.is_finite() {
            return Err(Error::new(
                Reason::FieldInvalid,
                format!("parts[{index}].weight"),
                format!("{weight} is not a finite number"),
            ));
        }
        if sum.is_empty() {
            sum.resize(vector.len(), 0.0);
        }
        if vector.len() != sum.len() {
            let message = format!("the vector has {} values, the space has {}", vector.len(), sum.len());
            return Err(Error::new(Reason::FieldInvalid, format!("parts[{index}].vector"), message));
        }
        sum.iter_mut().zip(vector).for_each(|(total, x)| *total += weight * x);
    }
    let length = norm(&sum);
    if !length.is_finite() || length < CANCELLED_NORM {
        let message = format!(
            "the weighted parts sum to a vector of norm {length:e}, which has no direction (at least \
                 {CANCELLED_NORM:e} is needed)"
        );
        return Err(Error::new(Reason::QueryCancelsOut, "parts", message));
    }
    sum.iter_mut().for_each(|x| *x /= length);
    Ok(sum)
}

/// The unit mean of unit vectors: how the samples of one media become its whole.
///
/// # Errors
/// As [`weighted_sum`].
pub fn mean<'a>(vectors: impl IntoIterator<Item = &'a [f32]>) -> Result<Vec<f32>> {
    weighted_sum(vectors.into_iter().map(|vector| (vector, 1.0)))
}

/// Softmax of `scale × cosine`, computed without overflow.
#[must_use]
pub fn softmax(cosines: &[f32], scale: f32) -> Vec<f32> {
    let peak = cosines.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut shares: Vec<f32> = cosines.iter().map(|cosine| ((cosine - peak) * scale).exp()).collect();
    let total: f32 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= total);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_have_unit_length_or_say_why_not() {
        let (x, y) = ([1.0, 0.0], [0.0, 1.0]);
        let sum = weighted_sum([(&x[..], 1.0), (&y[..], 1.0)]).unwrap();
        assert!((norm(&sum) - 1.0).abs() < 1e-6);
        let cancelled = weighted_sum([(&x[..], 1.0), (&x[..], -1.0)]).unwrap_err();
        assert_eq!(cancelled.reason, Reason::QueryCancelsOut);
        assert_eq!(weighted_sum([(&x[..], f32::NAN)]).unwrap_err().field, "parts[0].weight");
        assert!(normalise(&mut [0.0, 0.0]).is_err());
        assert!(normalise(&mut [f32::NAN, 1.0]).is_err());
    }

    #[test]
    fn a_shortened_vector_is_a_unit_vector() {
        let mut vector = vec![0.48, 0.64, 0.6];
        shorten(&mut vector, 3).unwrap();
        assert_eq!(vector, [0.48, 0.64, 0.6], "nothing is cut");
        shorten(&mut vector, 2).unwrap();
        assert!(dot(&vector, &[0.6, 0.8]) > 0.99999 && vector.len() == 2);
        assert!(shorten(&mut vec![0.0, 1.0], 1).is_err(), "nothing is left");
    }

    #[test]
    fn softmax_sums_to_one_even_for_huge_scales() {
        let shares = softmax(&[0.9, 0.1, -1.0], 1e6);
        assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(shares[0] > 0.999);
    }
}
