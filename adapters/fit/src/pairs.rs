//! Pairs of vectors, and their splits.

use std::collections::{BTreeMap, HashMap};

use faer::Mat;
use onespace_core::{Result, vector};

use crate::{invalid, picked, random::Random};

/// How many different things pairs must show at least: below it a split says nothing.
pub(crate) const THINGS_MIN: usize = 40;

/// How many of them each part of a split must have.
const PART_MIN: usize = 5;

/// With fewer pairs than these beside the test, choices are made on each of so many folds in turn: a fifth of a few
/// pairs says too little.
const FOLDED: usize = 1000;
const FOLDS: usize = 5;

/// Rows that hang together, set by set.
type Islands = Vec<Vec<usize>>;

/// The shares of the pairs that are tested on, and of the rest that choices are made on, with their upper bounds:
/// measuring compares everything with everything.
const TEST: (f64, usize) = (0.2, 2000);
const VALIDATION: (f64, usize) = (0.2, 1000);

/// Paired unit vectors: column `i` of the source belongs to column `i` of the target.
///
/// Vectors that are equal to the last bit are one thing, shown several times: all its pairs are right answers.
#[derive(Clone, Debug)]
pub struct Pairs {
    source: Mat<f32>,
    target: Mat<f32>,
    /// Which thing each column is.
    source_thing: Vec<usize>,
    target_thing: Vec<usize>,
}

/// Pairs for each purpose; no thing is both in `fitting` and in `test`, or on both sides of a choice.
#[derive(Debug)]
pub(crate) struct Split {
    /// What choices are made on: one, or each of several folds in turn.
    pub choices: Vec<Choice>,
    /// All but the test.
    pub fitting: Pairs,
    pub test: Pairs,
}

/// Pairs to fit on, and others to see which fit is best.
#[derive(Debug)]
pub(crate) struct Choice {
    pub train: Pairs,
    pub validation: Pairs,
}

