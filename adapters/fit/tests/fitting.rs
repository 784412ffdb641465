//! Maps are fitted to pairs whose answer is known.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use onespace_alignment::{Alignment, Map};
use onespace_core::vector::{dot, normalise};
use onespace_fit::{Fitted, Method, Options, Pairs, fit};

type Vectors = Vec<Vec<f32>>;

/// Numbers that look random; a linear congruential generator (Knuth's MMIX), summed to a bell.
struct Dice(u64);

impl Dice {
    fn normal(&mut self) -> f32 {
        let mut uniform = || {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 40) as f32 / (1_u64 << 24) as f32
        };
        (0..12).map(|_| uniform()).sum::<f32>() - 6.0
    }

    fn vector(&mut self, length: usize) -> Vec<f32> {
        (0..length).map(|_| self.normal()).collect()
    }

    fn vectors(&mut self, count: usize, length: usize) -> Vectors {
        (0..count).map(|_| self.vector(length)).collect()
    }
}

fn times(matrix: &[Vec<f32>], x: &[f32]) -> Vec<f32> {
    matrix.iter().map(|row| dot(row, x)).collect()
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    normalise(&mut vector).unwrap();
    vector
}

/// Rows that are orthogonal and of unit length (Gram and Schmidt).
fn rotation(dice: &mut Dice, length: usize) -> Vectors {
    let mut rows: Vectors = Vec::new();
    while rows.len() < length {
        let mut row = dice.vector(length);
        for other in &rows {
            let along = dot(&row, other);
            row.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
        }
        rows.push(unit(row));
    }
    rows
}

fn fitted(source: &[Vec<f32>], target: &[Vec<f32>], method: Method) -> Fitted {
    let options = Options { epochs: 40, ..Options::of(method) };
    fit(&Pairs::new(source, target).unwrap(), &options, &mut |_| {}).unwrap()
}

/// The least and the mean cosine of the images of new source vectors to where they belong.
fn agreement(map: &Map, source: &[Vec<f32>], target: &[Vec<f32>]) -> f32 {
    let alignment = Alignment::of(map.clone());
    let cosine = |(x, y): (&Vec<f32>, &Vec<f32>)| dot(&alignment.apply(unit(x.clone())).unwrap(), &unit(y.clone()));
    source.iter().zip(target).map(cosine).sum::<f32>() / source.len() as f32
}

#[test]
fn a_rotation_is_recovered() {
    let mut dice = Dice(1);
    let turn = rotation(&mut dice, 24);
    let (source, new) = (dice.vectors(300, 24), dice.vectors(50, 24));
    let turned = |vectors: &[Vec<f32>]| vectors.iter().map(|x| times(&turn, x)).collect::<Vectors>();
    let Fitted { map, report } = fitted(&source, &turned(&source), Method::Procrustes);
    assert!(agreement(&map, &new, &turned(&new)) > 0.9999);
    assert_eq!((report.refused, report.after.forward.at[0], report.after.backward.at[0]), (None, 1.0, 1.0));
    assert!(report.before.forward.at[0] < 0.2 && report.chance.forward.at[0] < 0.02);
    assert_eq!((report.fitted, report.test), (240, 60));
}

/// Into more and into fewer values than there were.
#[test]
fn unequal_lengths_are_bridged() {
    let mut dice = Dice(2);
    let wide = rotation(&mut dice, 24);
    for (p, q) in [(8, 24), (24, 8)] {
        let source = dice.vectors(300, p);
        let target: Vectors = match q {
            24 => source.iter().map(|x| wide.iter().map(|row| dot(&row[..p], x)).collect()).collect(),
            _ => source.iter().map(|x| times(&wide[..q], x)).collect(),
        };
        for method in [Method::Procrustes, Method::Ridge, Method::Cca] {
            let Fitted { report, .. } = fitted(&source, &target, method);
            let found = report.after.forward.at[0];
            assert!(report.refused.is_none() && found > 0.9, "{method} {p} → {q}: {found} {:?}", report.refused);
        }
    }
    let (source, target) = (dice.vectors(100, 4), dice.vectors(100, 8));
    let error = fit(&Pairs::new(&source, &target).unwrap(), &Options::of(Method::Center), &mut |_| {}).unwrap_err();
    assert!(error.message.contains("procrustes"), "{error}");
}

