//! Samples of one tower to unit vectors of the space.

use onespace_alignment::Alignment;
use onespace_bundle::{Bundle, TowerHead};
use onespace_core::{Deadline, Modality, Result, Sample};
use onespace_runtime::{Engine, Graph, Models, Options, RequestPermits};

use crate::pooling::Part;

/// A tower behind its preprocessing: graphs, then alignment.
#[derive(Debug)]
pub(crate) struct TowerPipeline {
    pub engine: Engine,
    alignment: Alignment,
}

/// What the samples of one track became, in their order.
#[derive(Debug)]
pub(crate) struct TowerOutput {
    pub parts: Vec<Part>,
    pub queue_us: u64,
    pub inference_us: u64,
}

impl TowerOutput {
    /// Adds what another tower made of the same media, at the same time.
    pub fn add(&mut self, other: Self) {
        self.parts.extend(other.parts);
        self.queue_us = self.queue_us.max(other.queue_us);
        self.inference_us = self.inference_us.max(other.inference_us);
    }
}

impl TowerPipeline {
    /// Loads a tower's graphs, but for those that `models` has, and its alignment.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the tower, the file and the fault.
    pub fn load(models: &mut Models, bundle: &Bundle, head: &TowerHead<'_>, options: &Options) -> Result<Self> {
        let dimension = bundle.space().dimension;
        let alignment = match head.alignment {
            None => Alignment::identity(dimension),
            Some(file) => Alignment::from_safetensors(&bundle.read(file)?, head.native_dimension, dimension)
                .map_err(|error| error.under(&format!("towers.{}", head.modality)))?,
        };
        let engine = Engine::load(models, Graph::new(bundle, head), options)?;
        Ok(Self { engine, alignment })
    }

    /// Runs the samples of one request that has its turn; `target` is what their vectors will be compared with.
    ///
    /// # Errors
    /// As [`Engine::run`]; `MODEL_FAILED` when a vector has no direction in the space.
    pub async fn run(
        &self,
        samples: Vec<Sample>,
        target: Option<Modality>,
        deadline: Deadline,
        permits: RequestPermits,
    ) -> Result<TowerOutput> {
        let what: Vec<_> = samples.iter().map(|sample| (sample.track, sample.span, sample.used_for)).collect();
        let run = self.engine.run(samples, target, deadline, permits).await?;
        let part = |(native, (track, span, used_for))| {
            Ok(Part { track, span, used_for, vector: self.alignment.apply(native)? })
        };
        let parts = run.vectors.into_iter().zip(what).map(part).collect::<Result<_>>()?;
        Ok(TowerOutput { parts, queue_us: run.queue_us, inference_us: run.inference_us })
    }
}
