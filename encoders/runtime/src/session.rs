//! One graph, ready to run: no queue, no threads of its own.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use onespace_bundle::manifest::TowerHead;
use onespace_core::{Error, Modality, Reason, Result, Sample};
use ort::{
    ep,
    session::{RunOptions, SessionInputValue, SessionOutputs, builder::SessionBuilder},
    value::{Outlet, TensorElementType},
};

use crate::{Runtime, batch};

/// Where a graph lies and what it has to look like.
#[derive(Clone, Debug)]
pub struct Graph {
    /// The tower it computes.
    pub tower: Modality,
    /// The ONNX file.
    pub model: PathBuf,
    /// Names of its inputs, in the order of a sample's tensors.
    pub inputs: Vec<String>,
    /// The name of the output that is the vector.
    pub output: String,
    /// The length of that vector.
    pub dimension: usize,
}

impl Graph {
    /// The graph of a tower whose model file lies at `model`.
    #[must_use]
    pub fn new(model: &Path, head: &TowerHead<'_>) -> Self {
        Self {
            tower: head.modality,
            model: model.to_owned(),
            inputs: head.inputs.to_vec(),
            output: head.output.to_owned(),
            dimension: head.native_dimension,
        }
    }

    /// A fault of the bundle, at one key of this tower.
    fn invalid(&self, key: &str, why: impl std::fmt::Display) -> Error {
        let file = self.model.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        Error::new(Reason::BundleInvalid, format!("towers.{}.{key}", self.tower), format!("{file}: {why}"))
    }

    fn failed(&self, why: impl std::fmt::Display) -> Error {
        Error::new(Reason::ModelFailed, "", format!("the {} graph: {why}", self.tower))
    }
}

/// A loaded graph that runs batches, one at a time, on the thread that calls it.
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
pub struct Session {
    graph: Graph,
    inner: ort::session::Session,
}

/// A batch's vectors: each finite, or the reason why that sample alone has none.
pub(crate) type Vectors = Vec<Result<Vec<f32>>>;

impl Session {
    /// Loads a graph and checks that it is the one the manifest describes.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the tower, the key and the fault: unreadable, truncated or unsupported file,
    /// other inputs or outputs, a batch axis of fixed size.
    pub fn load(runtime: &Runtime, graph: &Graph) -> Result<Self> {
        let inner = ort::session::Session::builder(&runtime.environment)
            .and_then(configure)
            .and_then(|mut builder| builder.commit_from_file(&graph.model))
            .map_err(|error| graph.invalid("model", error.message()))?;
        check_inputs(graph, inner.inputs())?;
        check_output(graph, inner.outputs())?;
        Ok(Self { graph: graph.clone(), inner })
    }

    /// Runs one batch of samples of equal shape; returns their vectors in order, `dimension` finite values each.
    ///
    /// # Errors
    /// `MODEL_FAILED` when the graph fails or a value is not finite; `INTERNAL` when the samples do not fit.
    pub fn run(&mut self, samples: &[&Sample]) -> Result<Vec<Vec<f32>>> {
        let options = RunOptions::new().map_err(|error| self.graph.failed(error.message()))?;
        self.run_until(samples, &options)?.into_iter().collect()
    }

    /// As [`run`](Self::run), one result for each sample, and `options` can end it early.
    pub(crate) fn run_until(&mut self, samples: &[&Sample], options: &RunOptions) -> Result<Vectors> {
        let Self { graph, inner } = self;
        let stacked = batch::stack(samples, graph.inputs.len())?;
        let inputs = graph
            .inputs
            .iter()
            .zip(&stacked)
            .map(|(name, tensor)| Ok((Cow::from(name.as_str()), tensor.view()?)))
            .collect::<ort::Result<Vec<(Cow<'_, str>, SessionInputValue<'_>)>>>()
            .map_err(|error| graph.failed(error.message()))?;
        let outputs = inner.run_with_options(inputs, options).map_err(|error| graph.failed(error.message()))?;
        vectors(graph, &outputs, samples.len())
    }
}

/// How every session is set up: threads come from the runtime's shared pool, nodes run one after the other, memory
/// is as [`Session`] explains.
fn configure(builder: SessionBuilder) -> ort::Result<SessionBuilder> {
    Ok(builder
        .with_execution_providers([ep::CPU::default().with_arena_allocator(true).build()])?
        .with_memory_pattern(false)?
        .with_parallel_execution(false)?)
}

fn check_inputs(graph: &Graph, found: &[Outlet]) -> Result<()> {
    for name in &graph.inputs {
        let Some(outlet) = found.iter().find(|outlet| outlet.name() == name) else {
            return Err(graph.invalid("inputs", format!("no input \"{name}\", the graph takes {}", names(found))));
        };
        let kind = outlet.dtype().tensor_type();
        if !matches!(kind, Some(TensorElementType::Float32 | TensorElementType::Int64)) {
            let message = format!("input \"{name}\" is {}, float32 and int64 tensors are fed", outlet.dtype());
            return Err(graph.invalid("inputs", message));
        }
        if let Some(size) = outlet.dtype().tensor_shape().and_then(|shape| shape.first()).filter(|size| **size >= 0) {
            let message = format!("input \"{name}\" has a batch axis of fixed size {size}, it must be dynamic");
            return Err(graph.invalid("inputs", message));
        }
    }
    match found.iter().find(|outlet| !graph.inputs.iter().any(|name| name == outlet.name())) {
        Some(extra) => Err(graph.invalid("inputs", format!("the graph also takes \"{}\"", extra.name()))),
        None => Ok(()),
    }
}

fn check_output(graph: &Graph, found: &[Outlet]) -> Result<()> {
    let Some(outlet) = found.iter().find(|outlet| outlet.name() == graph.output) else {
        let message = format!("no output \"{}\", the graph gives {}", graph.output, names(found));
        return Err(graph.invalid("output", message));
    };
    let shape = outlet.dtype().tensor_shape();
    let fits = shape.is_some_and(|shape| match shape.iter().as_slice() {
        [_, length] => *length < 0 || usize::try_from(*length) == Ok(graph.dimension),
        _ => false,
    });
    if fits && outlet.dtype().tensor_type() == Some(TensorElementType::Float32) {
        return Ok(());
    }
    let message =
        format!("output \"{}\" is {}, float32 [batch, {}] is expected", graph.output, outlet.dtype(), graph.dimension);
    Err(graph.invalid("output", message))
}

fn names(outlets: &[Outlet]) -> String {
    outlets.iter().map(|outlet| format!("\"{}\"", outlet.name())).collect::<Vec<_>>().join(", ")
}

fn vectors(graph: &Graph, outputs: &SessionOutputs<'_>, count: usize) -> Result<Vectors> {
    let Some(value) = outputs.get(&graph.output) else {
        return Err(graph.failed(format!("gave no output \"{}\"", graph.output)));
    };
    let (shape, values) = value.try_extract_tensor::<f32>().map_err(|error| graph.failed(error.message()))?;
    if values.len() != count * graph.dimension || shape.len() != 2 {
        return Err(graph.failed(format!("gave {shape:?} for {count} samples of dimension {}", graph.dimension)));
    }
    let finite = |row: &[f32]| match row.iter().position(|value| !value.is_finite()) {
        None => Ok(row.to_vec()),
        Some(at) => Err(graph.failed(format!("value {at} of the vector is not finite"))),
    };
    Ok(values.chunks_exact(graph.dimension).map(finite).collect())
}
