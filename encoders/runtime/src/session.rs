//! A tower's graphs, ready to run: no queue, no threads of its own.

use std::{borrow::Cow, collections::BTreeMap, path::Path, sync::Arc};

use onespace_bundle::graph::Stage;
use onespace_core::{Error, Modality, Result, Sample};
use ort::session::{RunOptions, SessionInputValue};

use crate::{
    Models, Runtime,
    batch::{self, Kind, Stacked},
    check,
    graph::Graph,
    model::Model,
};

/// A loaded tower that runs batches, one at a time, on the thread that calls it: its stages, then its last graph.
///
/// # Memory
///
/// Its arena grows to the largest batch and no further, because batches are bounded, whatever the variety of their
/// shapes; memory patterns are off. Measured with ONNX Runtime 1.31 on two cores, growth of resident memory over
/// the loaded session, batch sizes drawn from 1 to 32 and token counts from 8 to 32:
///
/// | arena | patterns | video (8 × 64²) after 10, 50, 100, 200 runs | text after 150, 750, 1,500, 3,000 runs |
/// |-------|----------|--------------------------------------------|-----------------------------------------|
/// | on    | off      | 50, 55, 33, 55 MiB                         | 9, 9, 10, 10 MiB                        |
/// | on    | on       | 70, 74, 53, 75 MiB                         | 11, 11, 12, 12 MiB                      |
/// | off   | on       | 51, 90, 109, 93 MiB                        | 14, 10, 9, 10 MiB                       |
/// | off   | off      | 58, 68, 68, 91 MiB                         | 13, 9, 13, 13 MiB                       |
///
/// Without the arena its work falls to malloc, which keeps more. A pattern is kept for every shape that was ever
/// seen. Speed is the same within the noise. Rounding batch sizes to powers of two, by padding or by splitting,
/// then has nothing to gain, and is not done. `tests/memory.rs` holds it: 20,000 runs of 16,384 shapes.
#[derive(Debug)]
pub struct GraphSession {
    graph: Graph,
    stages: Vec<Step>,
    last: Step,
}

/// One graph of them.
#[derive(Debug)]
struct Step {
    model: Arc<Model>,
    /// What it is fed, in order.
    inputs: Vec<(String, Kind)>,
}

/// A batch's vectors: each finite, or the reason why that sample alone has none.
pub(crate) type Vectors = Vec<Result<Vec<f32>>>;

/// A sample, and the modality that its vector will be compared with.
pub(crate) type TargetedSample<'a> = (&'a Sample, Option<Modality>);

impl GraphSession {
    /// Loads a tower's graphs and checks that they are those the manifest describes.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the tower, the key and the fault: unreadable, truncated or unsupported file, weights
    /// in files that are not listed or of a kind that is forbidden, other inputs or outputs, a batch axis of fixed
    /// size.
    pub fn load(runtime: &Runtime, graph: &Graph) -> Result<Self> {
        Self::with_models(&mut Models::new(runtime), graph, 0)
    }

    /// As [`load`](Self::load), with what is there already, for the worker at `worker`.
    pub(crate) fn with_models(models: &mut Models, graph: &Graph, worker: usize) -> Result<Self> {
        let mut stages = Vec::with_capacity(graph.stages.len());
        for (index, stage) in graph.stages.iter().enumerate() {
            let key = format!("stages[{index}].model");
            let check = |session: &_| check::stage(graph, index, stage, session);
            stages.push(Step::load(models, graph, (&key, &stage.0, worker), check)?);
        }
        let last = Step::load(models, graph, ("model", &graph.model, worker), |session| check::last(graph, session))?;
        Ok(Self { graph: graph.clone(), stages, last })
    }

    /// Runs one batch of samples of equal shape; returns their vectors in order, `dimension` finite values each, from
    /// the default head.
    ///
    /// # Errors
    /// `MODEL_FAILED` when the graph fails or a value is not finite; `INTERNAL` when the samples do not fit.
    pub fn run(&mut self, samples: &[&Sample]) -> Result<Vec<Vec<f32>>> {
        self.run_for(samples, None)
    }

