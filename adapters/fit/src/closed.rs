//! The closed forms.

use std::fmt;

use faer::{Mat, MatRef, Side};
use onespace_alignment::{Affine, Map};
use onespace_core::{Error, Result};

use crate::{
    Method, Options, Pairs, Progress, invalid,
    pairs::{Choice, Split},
    recall::Gallery,
    unit,
};

/// λ of ridge, as a share of the mean variance of a source value.
const LAMBDAS: [f64; 9] = [1e-5, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 10.0];

/// What is added to the variances that CCA whitens by, as a share of their mean.
const SHRINKAGES: [f64; 4] = [1e-3, 1e-2, 0.1, 1.0];

/// The shares of all directions that CCA keeps.
const RANKS: [f64; 5] = [1.0, 0.5, 0.25, 0.125, 0.0625];

/// How much of the target's mean is put back; all of it where less is no better, for that is where its vectors lie.
const SHIFTS: [f64; 3] = [1.0, 0.5, 0.0];

/// Columns that are summed at once.
const BLOCK: usize = 4096;

/// A direction whose singular value is smaller than this share of the largest was in no pair.
const NULL: f64 = 1e-10;

/// A closed form with its regularisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Closed {
    pub method: Method,
    knob: Knob,
    shift: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Knob {
    None,
    Lambda(f64),
    Cca { shrinkage: f64, rank: usize },
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.knob {
            Knob::None => {}
            Knob::Lambda(lambda) => write!(f, "lambda {lambda}, ")?,
            Knob::Cca { shrinkage, rank } => write!(f, "rank {rank}, shrinkage {shrinkage}, ")?,
        }
        write!(f, "mean {}", self.shift)
    }
}

/// Means and covariances of pairs; all that closed forms need of them.
pub(crate) struct Solver {
    pairs: usize,
    source: Vec<f64>,
    target: Vec<f64>,
    /// `[p, p]`, `[q, q]`, `[q, p]`.
    xx: Mat<f64>,
    yy: Mat<f64>,
    yx: Mat<f64>,
}

impl Solver {
    /// Sums pairs up, in float64.
    pub fn of(pairs: &Pairs) -> Self {
        let (p, q, n) = (pairs.source().nrows(), pairs.target().nrows(), pairs.len());
        let (source, target) = (mean(pairs.source()), mean(pairs.target()));
        let (mut xx, mut yy, mut yx) = (Mat::zeros(p, p), Mat::zeros(q, q), Mat::zeros(q, p));
        for from in (0..n).step_by(BLOCK) {
            let (x, y) = (centred(pairs.source(), &source, from), centred(pairs.target(), &target, from));
            xx += &x * x.transpose();
            yy += &y * y.transpose();
            yx += &y * x.transpose();
        }
        let share = faer::Scale(1.0 / n as f64);
        Self { pairs: n, source, target, xx: share * xx, yy: share * yy, yx: share * yx }
    }

    /// `weight · (x − mean_x) + shift · mean_y`.
    fn map(&self, weight: &Mat<f64>, shift: f64) -> Result<Map> {
        let rows = 0..weight.nrows();
        let moved = |row: usize| self.source.iter().enumerate().map(|(at, mean)| weight[(row, at)] * mean).sum::<f64>();
        let bias = self.target.iter().zip(rows.clone()).map(|(mean, row)| (shift * mean - moved(row)) as f32);
        let values = rows.flat_map(|row| (0..weight.ncols()).map(move |at| weight[(row, at)] as f32));
        Ok(Map::Affine(Affine::new(self.source.len(), values.collect(), bias.collect())?))
    }

    fn centre(&self) -> Result<Mat<f64>> {
        let (p, q) = (self.source.len(), self.target.len());
        if p != q {
            let message = format!("center leaves vectors as they are, but {p} values are not {q}: use procrustes");
            return Err(invalid("method", message));
        }
        Ok(Mat::identity(q, p))
    }

    /// Directions that no pair varies in are mapped to nothing rather than anywhere.
    fn procrustes(&self) -> Result<Mat<f64>> {
        let svd = self.yx.thin_svd().map_err(|_| unsolved("singular values"))?;
        let sizes: Vec<f64> = svd.S().column_vector().iter().copied().collect();
        let largest = sizes.first().copied().unwrap_or_default();
        let kept = sizes.iter().take_while(|size| **size > NULL * largest && **size > 0.0).count();
        let scale = sizes.iter().sum::<f64>() / trace(&self.xx).max(f64::MIN_POSITIVE);
        Ok(faer::Scale(scale) * (svd.U().subcols(0, kept) * svd.V().subcols(0, kept).transpose()))
    }

