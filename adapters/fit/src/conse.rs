//! A classifier's probabilities into a space, from what its classes are called: a list of names is an alignment.
//!
//! Each class lies at the unit mean of its names' text vectors, less the mean of all classes; what was classified lies
//! at the sum of its classes by their probabilities (ConSE: Norouzi et al., *Zero-Shot Learning by Convex Combination
//! of Semantic Embeddings*, 2014). The mean is taken away because all names of one field have most of their direction
//! in common; by it alone a question finds no class before another.

use onespace_alignment::{Affine, Map};
use onespace_core::{Error, Reason, Result, vector};

/// The map, and the two classes that it tells apart least.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// From probabilities to vectors that have yet to be brought to unit length.
    pub map: Map,
    /// The numbers of the two classes that lie nearest, and their cosine.
    pub nearest: (usize, usize, f32),
}

/// The map of a classifier, from the unit text vectors of the names of each class, in the classifier's order.
///
/// # Errors
/// `FIELD_INVALID` for fewer than two classes, a class without names, names that cancel each other out, or names that
/// are the same for all.
pub fn conse(classes: &[Vec<&[f32]>]) -> Result<Named> {
    let invalid = |message: String| Error::new(Reason::FieldInvalid, "classes", message);
    if classes.len() < 2 {
        return Err(invalid(format!("{} classes: there must be two at least", classes.len())));
    }
    let of_class = |(number, names): (usize, &Vec<&[f32]>)| {
        vector::mean(names.iter().copied()).map_err(|error| invalid(format!("class {number}: {}", error.message)))
    };
    let mut directions: Vec<Vec<f32>> = classes.iter().enumerate().map(of_class).collect::<Result<_>>()?;
    let dimension = directions.first().map_or(0, Vec::len);
    let mut centre = vec![0.0; dimension];
    for direction in &directions {
        centre.iter_mut().zip(direction).for_each(|(sum, value)| *sum += value / classes.len() as f32);
    }
    for (number, direction) in directions.iter_mut().enumerate() {
        direction.iter_mut().zip(&centre).for_each(|(value, mean)| *value -= mean);
        let alike = |_| invalid(format!("class {number} lies where all classes lie on the average"));
        vector::normalise(direction).map_err(alike)?;
    }
    let nearest = nearest(&directions);
    let weight = (0..dimension).flat_map(|row| directions.iter().filter_map(move |one| one.get(row)).copied());
    let map = Map::Affine(Affine::new(directions.len(), weight.collect(), vec![0.0; dimension])?);
    Ok(Named { map, nearest })
}

fn nearest(directions: &[Vec<f32>]) -> (usize, usize, f32) {
    let pairs = directions.iter().enumerate().flat_map(|(first, one)| {
        let others = directions.iter().enumerate().take(first);
        others.map(move |(second, other)| (second, first, vector::dot(one, other)))
    });
    pairs.max_by(|a, b| a.2.total_cmp(&b.2)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_surely_of_a_class_lies_where_its_name_does() {
        let names = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.8, 0.6], [0.0, 0.0, 1.0]];
        let classes: Vec<Vec<&[f32]>> = names.iter().map(|name| vec![&name[..]]).collect();
        let named = conse(&classes).unwrap();
        assert_eq!((named.map.native(), named.map.dimension()), (4, 3));
        for (class, _) in names.iter().enumerate() {
            let mut sure = [0.0; 4];
            sure[class] = 1.0;
            let placed = named.map.apply(&sure);
            let cosines: Vec<f32> = names.iter().map(|name| vector::dot(&placed, name)).collect();
            let best = (0..4).max_by(|a, b| cosines[*a].total_cmp(&cosines[*b])).unwrap();
            assert_eq!(best, class, "{cosines:?}");
        }
        assert_eq!((named.nearest.0, named.nearest.1), (1, 2));
    }

    #[test]
    fn several_names_of_a_class_are_one_direction() {
        let (a, b, c) = ([1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]);
        let named = conse(&[vec![&a, &b], vec![&c]]).unwrap();
        let (first, second) = (named.map.apply(&[1.0, 0.0]), named.map.apply(&[0.0, 1.0]));
        assert!((vector::dot(&first, &second) + 1.0).abs() < 1e-6, "two classes lie opposite each other");
        assert!(first[0] > first[1] && first[1] > 0.0, "{first:?}");
    }

    #[test]
    fn what_says_nothing_is_refused() {
        let (a, b) = ([1.0, 0.0], [-1.0, 0.0]);
        let cause = |classes: &[Vec<&[f32]>]| conse(classes).unwrap_err().message;
        assert!(cause(&[vec![&a]]).contains("two at least"));
        assert!(cause(&[vec![&a], vec![]]).contains("class 1"));
        assert!(cause(&[vec![&a, &b], vec![&a]]).contains("class 0"));
        assert!(cause(&[vec![&a], vec![&a]]).contains("on the average"));
    }
}
