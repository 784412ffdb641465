//! Teaching a perceptron by InfoNCE.
//!
//! It starts where the best closed form ends: units in pairs along `±u` of the singular vectors of its matrix give
//! exactly that matrix, since `relu(a) − relu(−a) = a`. What training adds is measured against that start on the
//! validation split after each epoch; the best epoch is kept.

use faer::Mat;
use onespace_alignment::{Affine, Map, Mlp};
use onespace_core::Result;

use crate::{
    Options, Pairs, Progress,
    closed::{Closed, Solver, centred_all, mean},
    image, invalid, narrow,
    pairs::{Choice, Split},
    random::Random,
    recall::Gallery,
};

/// Pairs in one step.
const BATCH: usize = 256;

/// Learning rates of Adam, and temperatures of the softmax, that are tried.
const RATES: [f32; 2] = [1e-3, 2e-4];
const TEMPERATURES: [f32; 2] = [0.03, 0.1];

/// Epochs without a better validation score after which a run ends.
const PATIENCE: usize = 12;

/// Adam's decay of means and squares, and what keeps it from dividing by 0 (Kingma and Ba 2015).
const DECAY: (f32, f32, f32) = (0.9, 0.999, 1e-8);

/// The weights: `w1 [h, p]`, `b1 [h, 1]`, `w2 [q, h]`, `b2 [q, 1]`.
type Weights = [Mat<f32>; 4];

/// How a run goes.
#[derive(Clone, Copy, Debug)]
struct Run {
    rate: f32,
    temperature: f32,
    epochs: usize,
}

/// The perceptron that did best on the validation split, fitted again on all but the test split for as many epochs;
/// and how it was chosen. `closed` is the form to start from.
pub(crate) fn best(
    split: &Split,
    closed: &Closed,
    options: &Options,
    tell: &mut dyn FnMut(Progress),
) -> Result<(Map, String)> {
    if options.epochs == 0 {
        return Err(invalid("epochs", "0 epochs teach nothing"));
    }
    // One choice: teaching takes too long for folds.
    let Choice { train, validation } =
        split.choices.first().ok_or_else(|| invalid("pairs", "there is nothing to choose by"))?;
    let (gallery, start) = (Gallery::of(validation), closed.solve(&Solver::of(train))?);
    let runs: Vec<Run> = RATES
        .iter()
        .flat_map(|rate| TEMPERATURES.map(|temperature| Run { rate: *rate, temperature, epochs: options.epochs }))
        .collect();
    let mut chosen: Option<(f64, Run)> = None;
    for (number, run) in runs.iter().enumerate() {
        let (mut best, mut since) = ((f64::NEG_INFINITY, 0), 0);
        let stage = format!("teaching mlp, run {} of {}", number + 1, runs.len());
        let mut watch = |epoch: usize, net: &Net| {
            let score = net.map().map(|map| gallery.measure(&image(&map, validation.source())).score());
            let score = score.unwrap_or(f64::NEG_INFINITY);
            (best, since) = if score > best.0 { ((score, epoch), 0) } else { (best, since + 1) };
            tell(Progress { stage: stage.clone(), done: epoch, steps: run.epochs });
            since < PATIENCE
        };
        Net::new(train, &start, options)?.teach(train, *run, options.seed, &mut watch);
        if chosen.is_none_or(|(score, _)| best.0 > score) {
            chosen = Some((best.0, Run { epochs: best.1, ..*run }));
        }
    }
    let (_, run) = chosen.ok_or_else(|| invalid("pairs", "no run of the perceptron came to anything"))?;
    let mut net = Net::new(&split.fitting, &closed.solve(&Solver::of(&split.fitting))?, options)?;
    let mut watch = |epoch: usize, _: &Net| {
        tell(Progress { stage: "teaching mlp on all".to_owned(), done: epoch, steps: run.epochs });
        true
    };
    net.teach(&split.fitting, run, options.seed, &mut watch);
    let Run { rate, temperature, epochs } = run;
    Ok((net.map()?, format!("width {}, rate {rate}, temperature {temperature}, {epochs} epochs", net.width())))
}

