//! An encoder's native vector into the shared space.
//!
//! An [`Alignment`] is what stands between two encoders that were not trained together: a map fitted from pairs
//! (`adapters/fit`), kept in a safetensors file ([`mod@file`]). Its result is brought to unit length. A tower whose
//! graph already ends in the shared space has the identity.

mod affine;
pub mod file;
mod mlp;

pub use affine::Affine;
pub use mlp::Mlp;

use onespace_core::{Error, Reason, Result, vector};

/// One map from vectors to vectors.
#[derive(Clone, Debug, PartialEq)]
pub enum Map {
    /// `weight · x + bias`.
    Affine(Affine),
    /// `w2 · relu(w1 · x + b1) + b2`.
    Mlp(Mlp),
}

impl Map {
    /// The length of what it takes.
    #[must_use]
    pub fn native(&self) -> usize {
        match self {
            Self::Affine(map) => map.native(),
            Self::Mlp(map) => map.first.native(),
        }
    }

    /// The length of what it gives.
    #[must_use]
    pub fn dimension(&self) -> usize {
        match self {
            Self::Affine(map) => map.dimension(),
            Self::Mlp(map) => map.second.dimension(),
        }
    }

    /// The same map of vectors that `mean` is taken from first.
    #[must_use]
    pub fn less(self, mean: &[f32]) -> Self {
        match self {
            Self::Affine(map) => Self::Affine(map.less(mean)),
            Self::Mlp(Mlp { first, second }) => Self::Mlp(Mlp { first: first.less(mean), second }),
        }
    }

    /// The image of `native`, which must be as long as [`Map::native`]; of any length (norm).
    #[must_use]
    pub fn apply(&self, native: &[f32]) -> Vec<f32> {
        match self {
            Self::Affine(map) => map.apply(native),
            Self::Mlp(map) => map.apply(native),
        }
    }
}

/// A way from native vectors to unit vectors of the space: the tower's own map, if it has one, then those that were
/// fitted between whole spaces, each of which takes unit vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Alignment {
    native: usize,
    own: Option<Map>,
    then: Vec<Map>,
}

impl Alignment {
    /// The alignment of a graph that gives vectors of the space itself: only their length is brought to 1.
    #[must_use]
    pub fn identity(dimension: usize) -> Self {
        Self { native: dimension, own: None, then: Vec::new() }
    }

    /// The alignment that is one map.
    #[must_use]
    pub fn of(map: Map) -> Self {
        Self { native: map.native(), own: Some(map), then: Vec::new() }
    }

    /// The length of what it takes.
    #[must_use]
    pub fn native(&self) -> usize {
        self.native
    }

    /// The length of what it gives.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.then.last().or(self.own.as_ref()).map_or(self.native, Map::dimension)
    }

    /// The same, followed by a map between spaces: the tower's vectors move on into another space.
    ///
    /// Where both are one matrix and the second adds nothing, they become one matrix: the length between them does
    /// not matter then. Otherwise both are kept, with unit length between them.
    ///
    /// # Errors
    /// `FIELD_INVALID` when the map takes vectors of another length than these are.
    pub fn followed_by(mut self, map: Map) -> Result<Self> {
        if map.native() != self.dimension() {
            let message =
                format!("it takes vectors of {} values, those of the source have {}", map.native(), self.dimension());
            return Err(Error::new(Reason::FieldInvalid, "alignment", message));
        }
        match (&self.own, &map) {
            (None, Map::Affine(second)) if self.then.is_empty() && second.is_linear() => self.own = Some(map),
            (Some(Map::Affine(first)), Map::Affine(second)) if self.then.is_empty() && second.is_linear() => {
                self.own = Some(Map::Affine(second.after(first)));
            }
            _ => self.then.push(map),
        }
        Ok(self)
    }

    /// The unit vector of the space for one native vector.
    ///
    /// # Errors
    /// `MODEL_FAILED` when `native` has another length, is not finite, or lands where there is no direction.
    pub fn apply(&self, native: Vec<f32>) -> Result<Vec<f32>> {
        if native.len() != self.native {
            let message = format!("a vector of {} values, {} are aligned", native.len(), self.native);
            return Err(Error::new(Reason::ModelFailed, "", message));
        }
        let mut shared = match &self.own {
            Some(map) => map.apply(&native),
            None => native,
        };
        for map in &self.then {
            vector::normalise(&mut shared)?;
            shared = map.apply(&shared);
        }
        vector::normalise(&mut shared)?;
        Ok(shared)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn affine(native: usize, dimension: usize, bias: f32) -> Map {
        let weight = (0..native * dimension).map(|at| (at as f32 * 0.37).sin()).collect();
        Map::Affine(Affine::new(native, weight, vec![bias; dimension]).unwrap())
    }

    #[test]
    fn vectors_without_direction_are_refused() {
        let alignment = Alignment::identity(2);
        for native in [vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![f32::INFINITY, 1.0], vec![1.0]] {
            assert_eq!(alignment.apply(native).unwrap_err().reason, Reason::ModelFailed);
        }
        assert_eq!(Alignment::identity(2).apply(vec![3.0, 4.0]).unwrap(), [0.6, 0.8]);
    }

    /// Two maps in a row give what the space between them would have given, whether they became one or not.
    #[test]
    fn what_follows_takes_unit_vectors() {
        let native = [2.0_f32, -3.0, 5.0];
        for (first, second) in [(0.0, 0.0), (0.7, 0.0), (0.0, 0.4), (0.7, 0.4)] {
            let (first, second) = (affine(3, 4, first), affine(4, 2, second));
            let mut between = first.apply(&native);
            vector::normalise(&mut between).unwrap();
            let mut wanted = second.apply(&between);
            vector::normalise(&mut wanted).unwrap();
            let both = Alignment::of(first).followed_by(second).unwrap();
            assert_eq!((both.native(), both.dimension()), (3, 2));
            assert!(vector::dot(&both.apply(native.to_vec()).unwrap(), &wanted) > 0.999_999);
        }
        // A graph that gives no unit vectors, and no map of its own.
        let shifted = Alignment::identity(4).followed_by(affine(4, 2, 0.4)).unwrap();
        let (short, long) = (vec![0.6, 0.0, 0.8, 0.0], vec![6.0, 0.0, 8.0, 0.0]);
        assert!(vector::dot(&shifted.apply(short).unwrap(), &shifted.apply(long).unwrap()) > 0.999_999);
        let refused = Alignment::identity(3).followed_by(affine(4, 2, 0.0)).unwrap_err();
        assert!(refused.message.contains("4 values") && refused.message.contains("have 3"), "{refused}");
    }

    #[test]
    fn aligning_costs_nothing_that_matters() {
        let (native, dimension, rounds) = (1024, 1024, 50);
        let alignment = Alignment::of(affine(native, dimension, 0.0));
        let vector: Vec<f32> = (0..native).map(|at| (at as f32 * 0.11).cos()).collect();
        let start = Instant::now();
        for _ in 0..rounds {
            alignment.apply(vector.clone()).unwrap();
        }
        let each = start.elapsed() / rounds;
        println!("{native} to {dimension} values: {each:?}");
        assert!(each.as_millis() < 20, "{each:?}");
    }
}
