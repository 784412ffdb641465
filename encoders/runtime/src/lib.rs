//! ONNX Runtime: sessions, cost-aware batching, memory policy.
//!
//! The only crate that names `ort`. A [`Runtime`] is the loaded library; a [`GraphSession`] is a tower's graphs, which
//! run a batch of samples when told to, nothing more (benchmarks hold the batcher against it); an [`Engine`] is what
//! a server uses: a bounded queue before one tower's graph, where requests that arrive together run together.
//!
//! What happens to a sample in an [`Engine`]:
//!
//! - it is refused at once with `QUEUE_FULL` and a pause when the queue is full;
//! - it leaves the queue unexecuted when its deadline passes or its caller goes away;
//! - it shares a run only with samples of exactly its shape, within a number and a volume;
//! - it runs at once when the tower is idle, or after a sixteenth of the last run if callers of that run are still to
//!   come back;
//! - if the run it shares fails, every member is tried alone, so one bad sample fails alone;
//! - if the run panics, its members get `PANICKED` and the graph that did is loaded anew;
//! - its vector leaves only if every value is finite and the length is the tower's.

mod batch;
mod bucket;
mod check;
mod engine;
mod entry;
mod graph;
mod library;
mod model;
mod onnx;
mod policy;
mod queue;
mod session;
mod state;
mod stats;
mod transcribe;
mod worker;

pub use engine::{Engine, Run};
pub use entry::RequestPermits;
pub use graph::Graph;
pub use library::{Runtime, forbid_telemetry};
pub use model::Models;
pub use policy::{BatchInfo, Observer, Options, Policy};

pub use session::GraphSession;
pub use stats::Stats;
pub use transcribe::Transcriber;