/// A perceptron that is being taught; it takes vectors less their mean.
struct Net {
    mean: Vec<f64>,
    weights: Weights,
    squares: [Moments; 4],
    steps: i32,
}

/// Adam's running means of a gradient and its square.
struct Moments(Mat<f32>, Mat<f32>);

impl Net {
    /// The closed form `line` as a perceptron; units beyond those it needs look in random directions and say nothing
    /// yet.
    fn new(pairs: &Pairs, line: &Map, options: &Options) -> Result<Self> {
        let Map::Affine(line) = line else { return Err(invalid("method", "a perceptron starts from a closed form")) };
        let (p, q) = (line.native(), line.dimension());
        let width = options.width.unwrap_or(2 * p.max(q));
        if width < 2 {
            return Err(invalid("width", format!("{width} units are too few, at least 2 are needed")));
        }
        let matrix =
            Mat::from_fn(q, p, |row, at| f64::from(line.weight().get(row * p + at).copied().unwrap_or_default()));
        let svd = matrix.thin_svd().map_err(|_| invalid("pairs", "the closed form has no singular vectors"))?;
        let mut random = Random::new(options.seed);
        let pairs_of_units = p.min(q).min(width / 2);
        let (mut w1, mut w2) = (Mat::zeros(width, p), Mat::zeros(q, width));
        for unit in 0..width {
            let (direction, sign) = (unit / 2, if unit % 2 == 0 { 1.0 } else { -1.0 });
            let led = direction < pairs_of_units;
            for at in 0..p {
                let lost = random.normal() / (p as f64).sqrt();
                w1[(unit, at)] = if led { sign * svd.V()[(at, direction)] } else { lost } as f32;
            }
            for row in (0..q).filter(|_| led) {
                w2[(row, unit)] = (sign * svd.U()[(row, direction)] * svd.S().column_vector()[direction]) as f32;
            }
        }
        let mean = mean(pairs.source());
        // The line takes vectors as they are; here the mean has been taken away.
        let at_mean = line.apply(&narrow(&mean));
        let b2 = Mat::from_fn(q, 1, |row, _| at_mean.get(row).copied().unwrap_or_default());
        let weights = [w1, Mat::zeros(width, 1), w2, b2];
        let moments =
            |like: &Mat<f32>| Moments(Mat::zeros(like.nrows(), like.ncols()), Mat::zeros(like.nrows(), like.ncols()));
        let squares = weights.each_ref().map(moments);
        Ok(Self { mean, weights, squares, steps: 0 })
    }

    fn width(&self) -> usize {
        self.weights[0].nrows()
    }

    /// The perceptron as a map of vectors as they are.
    fn map(&self) -> Result<Map> {
        let [w1, b1, w2, b2] = &self.weights;
        let layer = |weight: &Mat<f32>, bias: &Mat<f32>| {
            let values = (0..weight.nrows()).flat_map(|row| (0..weight.ncols()).map(move |at| weight[(row, at)]));
            Affine::new(weight.ncols(), values.collect(), bias.col_as_slice(0).to_vec())
        };
        Ok(Map::Mlp(Mlp::new(layer(w1, b1)?.less(&narrow(&self.mean)), layer(w2, b2)?)?))
    }

    /// Goes over the pairs until `watch`, asked after every epoch, has seen enough.
    fn teach(&mut self, pairs: &Pairs, run: Run, seed: u64, watch: &mut dyn FnMut(usize, &Self) -> bool) {
        let mut random = Random::new(seed);
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        for epoch in 1..=run.epochs {
            random.shuffle(&mut order);
            for rows in order.chunks(BATCH).filter(|rows| rows.len() > 1) {
                self.step(&pairs.only(rows), run);
            }
            if !watch(epoch, self) {
                return;
            }
        }
    }

