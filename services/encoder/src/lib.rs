//! The encoder service: hosts any set of towers.
//!
//! [`LocalEncoder`] is the whole of it: media in, unit vectors out, in the process that calls it. [`service`] puts
//! the same behind gRPC. The way of one request:
//!
//! 1. admission: a place and its bytes, or `QUEUE_FULL` with a pause;
//! 2. preparation, a bounded number at once, where panics end only their own request, and native code in processes of
//!    its own ([`Decoders`]);
//! 3. the batcher of each tower its samples are for ([`onespace_runtime::Engine`]);
//! 4. alignment into the space, and unit length;
//! 5. pooling: the whole of each track, then its stretches where they are asked for.
//!
//! [`LocalTranscriber`] is the same for speech: media in, text out, with a queue of its own.
//!
//! A tower that does not give its golden vector for its golden input is never served.

mod decoders;
mod figures;
mod golden;
mod local;
mod pipeline;
mod pool;
mod pooling;
pub mod service;
mod transcriber;
pub mod transcriber_service;

pub use decoders::{Decoders, Decoding};
pub use local::{LocalEncoder, Options};
pub use onespace_runtime::{Runtime, forbid_telemetry};
pub use transcriber::{LocalTranscriber, Seat};
