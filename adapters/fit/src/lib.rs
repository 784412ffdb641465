//! Fitting a map between two spaces from pairs.
//!
//! The target is the fixed base: its vectors are never changed, so everything a map has to give is a vector that lies
//! where the target's own vectors lie. With `x` a source vector, `y` its pair's target vector, and `X`, `Y` the
//! centred pairs as columns, every closed form is `shared = s·W·(x − mean_x) + t·mean_y`, brought to unit length:
//!
//! | method | `W` | chosen on the validation split |
//! |---|---|---|
//! | `center` | the identity | `t` |
//! | `procrustes` | `U·Vᵀ` of `Y·Xᵀ = U·S·Vᵀ`, scaled by `tr(S) / ‖X‖²` | `t` |
//! | `ridge` | `Y·Xᵀ·(X·Xᵀ + λI)⁻¹` | `λ`, `t` |
//! | `cca` | `Cy^½·U_r·S_r·V_rᵀ·Cx^-½` of `Cy^-½·Cyx·Cx^-½ = U·S·Vᵀ` | rank `r`, shrinkage of `Cx` and `Cy`, `t` |
//! | `mlp` | two layers, taught by InfoNCE from where the best closed form ends | rate, temperature, epochs |
//!
//! Sources: orthogonal Procrustes, Schönemann 1966; canonical correlation with shrinkage as reduced-rank regression,
//! Hotelling 1936 and Izenman 1975; centring of modalities, GR-CLIP (arXiv 2507.19054); a perceptron between frozen
//! encoders, EBind (arXiv 2511.14229).
//!
//! [`conse`] needs no pairs, but the names of a classifier's classes.
//!
//! [`vectors`] reads pairs of vectors from files, [`list`] lists of media that are yet to be embedded.

mod closed;
mod conse;
pub mod list;
mod pairs;
mod random;
mod recall;
mod train;
pub mod vectors;

use std::{fmt, str::FromStr};

use faer::Mat;
use onespace_alignment::Map;
use onespace_core::{Error, Reason, Result};

use closed::{Closed, Solver};
pub use conse::{Named, conse};
pub use pairs::Pairs;
use recall::Gallery;
pub use recall::{Found, PLACES, Recall};

/// A way to fit a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Means are brought together.
    Center,
    /// A rotation.
    Procrustes,
    /// A matrix, kept small.
    Ridge,
    /// What varies together.
    Cca,
    /// A perceptron.
    Mlp,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 5] = [Self::Center, Self::Procrustes, Self::Ridge, Self::Cca, Self::Mlp];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Center => "center",
            Self::Procrustes => "procrustes",
            Self::Ridge => "ridge",
            Self::Cca => "cca",
            Self::Mlp => "mlp",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::new(Reason::FieldInvalid, "method", format!("\"{name}\" is none of {names}"))
        })
    }
}

/// What is to be fitted, and what is not left to the validation split.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How.
    pub method: Method,
    /// What decides splits, first weights and the order of pairs: the same seed, the same map.
    pub seed: u64,
    /// λ of `ridge`, as a share of the mean variance of a source value; 0: plain least squares.
    pub lambda: Option<f64>,
    /// `r` of `cca`.
    pub rank: Option<usize>,
    /// Units of the hidden layer of `mlp`; by default twice the longer of both vectors.
    pub width: Option<usize>,
    /// The most epochs of `mlp`.
    pub epochs: usize,
}

impl Options {
    /// A method with everything else left to the validation split.
    #[must_use]
    pub fn of(method: Method) -> Self {
        Self { method, seed: 0, lambda: None, rank: None, width: None, epochs: 200 }
    }
}

/// How far a fit has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What is being done.
    pub stage: String,
    /// Steps of it that are done.
    pub done: usize,
    /// Its steps.
    pub steps: usize,
}

/// A fitted map and how it did.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// From unit vectors of the source to vectors of the target that have yet to be brought to unit length.
    pub map: Map,
    /// How it did.
    pub report: Report,
}

/// How a map did on pairs that had no part in its making.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The method.
    pub method: Method,
    /// What the validation split chose, for people.
    pub chosen: String,
    /// Pairs that the map was fitted on, after the choice.
    pub fitted: usize,
    /// Of them, those that the choice was made on, one way or in turns.
    pub validation: usize,
    /// Pairs that had no part in either.
    pub test: usize,
    /// What guessing would find.
    pub chance: Found,
    /// What is found without a map, vectors of unequal lengths cut to the shorter.
    pub before: Found,
    /// What is found with it.
    pub after: Found,
    /// For `mlp`: the best closed form, and what is found with it.
    pub closed: Option<(Method, Found)>,
    /// Why the map is not worth keeping, if it is not.
    pub refused: Option<String>,
}

