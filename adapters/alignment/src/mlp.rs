//! A perceptron of one hidden layer.

use onespace_core::{Error, Reason, Result};

use crate::Affine;

/// `second(relu(first(x)))`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    /// To the hidden layer.
    pub(crate) first: Affine,
    /// From there to the space.
    pub(crate) second: Affine,
}

impl Mlp {
    /// Two layers.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` when the second does not take what the first gives.
    pub fn new(first: Affine, second: Affine) -> Result<Self> {
        if first.dimension() == second.native() {
            return Ok(Self { first, second });
        }
        let message = format!("w2 takes {} values, w1 gives {}", second.native(), first.dimension());
        Err(Error::new(Reason::BundleInvalid, "alignment", message))
    }

    /// The image of `native`, which must be as long as a row of the first layer.
    #[must_use]
    pub fn apply(&self, native: &[f32]) -> Vec<f32> {
        let mut hidden = self.first.apply(native);
        hidden.iter_mut().for_each(|value| *value = value.max(0.0));
        self.second.apply(&hidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_negative_does_not_pass_the_hidden_layer() {
        let first = Affine::new(1, vec![1.0, -1.0], vec![0.0, 0.0]).unwrap();
        let second = Affine::new(2, vec![1.0, 1.0], vec![0.5]).unwrap();
        let absolute = Mlp::new(first.clone(), second).unwrap();
        assert_eq!([-3.0, 3.0].map(|x| absolute.apply(&[x])), [[3.5], [3.5]]);
        assert!(Mlp::new(first.clone(), first).is_err());
    }
}
