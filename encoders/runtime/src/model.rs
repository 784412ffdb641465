//! Graph files in memory: one copy of each, however many towers run it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use onespace_core::{Modality, Result};
use ort::{
    ep,
    session::{Session, builder::SessionBuilder},
};

use crate::{Runtime, graph::Graph};

/// What has been loaded so far: [`Engine`](crate::Engine)s that are loaded through the same one share what they have in
/// common, a fusion graph after several towers' stages for one, and run it in turns.
#[derive(Debug)]
pub struct Models {
    runtime: Runtime,
    /// By file and by the place of the worker that runs it: the workers of one engine run at the same time.
    held: BTreeMap<(PathBuf, usize), Arc<Model>>,
}

impl Models {
    /// None yet.
    #[must_use]
    pub fn new(runtime: &Runtime) -> Self {
        Self { runtime: runtime.clone(), held: BTreeMap::new() }
    }

    /// One graph file of a tower, for the worker at `worker`.
    ///
    /// # Errors
    /// As [`GraphSession::load`](crate::GraphSession::load), less what the graph looks like.
    pub(crate) fn get(&mut self, graph: &Graph, key: &str, path: &Path, worker: usize) -> Result<Arc<Model>> {
        // Asked even of what is loaded already: another tower may allow less.
        graph.check_weights(key, path)?;
        let slot = (path.to_owned(), worker);
        if let Some(model) = self.held.get(&slot) {
            return Ok(Arc::clone(model));
        }
        let light = is_light(graph, path);
        let model =
            Model::load(&self.runtime, path, light).map_err(|error| graph.invalid(key, path, error.message()))?;
        let model = Arc::new(model);
        self.held.insert(slot, Arc::clone(&model));
        Ok(model)
    }
}

/// One graph file that can be run.
#[derive(Debug)]
pub(crate) struct Model {
    runtime: Runtime,
    path: PathBuf,
    light: bool,
    /// None where it was lost and could not be loaded again.
    session: Mutex<Option<Session>>,
}

impl Model {
    /// Loads a graph file; `light` gives it threads of its own, as [`is_light`] explains.
    pub fn load(runtime: &Runtime, path: &Path, light: bool) -> ort::Result<Self> {
        let session = Mutex::new(Some(open(runtime, path, light)?));
        Ok(Self { runtime: runtime.clone(), path: path.to_owned(), light, session })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lends its session when nobody else has it. After a panic it is a fresh one: nothing is known about the state of
    /// the old.
    ///
    /// # Errors
    /// When it cannot be loaded again; the next call tries once more.
    pub fn with<T>(&self, run: impl FnOnce(&mut Session) -> T) -> ort::Result<T> {
        let mut slot = self.session.lock().unwrap_or_else(|poisoned| {
            let mut slot = PoisonError::into_inner(poisoned);
            tracing::error!(graph = %self.path.display(), "a run panicked, its session is built anew");
            *slot = None;
            self.session.clear_poison();
            slot
        });
        let session = match slot.take() {
            Some(session) => session,
            None => open(&self.runtime, &self.path, self.light)?,
        };
        Ok(run(slot.insert(session)))
    }
}

/// A text graph with all its weights in a file of less than this is light: a run takes less than a millisecond, and the
/// other core has the wire to do meanwhile. On two cores the shipped bundle answers 4,500 to 5,100 texts a second with
/// one thread for the graph and 3,900 to 4,100 with two, and a caller who is alone waits no longer. Images, audio and
/// videos gain nothing by it, and their engine alone loses a third.
const LIGHT_BYTES: u64 = 16 << 20;

fn is_light(graph: &Graph, path: &Path) -> bool {
    let small = || fs::metadata(path).is_ok_and(|file| file.len() < LIGHT_BYTES);
    graph.tower == Modality::Text && graph.external.is_empty() && small()
}

/// How every session is set up: threads come from the runtime's shared pool, but for a light graph, which has half as
/// many of its own; nodes run one after the other, memory is as [`GraphSession`](crate::GraphSession) explains.
fn open(runtime: &Runtime, path: &Path, light: bool) -> ort::Result<Session> {
    let configure = |mut builder: SessionBuilder| -> ort::Result<SessionBuilder> {
        if light {
            builder = builder.with_independent_thread_pool()?;
            builder = builder.with_intra_threads((runtime.threads() / 2).max(1))?.with_intra_op_spinning(false)?;
        }
        Ok(builder
            .with_execution_providers([ep::CPU::default().with_arena_allocator(true).build()])?
            .with_memory_pattern(false)?
            .with_parallel_execution(false)?)
    };
    Session::builder(&runtime.environment).and_then(configure)?.commit_from_file(path)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        env,
        panic::{AssertUnwindSafe, catch_unwind},
    };

    use onespace_bundle::Precision;

    use super::*;

    fn models() -> Models {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let built = || here.join("../../target/onnxruntime/libonnxruntime.so");
        let library = env::var_os("ONESPACE_ONNXRUNTIME").map_or_else(built, PathBuf::from);
        Models::new(&Runtime::init(&library, None).unwrap())
    }

    /// Weights of half precision.
    fn graph(tower: Modality) -> Graph {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/graphs/look-coarse.onnx");
        Graph::alone(tower, &file, &["pixels"], "embedding", 8)
    }

    #[test]
    fn a_file_is_loaded_once_for_all_towers_and_workers_have_their_own() {
        let mut models = models();
        let mut get = |graph: &Graph, worker| models.get(graph, "model", &graph.model, worker);
        let (text, image) = (graph(Modality::Text), graph(Modality::Image));
        let first = get(&text, 0).unwrap();
        assert!(Arc::ptr_eq(&first, &get(&image, 0).unwrap()));
        assert!(!Arc::ptr_eq(&first, &get(&text, 1).unwrap()));
        let strict = Graph { forbid: BTreeSet::from([Precision::Fp16]), ..image };
        let error = get(&strict, 0).unwrap_err();
        assert_eq!(error.field, "towers.image.precision", "what one tower may run, another refuses");
    }

    #[test]
    fn after_a_panic_the_session_is_a_fresh_one() {
        let mut models = models();
        let graph = graph(Modality::Text);
        let model = models.get(&graph, "model", &graph.model, 0).unwrap();
        let inputs = |model: &Model| model.with(|session| session.inputs().len()).unwrap();
        assert_eq!(inputs(&model), 1);
        let broken = catch_unwind(AssertUnwindSafe(|| model.with(|_| panic!("injected"))));
        assert!(broken.is_err() && model.session.is_poisoned());
        assert_eq!(inputs(&model), 1);
        assert!(!model.session.is_poisoned());
    }
}