/// Fits a map. Regularisation is chosen on a validation split, the map then fitted on all but the test split, and
/// measured on that. Pairs that share a source or a target are never on two sides of a split.
///
/// # Errors
/// `FIELD_INVALID` for pairs that are too few, or that the method cannot take: each says what to do.
pub fn fit(pairs: &Pairs, options: &Options, tell: &mut dyn FnMut(Progress)) -> Result<Fitted> {
    let split = pairs.split(options.seed)?;
    let closed = Closed::best(&split, options, tell)?;
    let all = Solver::of(&split.fitting);
    let line = closed.solve(&all)?;
    let gallery = Gallery::of(&split.test);
    let measure = |map: &Map| gallery.measure(&image(map, split.test.source()));
    let mut report = Report {
        method: options.method,
        chosen: closed.to_string(),
        fitted: split.fitting.len(),
        validation: split.choices.iter().map(|choice| choice.validation.len()).sum(),
        test: split.test.len(),
        chance: gallery.chance(),
        before: gallery.measure(&cut(&split.test)),
        after: measure(&line),
        closed: None,
        refused: None,
    };
    let mut map = line;
    if options.method == Method::Mlp {
        report.closed = Some((closed.method, report.after));
        let (taught, chosen) = train::best(&split, &closed, options, tell)?;
        report.chosen = format!("{chosen}; from {} ({})", closed.method, report.chosen);
        report.after = measure(&taught);
        map = taught;
    }
    report.refused = refusal(&gallery, &report);
    Ok(Fitted { map, report })
}

/// The mean of vectors that stand as columns.
#[must_use]
pub fn mean(columns: &Mat<f32>) -> Vec<f32> {
    narrow(&closed::mean(columns))
}

/// The map for vectors that lie around the mean `met`, where those that it was fitted on lay around `fitted`.
#[must_use]
pub fn recentred(map: Map, fitted: &[f32], met: &[f32]) -> Map {
    let gap: Vec<f32> = met.iter().zip(fitted).map(|(met, fitted)| met - fitted).collect();
    map.less(&gap)
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

/// Some of the columns.
fn picked(columns: &Mat<f32>, which: &[usize]) -> Mat<f32> {
    let mut picked = Mat::zeros(columns.nrows(), which.len());
    for (to, column) in which.iter().enumerate() {
        picked.col_as_slice_mut(to).copy_from_slice(columns.col_as_slice(*column));
    }
    picked
}

/// Why a map should not be written.
fn refusal(gallery: &Gallery<'_>, report: &Report) -> Option<String> {
    let (after, before) = (report.after.score(), report.before.score());
    if !gallery.beats_chance(&report.after) {
        return Some("it finds no more than guessing would".to_owned());
    }
    if after < before {
        return Some(format!(
            "it finds less than no map at all: mean reciprocal rank {after:.4}, {before:.4} without it"
        ));
    }
    match &report.closed {
        Some((method, closed)) if after <= closed.score() => Some(format!(
            "it is no better than {method}, which is simpler: mean reciprocal rank {after:.4}, {:.4} of {method}; \
                 use --method {method}",
            closed.score()
        )),
        _ => None,
    }
}

/// The unit images of vectors that stand as columns; what has no direction stays 0.
fn image(map: &Map, source: &Mat<f32>) -> Mat<f32> {
    let mut images = Mat::zeros(map.dimension(), source.ncols());
    for at in 0..source.ncols() {
        let image = map.apply(source.col_as_slice(at));
        images.col_as_slice_mut(at).copy_from_slice(&image);
    }
    unit(&mut images);
    images
}

/// The source's vectors as they are, cut or filled up with 0 to the target's length.
fn cut(pairs: &Pairs) -> Mat<f32> {
    let (source, length) = (pairs.source(), pairs.target().nrows());
    let mut same =
        Mat::from_fn(length, source.ncols(), |row, at| if row < source.nrows() { source[(row, at)] } else { 0.0 });
    unit(&mut same);
    same
}

/// Brings every column to unit length; one without direction stays.
fn unit(columns: &mut Mat<f32>) {
    for at in 0..columns.ncols() {
        // What fails has norm 0 or is not finite, and is found by nobody.
        let _ = onespace_core::vector::normalise(columns.col_as_slice_mut(at));
    }
}

fn invalid(field: &str, message: impl Into<String>) -> Error {
    Error::new(Reason::FieldInvalid, field, message)
}