impl Pairs {
    /// Pairs from two equally long lists of vectors, which are brought to unit length.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the side and the row: unequal counts or lengths, values that are not finite, vectors
    /// without direction.
    pub fn new(source: &[Vec<f32>], target: &[Vec<f32>]) -> Result<Self> {
        if source.len() != target.len() {
            let message = format!("{} source vectors and {} target vectors are no pairs", source.len(), target.len());
            return Err(invalid("pairs", message));
        }
        let (source_columns, target_columns) = (columns("source", source)?, columns("target", target)?);
        Ok(Self {
            source: source_columns,
            target: target_columns,
            source_thing: things(source),
            target_thing: things(target),
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.source_thing.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The source's vectors as columns.
    #[must_use]
    pub fn source(&self) -> &Mat<f32> {
        &self.source
    }

    /// The target's vectors as columns.
    #[must_use]
    pub fn target(&self) -> &Mat<f32> {
        &self.target
    }

    /// Which source thing and which target thing each pair shows.
    pub(crate) fn things(&self) -> impl Iterator<Item = (usize, usize)> {
        self.source_thing.iter().copied().zip(self.target_thing.iter().copied())
    }

    /// Some of the pairs.
    pub(crate) fn only(&self, rows: &[usize]) -> Self {
        let of = |things: &[usize]| rows.iter().filter_map(|row| things.get(*row).copied()).collect();
        Self {
            source: picked(&self.source, rows),
            target: picked(&self.target, rows),
            source_thing: of(&self.source_thing),
            target_thing: of(&self.target_thing),
        }
    }

    /// Splits by things: what shares a source or a target stays together.
    ///
    /// # Errors
    /// `FIELD_INVALID` when the pairs show too few different things.
    pub(crate) fn split(&self, seed: u64) -> Result<Split> {
        let mut islands = self.islands();
        if islands.len() < THINGS_MIN {
            let message = format!(
                "{} pairs show {} things that share neither source nor target, at least {THINGS_MIN} are needed",
                self.len(),
                islands.len()
            );
            return Err(invalid("pairs", message));
        }
        Random::new(seed).shuffle(&mut islands);
        let (test, rest) = drawn(islands, TEST);
        let parts = if rest.iter().map(Vec::len).sum::<usize>() < FOLDED {
            let fold = |of: usize| rest.iter().cloned().enumerate().partition(|(at, _)| at % FOLDS == of);
            let bare = |islands: Vec<(usize, Vec<usize>)>| islands.into_iter().map(|(_, island)| island).collect();
            (0..FOLDS).map(fold).map(|(validation, train)| (bare(validation), bare(train))).collect()
        } else {
            vec![drawn(rest.clone(), VALIDATION)]
        };
        if parts
            .iter()
            .map(|(validation, _): &(Islands, _)| validation.len())
            .chain([test.len()])
            .any(|things| things < PART_MIN)
        {
            let message = "too many pairs hang together by a shared source or target to hold any out: name more things";
            return Err(invalid("pairs", message));
        }
        let choice = |(validation, train): (Islands, Islands)| Choice {
            train: self.only(&train.concat()),
            validation: self.only(&validation.concat()),
        };
        Ok(Split {
            choices: parts.into_iter().map(choice).collect(),
            fitting: self.only(&rest.concat()),
            test: self.only(&test.concat()),
        })
    }

    /// The rows of each set of pairs that hang together.
    fn islands(&self) -> Islands {
        // Things are nodes, pairs are edges; `above` leads from every node to one that stands for its island.
        let sources = self.source_thing.iter().max().map_or(0, |last| last + 1);
        let targets = self.target_thing.iter().max().map_or(0, |last| last + 1);
        let mut above: Vec<usize> = (0..sources + targets).collect();
        for (source, target) in self.things() {
            let (one, other) = (top(&mut above, source), top(&mut above, sources + target));
            if let Some(node) = above.get_mut(one) {
                *node = other;
            }
        }
        let mut islands: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (row, source) in self.source_thing.iter().enumerate() {
            islands.entry(top(&mut above, *source)).or_default().push(row);
        }
        islands.into_values().collect()
    }
}

/// The node that stands for the island of `node`; the way there is halved on the way.
fn top(above: &mut [usize], mut node: usize) -> usize {
    loop {
        let parent = above.get(node).copied().unwrap_or(node);
        if parent == node {
            return node;
        }
        let grand = above.get(parent).copied().unwrap_or(parent);
        if let Some(slot) = above.get_mut(node) {
            *slot = grand;
        }
        node = grand;
    }
}

/// Islands up to a share of all rows, and the others. One that is larger than what is missing is left to the others.
fn drawn(islands: Islands, (share, most): (f64, usize)) -> (Islands, Islands) {
    let rows: usize = islands.iter().map(Vec::len).sum();
    let mut room = ((rows as f64 * share) as usize).min(most);
    islands.into_iter().partition(|island| {
        let fits = island.len() <= room;
        room -= if fits { island.len() } else { 0 };
        fits
    })
}

/// Unit vectors as columns.
fn columns(side: &str, vectors: &[Vec<f32>]) -> Result<Mat<f32>> {
    let length = vectors.first().map_or(0, Vec::len);
    let mut columns = Mat::zeros(length, vectors.len());
    for (row, values) in vectors.iter().enumerate() {
        let field = || format!("pairs.{side}[{row}]");
        if values.len() != length {
            return Err(invalid(&field(), format!("{} values, the first has {length}", values.len())));
        }
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(invalid(&field(), format!("value {at} is not finite")));
        }
        let column = columns.col_as_slice_mut(row);
        column.copy_from_slice(values);
        vector::normalise(column).map_err(|_| invalid(&field(), "is 0 throughout and has no direction"))?;
    }
    Ok(columns)
}

/// A number for each vector, the same for equal ones.
fn things(vectors: &[Vec<f32>]) -> Vec<usize> {
    let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
    let bits = |vector: &Vec<f32>| vector.iter().map(|value| value.to_bits()).collect();
    vectors
        .iter()
        .map(|vector| {
            let next = known.len();
            *known.entry(bits(vector)).or_insert(next)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn vector(at: usize) -> Vec<f32> {
        let mut random = Random::new(at as u64);
        (0..4).map(|_| random.normal() as f32).collect()
    }

    #[test]
    fn bad_pairs_are_refused_by_side_and_row() {
        let good = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
        for (source, target, field, message) in [
            (good.clone(), vec![vec![1.0]], "pairs", "2 source vectors and 1 target vectors"),
            (vec![vec![1.0, 0.0], vec![1.0]], good.clone(), "pairs.source[1]", "1 values"),
            (good.clone(), vec![vec![1.0], vec![f32::NAN]], "pairs.target[1]", "value 0 is not finite"),
            (vec![vec![1.0], vec![0.0]], good.clone(), "pairs.source[1]", "no direction"),
        ] {
            let error = Pairs::new(&source, &target).unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.message.contains(message), "{error}");
        }
        let few: Vec<_> = (0..39).map(vector).collect();
        let error = Pairs::new(&few, &few).unwrap().split(0).unwrap_err();
        assert!(error.message.contains("39 things") && error.message.contains("40"), "{error}");
        let same = vec![vector(0); 500];
        assert!(
            Pairs::new(&[&few[..]; 10].concat(), &same[..390]).unwrap().split(0).is_err(),
            "one target, whatever the pairs"
        );
    }

    fn of(part: &Pairs, side: usize) -> BTreeSet<usize> {
        part.things().map(|(source, target)| [source, target][side]).collect()
    }

    fn assert_kept_apart(parts: &[&Pairs; 3]) {
        assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), 550);
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            for side in [0, 1] {
                assert!(of(parts[one], side).is_disjoint(&of(parts[other], side)));
            }
        }
    }

    #[test]
    fn what_hangs_together_stays_together() {
        // Five recordings of each of 100 texts; every tenth recording is also called by another text.
        let recordings: Vec<_> = (0..500).map(vector).chain((0..500).step_by(10).map(vector)).collect();
        let texts: Vec<_> =
            (0..500).map(|at| vector(1000 + at / 5)).chain((0..500).step_by(10).map(|at| vector(2000 + at))).collect();
        let pairs = Pairs::new(&recordings, &texts).unwrap();
        let split = pairs.split(7).unwrap();
        assert_eq!(split.choices.iter().map(|choice| choice.validation.len()).sum::<usize>(), split.fitting.len());
        for Choice { train, validation } in &split.choices {
            assert_kept_apart(&[train, validation, &split.test]);
        }
        assert!((100..=110).contains(&split.test.len()), "{}", split.test.len());
        let again = pairs.split(7).unwrap();
        assert_eq!(of(&again.test, 0), of(&split.test, 0));
        assert_ne!(of(&pairs.split(8).unwrap().test, 0), of(&split.test, 0));
    }
}