    fn step(&mut self, batch: &Pairs, run: Run) {
        let [w1, b1, w2, b2] = &self.weights;
        let x = centred_all(batch.source(), &self.mean);
        let mut hidden = shifted(w1 * &x, b1);
        let passed = hidden.map(|value| if *value > 0.0 { 1.0_f32 } else { 0.0 });
        hidden.for_each_mut(|value| *value = value.max(0.0));
        let raw = shifted(w2 * &hidden, b2);
        let slope = slope(&raw, batch, run.temperature);
        let mut below = w2.transpose() * &slope;
        for at in 0..below.ncols() {
            below.col_as_slice_mut(at).iter_mut().zip(passed.col_as_slice(at)).for_each(|(value, open)| *value *= open);
        }
        let slopes = [&below * x.transpose(), sums(&below), &slope * hidden.transpose(), sums(&slope)];
        self.steps += 1;
        let fade = |decay: f32| 1.0 - decay.powi(self.steps);
        let rate = run.rate * fade(DECAY.1).sqrt() / fade(DECAY.0);
        for ((weights, slopes), moments) in self.weights.iter_mut().zip(&slopes).zip(&mut self.squares) {
            descend(weights, slopes, moments, rate);
        }
    }
}

/// The slope of the symmetric InfoNCE loss of a batch by the vectors before they are brought to unit length. Pairs
/// that share a source or a target with another pair are no wrong answers to it.
fn slope(raw: &Mat<f32>, batch: &Pairs, temperature: f32) -> Mat<f32> {
    let count = batch.len();
    let mut images = raw.clone();
    crate::unit(&mut images);
    // Row: image that asks; column: target that answers.
    let mut scores = images.transpose() * batch.target();
    let things: Vec<_> = batch.things().collect();
    for (at, one) in things.iter().enumerate() {
        for (row, (score, other)) in scores.col_as_slice_mut(at).iter_mut().zip(&things).enumerate() {
            let same = row != at && (one.0 == other.0 || one.1 == other.1);
            *score = if same { f32::NEG_INFINITY } else { *score / temperature };
        }
    }
    let asked = softmax_columns(&scores);
    let answering = softmax_columns(&scores.transpose().to_owned());
    let share = 0.5 / (count as f32 * temperature);
    let wanted = |row: usize, at: usize| if row == at { 2.0 } else { 0.0 };
    // Row: target; column: image.
    let pull =
        Mat::from_fn(count, count, |row, at| share * (answering[(row, at)] + asked[(at, row)] - wanted(row, at)));
    let mut slope = batch.target() * pull;
    for at in 0..count {
        let (image, norm) = (images.col_as_slice(at), onespace_core::vector::norm(raw.col_as_slice(at)));
        let slope = slope.col_as_slice_mut(at);
        let along = onespace_core::vector::dot(slope, image);
        let norm = norm.max(f32::MIN_POSITIVE.sqrt());
        slope.iter_mut().zip(image).for_each(|(slope, image)| *slope = (*slope - along * image) / norm);
    }
    slope
}

fn softmax_columns(scores: &Mat<f32>) -> Mat<f32> {
    let mut shares = scores.clone();
    for at in 0..shares.ncols() {
        let softmax = onespace_core::vector::softmax(scores.col_as_slice(at), 1.0);
        shares.col_as_slice_mut(at).copy_from_slice(&softmax);
    }
    shares
}

/// The columns with a bias added to each.
fn shifted(mut columns: Mat<f32>, bias: &Mat<f32>) -> Mat<f32> {
    for at in 0..columns.ncols() {
        columns.col_as_slice_mut(at).iter_mut().zip(bias.col_as_slice(0)).for_each(|(value, bias)| *value += bias);
    }
    columns
}

/// The sum of the columns.
fn sums(columns: &Mat<f32>) -> Mat<f32> {
    columns * Mat::<f32>::ones(columns.ncols(), 1)
}

/// One step of Adam.
fn descend(weights: &mut Mat<f32>, slopes: &Mat<f32>, Moments(means, squares): &mut Moments, rate: f32) {
    let (first, second, least) = DECAY;
    for at in 0..weights.ncols() {
        let moments = means.col_as_slice_mut(at).iter_mut().zip(squares.col_as_slice_mut(at));
        let values = weights.col_as_slice_mut(at).iter_mut().zip(slopes.col_as_slice(at));
        for ((weight, slope), (mean, square)) in values.zip(moments) {
            *mean = first * *mean + (1.0 - first) * slope;
            *square = second * *square + (1.0 - second) * slope * slope;
            *weight -= rate * *mean / (square.sqrt() + least);
        }
    }
}