    /// As [`run`](Self::run), from the head for what the vectors will be compared with.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_for(&mut self, samples: &[&Sample], target: Option<Modality>) -> Result<Vec<Vec<f32>>> {
        let options = RunOptions::new().map_err(|error| self.graph.failed(&self.graph.model, error.message()))?;
        let aimed: Vec<TargetedSample<'_>> = samples.iter().map(|sample| (*sample, target)).collect();
        self.run_until(&aimed, &options)?.into_iter().collect()
    }

    /// As [`run_for`](Self::run_for), one result for each sample, and `options` can end it early.
    pub(crate) fn run_until(&mut self, samples: &[TargetedSample<'_>], options: &RunOptions) -> Result<Vectors> {
        // How many rows a stage gives differs from sample to sample, and so would the numbers of their tokens.
        if self.graph.tokens.is_some() && samples.len() > 1 {
            return Ok(samples
                .iter()
                .map(|one| self.batch(std::slice::from_ref(one), options).and_then(only))
                .collect());
        }
        self.batch(samples, options)
    }

    fn batch(&mut self, samples: &[TargetedSample<'_>], options: &RunOptions) -> Result<Vectors> {
        let Self { graph, stages, last } = self;
        let plain: Vec<&Sample> = samples.iter().map(|(sample, _)| *sample).collect();
        let mut tensors = batch::stack(&plain, graph.tensors())?.into_iter();
        let mut made = Vec::with_capacity(stages.len());
        let mut blocks = Vec::new();
        for (step, (_, stage)) in stages.iter().zip(&graph.stages) {
            let fed: Vec<Stacked<'_>> = tensors.by_ref().take(stage.inputs.len()).collect();
            let runs = if stage.frames { frames(fed)? } else { vec![fed] };
            let given = runs.into_iter().map(|fed| step.stage(graph, stage, fed, options));
            let given: Vec<Stacked<'static>> = given.collect::<Result<_>>()?;
            blocks = given.iter().map(rows).collect();
            made.push(Stacked::one_after_another(given)?);
        }
        let tokens = graph.tokens.as_ref().map(|tokens| {
            let ids = tokens.around(&blocks);
            let mask = Stacked::ones(vec![1, ids.len()]);
            [Stacked::integers(vec![1, ids.len()], ids), mask]
        });
        let mut fed: Vec<Stacked<'_>> = tensors.chain(made).collect();
        for (empty, (_, kind)) in graph.empty.iter().zip(last.inputs.iter().skip(fed.len())) {
            fed.push(Stacked::none(empty.shape.clone(), *kind));
        }
        fed.extend(tokens.into_iter().flatten());
        let wanted: Vec<&str> = samples.iter().map(|(_, target)| graph.output_for(*target)).collect();
        let outputs = last.run(graph, fed, options, &wanted)?;
        vectors(graph, &outputs, &wanted)
    }
}

/// What a run gave, by name.
type Outputs = BTreeMap<String, Stacked<'static>>;

impl Step {
    fn load(
        models: &mut Models,
        graph: &Graph,
        (key, path, worker): (&str, &Path, usize),
        check: impl FnOnce(&ort::session::Session) -> Result<check::Inputs>,
    ) -> Result<Self> {
        let model = models.get(graph, key, path, worker)?;
        let inputs =
            model.with(|session| check(session)).map_err(|error| graph.invalid(key, path, error.message()))??;
        Ok(Self { model, inputs })
    }

    /// Runs a stage and gives its output as the last graph takes it.
    fn stage(
        &self,
        graph: &Graph,
        stage: &Stage,
        mut fed: Vec<Stacked<'_>>,
        options: &RunOptions,
    ) -> Result<Stacked<'static>> {
        if stage.mask.is_some() {
            let steps = fed.first().map_or(&[][..], |first| first.shape.get(..2).unwrap_or(&first.shape));
            fed.push(Stacked::ones(steps.to_vec()));
        }
        let mut outputs = self.run(graph, fed, options, &[&stage.output])?;
        let output = outputs.remove(stage.output.as_str()).ok_or_else(|| Error::internal("an output went missing"))?;
        features(graph, self.model.path(), stage, output)
    }

    /// Runs the graph; of what it gives, only what is wanted is kept.
    fn run(&self, graph: &Graph, fed: Vec<Stacked<'_>>, options: &RunOptions, wanted: &[&str]) -> Result<Outputs> {
        let failed = |error: ort::Error| graph.failed(self.model.path(), error.message());
        let cast = fed.into_iter().zip(&self.inputs).map(|(tensor, (_, kind))| tensor.cast(*kind));
        let cast: Vec<Stacked<'_>> = cast.collect::<Result<_>>()?;
        let named = self.inputs.iter().zip(&cast);
        let inputs = named
            .map(|((name, _), tensor)| Ok((Cow::from(name.as_str()), tensor.view()?)))
            .collect::<ort::Result<Vec<(Cow<'_, str>, SessionInputValue<'_>)>>>()
            .map_err(failed)?;
        let run = |session: &mut ort::session::Session| {
            let given = session.run_with_options(inputs, options).map_err(failed)?;
            let mut outputs = Outputs::new();
            for name in wanted {
                if !outputs.contains_key(*name) {
                    let missing = || graph.failed(self.model.path(), format!("gave no output \"{name}\""));
                    let value = given.get(name).ok_or_else(missing)?;
                    outputs.insert((*name).to_owned(), Stacked::from_value(value).map_err(failed)?);
                }
            }
            Ok(outputs)
        };
        self.model.with(run).map_err(failed)?
    }
}

