//! Who finds whom among pairs that had no part in a fit.

use std::collections::{BTreeMap, BTreeSet};

use faer::Mat;

use crate::{Pairs, picked};

/// The places that count: a right answer among the first 1, 5, 10.
pub const PLACES: [usize; 3] = [1, 5, 10];

/// Standard deviations above guessing at which a map is believed to have found something.
const DEVIATIONS: f64 = 3.0;

/// How often a right answer is among the first, asked one way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recall {
    /// For each of [`PLACES`], the share of questions.
    pub at: [f64; 3],
    /// The mean of 1 / the place of the first right answer; of guessing it is not said.
    pub reciprocal: Option<f64>,
    /// Questions.
    pub questions: usize,
    /// Different answers to choose from.
    pub pool: usize,
}

/// Both ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Source asks, target answers.
    pub forward: Recall,
    /// Target asks, source answers.
    pub backward: Recall,
}

impl Found {
    /// One number to choose by: the mean reciprocal rank, both ways.
    #[must_use]
    pub fn score(&self) -> f64 {
        [self.forward, self.backward].iter().filter_map(|way| way.reciprocal).sum::<f64>() / 2.0
    }
}

/// Things that ask and answer; each is there once, however many pairs show it.
pub(crate) struct Gallery<'a> {
    pairs: &'a Pairs,
    sources: Side,
    targets: Side,
}

/// The things of one side.
struct Side {
    /// A column that shows each.
    shown: Vec<usize>,
    /// The things of the other side that belong to each.
    right: Vec<Vec<usize>>,
}

impl<'a> Gallery<'a> {
    /// The things of some pairs.
    pub fn of(pairs: &'a Pairs) -> Self {
        let (mut sources, mut targets) = (BTreeMap::new(), BTreeMap::new());
        let edges: BTreeSet<(usize, usize)> = pairs
            .things()
            .enumerate()
            .map(|(column, (source, target))| {
                (number(&mut sources, source, column), number(&mut targets, target, column))
            })
            .collect();
        let side = |known: BTreeMap<usize, (usize, usize)>, edges: Vec<(usize, usize)>| {
            let mut columns: Vec<_> = known.into_values().collect();
            columns.sort_unstable();
            let mut right = vec![Vec::new(); columns.len()];
            edges.into_iter().for_each(|(one, other)| right.get_mut(one).into_iter().for_each(|list| list.push(other)));
            Side { shown: columns.into_iter().map(|(_, column)| column).collect(), right }
        };
        let back = edges.iter().map(|(source, target)| (*target, *source)).collect();
        Self { pairs, sources: side(sources, edges.into_iter().collect()), targets: side(targets, back) }
    }

    /// What is found when the sources lie at `images`: unit columns, one for each pair.
    pub fn measure(&self, images: &Mat<f32>) -> Found {
        let sources = picked(images, &self.sources.shown);
        let targets = picked(self.pairs.target(), &self.targets.shown);
        Found {
            forward: recall(&(targets.transpose() * &sources), &self.sources.right),
            backward: recall(&(sources.transpose() * &targets), &self.targets.right),
        }
    }

    /// What guessing finds: the expectation over all orders.
    pub fn chance(&self) -> Found {
        let way = |side: &Side, pool: usize| {
            let questions = side.right.len();
            let at = PLACES.map(|places| {
                side.right.iter().map(|right| guessed(right.len(), pool, places)).sum::<f64>() / questions as f64
            });
            Recall { at, reciprocal: None, questions, pool }
        };
        let (sources, targets) = (self.sources.shown.len(), self.targets.shown.len());
        Found { forward: way(&self.sources, targets), backward: way(&self.targets, sources) }
    }

    /// Whether the first places are right more often than guessing would have it by more than luck.
    pub fn beats_chance(&self, found: &Found) -> bool {
        let (mut expected, mut variance) = (0.0, 0.0);
        for (side, pool) in [(&self.sources, self.targets.shown.len()), (&self.targets, self.sources.shown.len())] {
            for right in &side.right {
                let chance = guessed(right.len(), pool, 1);
                expected += chance;
                variance += chance * (1.0 - chance);
            }
        }
        let hits = |way: &Recall| way.at.first().copied().unwrap_or_default() * way.questions as f64;
        hits(&found.forward) + hits(&found.backward) > expected + DEVIATIONS * variance.sqrt()
    }
}