/// With barely more pairs than values, a small matrix says more than one that explains every pair.
#[test]
fn ridge_stands_noise_that_plain_least_squares_does_not() {
    let mut dice = Dice(3);
    let (p, q) = (48, 32);
    let matrix: Vectors = dice.vectors(q, p);
    let mut noisy = |source: &[Vec<f32>], noise: f32| -> Vectors {
        source.iter().map(|x| times(&matrix, x).iter().map(|y| y + noise * dice.normal()).collect()).collect()
    };
    let mut other = Dice(4);
    let (source, new) = (other.vectors(100, p), other.vectors(200, p));
    let (target, clean) = (noisy(&source, 6.0), noisy(&new, 0.0));
    let pairs = Pairs::new(&source, &target).unwrap();
    let with = |lambda| fit(&pairs, &Options { lambda, ..Options::of(Method::Ridge) }, &mut |_| {}).unwrap();
    let (chosen, plain) = (with(None), with(Some(0.0)));
    let (small, large) = (agreement(&chosen.map, &new, &clean), agreement(&plain.map, &new, &clean));
    assert!(small > large + 0.05, "ridge {small} ({}), least squares {large}", chosen.report.chosen);

    // Fewer pairs than values: there is no such thing as plain least squares, and the error says what there is.
    let few = Pairs::new(&source[..48], &target[..48]).unwrap();
    let error = fit(&few, &Options { lambda: Some(0.0), ..Options::of(Method::Ridge) }, &mut |_| {}).unwrap_err();
    assert_eq!(error.field, "lambda");
    assert!(error.message.contains("48 values") && error.message.contains("procrustes"), "{error}");
}

/// Two views of the same few hidden numbers, one of them under loud noise: what varies most is not what is shared.
#[test]
fn cca_finds_what_both_share() {
    let mut dice = Dice(5);
    let (hidden, p, q, n) = (6, 40, 30, 1500);
    let (into_x, into_y) = (dice.vectors(p, hidden), dice.vectors(q, hidden));
    let latent = dice.vectors(n, hidden);
    let (into_noise_x, into_noise_y) = (dice.vectors(p, 8), dice.vectors(q, 8));
    let mut view = |into: &Vectors, into_noise: &Vectors, loudness: f32| -> Vectors {
        let seen = |z: &Vec<f32>| {
            let noise: Vec<f32> = dice.vector(8).iter().map(|value| loudness * value).collect();
            times(into, z).iter().zip(times(into_noise, &noise)).map(|(signal, noise)| signal + noise).collect()
        };
        latent.iter().map(seen).collect()
    };
    let (source, target) = (view(&into_x, &into_noise_x, 4.0), view(&into_y, &into_noise_y, 0.2));
    let found = |method| fitted(&source, &target, method).report;
    let (cca, procrustes) = (found(Method::Cca), found(Method::Procrustes));
    let chance = cca.chance.backward.at[2];
    assert!(cca.refused.is_none(), "{:?}", cca.refused);
    assert!(cca.after.backward.at[2] > 5.0 * chance, "{:?} of chance {chance}", cca.after);
    assert!(cca.after.score() > 1.5 * procrustes.after.score(), "{:?} {:?}", cca.after, procrustes.after);
}

/// Where the target depends on the size of source values and not on their sign, no matrix helps.
#[test]
fn a_perceptron_learns_what_no_matrix_can_say() {
    let mut dice = Dice(6);
    let mixing = dice.vectors(24, 12);
    let source = dice.vectors(1200, 12);
    let bent = |x: &Vec<f32>| times(&mixing, &x.iter().map(|value| value.abs() + 0.4 * value).collect::<Vec<_>>());
    let target: Vectors = source.iter().map(bent).collect();
    let Fitted { map, report } = fitted(&source, &target, Method::Mlp);
    let (method, closed) = report.closed.unwrap();
    assert!(report.refused.is_none(), "{:?}", report.refused);
    assert!(
        report.after.forward.at[0] > closed.forward.at[0] + 0.1,
        "mlp {:?}, {method} {:?}; {}",
        report.after.forward,
        closed.forward,
        report.chosen
    );
    assert!(matches!(map, Map::Mlp(_)));
    let again = fitted(&source, &target, Method::Mlp);
    assert_eq!(again.map, map, "the same seed, the same map");

    // What a matrix says already is refused as a perceptron, and the method that does as well is named.
    let plain: Vectors = source.iter().map(|x| times(&mixing, x)).collect();
    let refused = fitted(&source, &plain, Method::Mlp).report.refused.unwrap();
    assert!(refused.contains("no better than") && refused.contains("--method"), "{refused}");
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let mut dice = Dice(7);
    let (source, target) = (dice.vectors(400, 16), dice.vectors(400, 16));
    for method in [Method::Center, Method::Procrustes, Method::Ridge, Method::Cca] {
        let refused = fitted(&source, &target, method).report.refused;
        assert!(refused.is_some_and(|why| why.contains("guessing") || why.contains("no map")), "{method}");
    }
}

/// The gap between two modalities of one space closes; what was told apart before is told apart after.
#[test]
fn centring_closes_the_gap() {
    let mut dice = Dice(8);
    let (gap, target) = (dice.vector(16), dice.vectors(400, 16));
    let source: Vectors = target
        .iter()
        .map(|y| y.iter().zip(&gap).map(|(value, gap)| value + 3.0 * gap + 0.2 * dice.normal()).collect())
        .collect();
    let report = fitted(&source, &target, Method::Center).report;
    assert!(report.after.forward.at[0] > report.before.forward.at[0] + 0.5, "{:?} {:?}", report.after, report.before);
    assert!(report.refused.is_none());
}