/// What a stage gave, as the last graph takes it.
fn features<'a>(graph: &Graph, model: &Path, stage: &Stage, output: Stacked<'a>) -> Result<Stacked<'a>> {
    let floats = output.as_floats().unwrap_or_default();
    if let Some(at) = floats.iter().position(|value| !value.is_finite()) {
        return Err(graph.failed(model, format!("value {at} of \"{}\" is not finite", stage.output)));
    }
    match (stage.rows, output.shape.as_slice()) {
        (true, &[batch, rows, length]) => Ok(output.reshaped(vec![batch * rows, length])),
        (true, [_, _]) | (false, _) => Ok(output),
        (true, shape) => Err(graph.failed(model, format!("\"{}\" of shape {shape:?} has no rows", stage.output))),
    }
}

/// Tensors of `[batch, frames, …]` for a graph that sees one frame at a time: what each run is fed, `[1, …]`. All
/// frames in one run would be no faster on a CPU and take their number times the memory.
fn frames(fed: Vec<Stacked<'_>>) -> Result<Vec<Vec<Stacked<'_>>>> {
    let mut runs = Vec::new();
    for tensor in fed {
        for (at, frame) in tensor.split_frames()?.into_iter().enumerate() {
            match runs.get_mut(at) {
                None => runs.push(vec![frame]),
                Some(run) => run.push(frame),
            }
        }
    }
    Ok(runs)
}

/// The rows of one sample: `[rows, length]` or `[1, rows, length]`.
fn rows(features: &Stacked<'_>) -> usize {
    features.shape.iter().rev().nth(1).copied().unwrap_or(0)
}

/// The one vector of a run of one sample.
pub(crate) fn only(vectors: Vectors) -> Result<Vec<f32>> {
    vectors.into_iter().next().unwrap_or_else(|| Err(Error::internal("a run of one sample gave no vector")))
}

/// The vector of each sample, from the output that it wants.
fn vectors(graph: &Graph, outputs: &Outputs, wanted: &[&str]) -> Result<Vectors> {
    let fits = |given: &Stacked<'_>| given.shape == [wanted.len(), graph.dimension];
    if let Some((name, odd)) = outputs.iter().find(|(_, given)| !fits(given)) {
        let message = format!(
            "gave \"{name}\" of shape {:?} for {} samples of dimension {}",
            odd.shape,
            wanted.len(),
            graph.dimension
        );
        return Err(graph.failed(&graph.model, message));
    }
    let vector = |(index, name): (usize, &&str)| {
        let floats = outputs.get(*name).and_then(Stacked::as_floats).unwrap_or_default();
        let row = floats.chunks_exact(graph.dimension).nth(index).unwrap_or_default();
        match row.iter().position(|value| !value.is_finite()) {
            None => Ok(row.to_vec()),
            Some(at) => Err(graph.failed(&graph.model, format!("value {at} of the vector is not finite"))),
        }
    };
    Ok(wanted.iter().enumerate().map(vector).collect())
}