    /// One matrix for each λ.
    fn ridge(&self, lambdas: &[f64]) -> Result<Vec<Mat<f64>>> {
        let (p, mean) = (self.source.len(), trace(&self.xx) / self.source.len() as f64);
        if lambdas.contains(&0.0) && self.pairs <= p {
            let message = format!(
                "plain least squares needs more pairs than the {p} values of a source vector, {} are there to fit \
                     on: leave --lambda out, or use procrustes or cca",
                self.pairs
            );
            return Err(invalid("lambda", message));
        }
        let eigen = self.xx.self_adjoint_eigen(Side::Lower).map_err(|_| unsolved("eigenvalues"))?;
        let turned = &self.yx * eigen.U();
        let solved = |lambda: &f64| {
            let inverse = |at: usize| 1.0 / (eigen.S().column_vector()[at].max(0.0) + lambda * mean);
            let scaled = Mat::from_fn(turned.nrows(), p, |row, at| turned[(row, at)] * inverse(at));
            scaled * eigen.U().transpose()
        };
        Ok(lambdas.iter().map(solved).collect())
    }

    /// `Cy^½ · U · S` and `Vᵀ · Cx^-½`: the first `r` columns times the first `r` rows is the map of rank `r`.
    fn cca(&self, shrinkage: f64) -> Result<(Mat<f64>, Mat<f64>)> {
        let (x_inverse, _) = roots(&self.xx, shrinkage)?;
        let (y_inverse, y_root) = roots(&self.yy, shrinkage)?;
        let svd = (&y_inverse * &self.yx * &x_inverse).thin_svd().map_err(|_| unsolved("singular values"))?;
        Ok((y_root * (svd.U() * svd.S()), svd.V().transpose() * x_inverse))
    }

    fn rank(&self) -> usize {
        self.source.len().min(self.target.len())
    }
}

impl Closed {
    /// The map of this closed form.
    pub fn solve(&self, solver: &Solver) -> Result<Map> {
        let weight = match self.knob {
            Knob::None if self.method == Method::Center => solver.centre()?,
            Knob::None => solver.procrustes()?,
            Knob::Lambda(lambda) => solver.ridge(&[lambda])?.pop().ok_or_else(|| unsolved("ridge"))?,
            Knob::Cca { shrinkage, rank } => cut(&solver.cca(shrinkage)?, rank),
        };
        solver.map(&weight, self.shift)
    }

    /// What does best on the validation pairs of all choices: of the method that is asked for, or, for `mlp`, of all.
    pub fn best(split: &Split, options: &Options, tell: &mut dyn FnMut(Progress)) -> Result<Self> {
        let methods = match options.method {
            Method::Mlp => vec![Method::Procrustes, Method::Ridge, Method::Cca],
            one => vec![one],
        };
        let steps = methods.len() * split.choices.len();
        // The same candidates in the same order for each choice: scores are summed.
        let mut scores: Vec<(Self, f64)> = Vec::new();
        for (round, choice) in split.choices.iter().enumerate() {
            let mut place = 0;
            for (number, method) in methods.iter().copied().enumerate() {
                tell(Progress { stage: format!("fitting {method}"), done: round * methods.len() + number, steps });
                for (closed, score) in tried(choice, method, options)? {
                    match scores.get_mut(place) {
                        Some((_, sum)) => *sum += score,
                        None => scores.push((closed, score)),
                    }
                    place += 1;
                }
            }
        }
        tell(Progress { stage: "fitting".to_owned(), done: steps, steps });
        // Of equal ones the first.
        let best = scores.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(closed, _)| closed).ok_or_else(|| unsolved("closed forms"))
    }
}

