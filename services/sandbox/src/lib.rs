//! Decoders in processes of their own, which can reach nothing.
//!
//! What hostile bytes can make a decoder in C do, it does in a worker: a process that has one media, memory to write
//! its answer into, and no way to anything else. A crash, a hang or a bomb costs that media.
//!
//! ```text
//! server ──one message, two descriptors──▶ fork server ──fork──▶ worker: confines itself, decodes, answers, ends
//!    ▲                                          │                   │
//!    └──────────── how it ended ────────────────┴──── "answered" ───┘
//! ```
//!
//! - **One media, one process.** Whoever takes a worker over finds its own media there and nobody else's, and gives no
//!   wrong answers to those who come next. Workers that are used again would give up both: an error's message goes to
//!   the client, so one client's media could be read by the next.
//! - **A fork server makes that cheap.** It is this program, started once ([`serve`]), with the decoders set up and
//!   used once on media that are trusted. It has one thread, sees no media of a client's and copies itself for each
//!   (`worker`). A copy takes a fraction of a millisecond; starting the program takes a hundred times that, since
//!   FFmpeg comes in more than a hundred libraries.
//! - **Nothing is shared but memory without a name** (`shared`): the media goes in, the worker takes it out and
//!   writes the samples in its place. They are read, not mapped, so that nothing changes under whoever reads.
//! - **Who confines** (`confine`): Landlock (no path, no network, no signal to others), a seccomp filter (the calls
//!   that computing takes, and no more), limits of memory, processor time, files and processes, no new privileges. None
//!   takes a privilege or a user namespace; what the kernel does not have is told and done without.
//! - **Who ends whom.** A worker ends with its job: the server hangs up where nobody waits any more, and the fork
//!   server kills it. The fork server ends with the server, however that ends, since their connection does; workers end
//!   with the fork server, which the kernel sees to.

mod confine;
mod fault;
mod message;
mod program;
mod sandbox;
mod shared;
mod worker;

pub use confine::Confinement;
pub use program::Program;
pub use sandbox::Sandbox;
pub use worker::{Preparers, serve};