/// The number of a thing among those seen so far, and the column that first shows it.
fn number(known: &mut BTreeMap<usize, (usize, usize)>, thing: usize, column: usize) -> usize {
    let next = known.len();
    known.entry(thing).or_insert((next, column)).0
}

/// Column `i` of the scores is question `i`. Wrong answers of the same score stand before right ones: a map that puts
/// everything in one place finds nothing.
fn recall(scores: &Mat<f32>, right: &[Vec<usize>]) -> Recall {
    let (mut hits, mut reciprocal) = ([0.0; 3], 0.0);
    for (question, right) in right.iter().enumerate() {
        let answers = scores.col_as_slice(question);
        let of = |answer: &usize| answers.get(*answer).copied().unwrap_or(f32::NEG_INFINITY);
        let best = right.iter().map(of).fold(f32::NEG_INFINITY, f32::max);
        let before = |scores: &mut dyn Iterator<Item = f32>| scores.filter(|score| *score >= best).count();
        let place = before(&mut answers.iter().copied()) - before(&mut right.iter().map(of)) + 1;
        hits.iter_mut().zip(PLACES).for_each(|(hits, places)| *hits += if place <= places { 1.0 } else { 0.0 });
        reciprocal += 1.0 / place as f64;
    }
    let questions = right.len();
    let share = |sum: f64| sum / questions as f64;
    Recall { at: hits.map(share), reciprocal: Some(share(reciprocal)), questions, pool: scores.nrows() }
}

/// The probability that one of `right` is among `places` drawn from `pool` without putting back.
fn guessed(right: usize, pool: usize, places: usize) -> f64 {
    let wrong = pool.saturating_sub(right);
    let missed = (0..places.min(pool)).map(|drawn| wrong.saturating_sub(drawn) as f64 / (pool - drawn) as f64);
    1.0 - missed.product::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(targets: &[[f32; 2]]) -> Pairs {
        let sources: Vec<_> = (0..targets.len()).map(|at| vec![1.0, at as f32]).collect();
        let targets: Vec<_> = targets.iter().map(|target| target.to_vec()).collect();
        Pairs::new(&sources, &targets).unwrap()
    }

    #[test]
    fn equal_targets_are_one_answer_and_all_of_its_pairs_are_right() {
        let pairs = pairs(&[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]);
        let gallery = Gallery::of(&pairs);
        let perfect = gallery.measure(pairs.target());
        assert_eq!((perfect.forward.at, perfect.backward.at), ([1.0; 3], [1.0; 3]));
        assert_eq!((perfect.forward.questions, perfect.forward.pool, perfect.backward.pool), (3, 2, 3));
        // Two of three sources are right for the first target, one for the second.
        let chance = gallery.chance();
        assert!((chance.forward.at[0] - 0.5).abs() < 1e-9);
        assert!((chance.backward.at[0] - (2.0 / 3.0 + 1.0 / 3.0) / 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_map_to_one_place_finds_nothing() {
        let pairs = pairs(&[[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]);
        let gallery = Gallery::of(&pairs);
        let collapsed = Mat::from_fn(2, 3, |row, _| if row == 0 { 1.0_f32 } else { 0.0 });
        let found = gallery.measure(&collapsed);
        assert_eq!(found.backward.at[0], 0.0, "all sources are as near as the right one");
        assert!((found.forward.at[0] - 1.0 / 3.0).abs() < 1e-9);
        assert!(!gallery.beats_chance(&found) && !gallery.beats_chance(&gallery.chance()));
    }

    #[test]
    fn guessing_is_counted_exactly() {
        // 2 right of 5, 2 drawn: 1 − (3/5 · 2/4)
        assert!((guessed(2, 5, 2) - 0.7).abs() < 1e-12);
        assert_eq!((guessed(1, 4, 10), guessed(4, 4, 1)), (1.0, 1.0));
    }
}