/// Everything that is tried of a method, and how it does on the validation pairs of a choice.
fn tried(choice: &Choice, method: Method, options: &Options) -> Result<Vec<(Closed, f64)>> {
    let (solver, gallery) = (Solver::of(&choice.train), Gallery::of(&choice.validation));
    let x = centred_all(choice.validation.source(), &solver.source);
    let mut tried = Vec::new();
    for (knob, weight) in candidates(&solver, method, options)? {
        let turned = Mat::from_fn(weight.nrows(), weight.ncols(), |row, at| weight[(row, at)] as f32) * &x;
        for shift in SHIFTS {
            let mean = |row: usize| (shift * solver.target.get(row).copied().unwrap_or_default()) as f32;
            let mut images = Mat::from_fn(turned.nrows(), turned.ncols(), |row, at| turned[(row, at)] + mean(row));
            unit(&mut images);
            tried.push((Closed { method, knob, shift }, gallery.measure(&images).score()));
        }
    }
    Ok(tried)
}

/// Everything that is tried of a method.
fn candidates(solver: &Solver, method: Method, options: &Options) -> Result<Vec<(Knob, Mat<f64>)>> {
    match method {
        Method::Center => Ok(vec![(Knob::None, solver.centre()?)]),
        Method::Procrustes => Ok(vec![(Knob::None, solver.procrustes()?)]),
        Method::Ridge => {
            let lambdas = options.lambda.map_or_else(|| LAMBDAS.to_vec(), |lambda| vec![lambda]);
            Ok(lambdas.iter().copied().map(Knob::Lambda).zip(solver.ridge(&lambdas)?).collect())
        }
        Method::Cca => {
            let most = solver.rank();
            let share = |share: f64| ((most as f64 * share) as usize).max(1);
            let ranks = options.rank.map_or_else(|| RANKS.map(share).to_vec(), |rank| vec![rank.clamp(1, most)]);
            let mut tried = Vec::new();
            for shrinkage in SHRINKAGES {
                let factors = solver.cca(shrinkage)?;
                tried.extend(ranks.iter().map(|rank| (Knob::Cca { shrinkage, rank: *rank }, cut(&factors, *rank))));
            }
            Ok(tried)
        }
        Method::Mlp => Err(Error::internal("a perceptron has no closed form")),
    }
}

/// The product of the first `rank` columns and rows.
fn cut((left, right): &(Mat<f64>, Mat<f64>), rank: usize) -> Mat<f64> {
    left.subcols(0, rank) * right.subrows(0, rank)
}

/// The inverse square root and the square root of a covariance, shrunk towards its mean variance.
fn roots(covariance: &Mat<f64>, shrinkage: f64) -> Result<(Mat<f64>, Mat<f64>)> {
    let eigen = covariance.self_adjoint_eigen(Side::Lower).map_err(|_| unsolved("eigenvalues"))?;
    let floor = (shrinkage * trace(covariance) / covariance.nrows() as f64).max(f64::MIN_POSITIVE);
    let power = |exponent: f64| {
        let scaled = Mat::from_fn(covariance.nrows(), covariance.ncols(), |row, at| {
            eigen.U()[(row, at)] * (eigen.S().column_vector()[at].max(0.0) + floor).powf(exponent)
        });
        scaled * eigen.U().transpose()
    };
    Ok((power(-0.5), power(0.5)))
}

fn trace(square: &Mat<f64>) -> f64 {
    (0..square.nrows()).map(|at| square[(at, at)]).sum()
}

/// The mean of the columns.
pub(crate) fn mean(columns: &Mat<f32>) -> Vec<f64> {
    let mut sums = vec![0.0; columns.nrows()];
    for at in 0..columns.ncols() {
        sums.iter_mut().zip(columns.col_as_slice(at)).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sums.iter_mut().for_each(|sum| *sum /= columns.ncols().max(1) as f64);
    sums
}

/// A block of columns less their mean.
fn centred(columns: &Mat<f32>, mean: &[f64], from: usize) -> Mat<f64> {
    let block: MatRef<'_, f32> = columns.subcols(from, BLOCK.min(columns.ncols() - from));
    let of = |row: usize| mean.get(row).copied().unwrap_or_default();
    Mat::from_fn(block.nrows(), block.ncols(), |row, at| f64::from(block[(row, at)]) - of(row))
}

/// All columns less a mean.
pub(crate) fn centred_all(columns: &Mat<f32>, mean: &[f64]) -> Mat<f32> {
    let of = |row: usize| mean.get(row).copied().unwrap_or_default();
    Mat::from_fn(columns.nrows(), columns.ncols(), |row, at| (f64::from(columns[(row, at)]) - of(row)) as f32)
}

fn unsolved(what: &str) -> Error {
    invalid("pairs", format!("the {what} of these pairs cannot be computed"))
}
