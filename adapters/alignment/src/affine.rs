//! An affine map: a matrix and a shift.

use onespace_core::{Error, Reason, Result, vector};

/// `weight · x + bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    native: usize,
    /// Row-major, one row of `native` values for each value of the result.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Affine {
    /// A map from `native` values to as many as `bias` has; `weight` is row-major `[bias.len(), native]`.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` when the sizes do not fit or are 0.
    pub fn new(native: usize, weight: Vec<f32>, bias: Vec<f32>) -> Result<Self> {
        if native == 0 || bias.is_empty() || weight.len() != native * bias.len() {
            let message = format!("{} weights are not {} rows of {native}", weight.len(), bias.len());
            return Err(Error::new(Reason::BundleInvalid, "alignment", message));
        }
        Ok(Self { native, weight, bias })
    }

    /// The length of what it takes.
    #[must_use]
    pub fn native(&self) -> usize {
        self.native
    }

    /// The length of what it gives.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.bias.len()
    }

    /// The rows of the matrix, each of `native` values.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.weight.chunks_exact(self.native)
    }

    /// The matrix, row-major.
    #[must_use]
    pub fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// The shift.
    #[must_use]
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Whether it shifts nothing.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        self.bias.iter().all(|value| *value == 0.0)
    }

    /// Moves the shift so that `mean` is taken from what comes in: `weight · (x − mean) + bias`.
    #[must_use]
    pub fn less(mut self, mean: &[f32]) -> Self {
        let shift: Vec<f32> = self.rows().map(|row| inner(row, mean)).collect();
        self.bias.iter_mut().zip(shift).for_each(|(bias, shift)| *bias -= shift);
        self
    }

    /// This map after `first`, as one: `weight · (first.weight · x + first.bias) + bias`. Summed in float64.
    #[must_use]
    pub fn after(&self, first: &Self) -> Self {
        let mut weight = Vec::with_capacity(self.dimension() * first.native);
        let mut bias = Vec::with_capacity(self.dimension());
        for (row, shift) in self.rows().zip(&self.bias) {
            let mut sums = vec![0.0_f64; first.native];
            let mut total = f64::from(*shift);
            for ((factor, inner), inner_shift) in row.iter().zip(first.rows()).zip(&first.bias) {
                let factor = f64::from(*factor);
                sums.iter_mut().zip(inner).for_each(|(sum, value)| *sum += factor * f64::from(*value));
                total += factor * f64::from(*inner_shift);
            }
            weight.extend(sums.into_iter().map(|sum| sum as f32));
            bias.push(total as f32);
        }
        Self { native: first.native, weight, bias }
    }

    /// The image of `native`, which must be as long as a row.
    #[must_use]
    pub fn apply(&self, native: &[f32]) -> Vec<f32> {
        self.rows().zip(&self.bias).map(|(row, bias)| inner(row, native) + bias).collect()
    }
}

/// The inner product in eight sums side by side, which compiles to vector instructions; a single sum may not be
/// reordered and would run one addition at a time.
fn inner(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0_f32; 8];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f32>() + vector::dot(a_rest, b_rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_maps_in_a_row_are_one() {
        let first = Affine::new(2, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], vec![1.0, 0.0, -1.0]).unwrap();
        let second = Affine::new(3, vec![1.0, 0.0, 2.0], vec![10.0]).unwrap();
        // first: (1·7 + 2·8 + 1, 3·7 + 4·8, 5·7 + 6·8 − 1) = (24, 53, 82); second: 24 + 2·82 + 10 = 198
        assert_eq!(second.apply(&first.apply(&[7.0, 8.0])), [198.0]);
        assert_eq!(second.after(&first).apply(&[7.0, 8.0]), [198.0]);
        assert_eq!(second.less(&[1.0, 1.0, 1.0]).apply(&[2.0, 3.0, 5.0]), [1.0 + 8.0 + 10.0]);
        assert!(Affine::new(2, vec![1.0; 5], vec![0.0; 3]).is_err());
    }
}
