//! What every server here needs, written once.
//!
//! A server's life: [`telemetry`] first, then [`signals`] (so that a signal during loading is not lost), then
//! [`serve::Server`] listens at once with every health name NOT_SERVING, its state a [`ready::Ready`] that is
//! filled when loading is done; on a signal health turns NOT_SERVING, work in hand is finished within the grace
//! and the server future is ended under a timeout.

pub mod admission;
pub mod answers;
pub mod arrival;
pub mod connections;
pub mod deadline;
pub mod messages;
pub mod pace;
pub mod peer;
pub mod ready;
pub mod secured;
pub mod serve;
pub mod shares;
pub mod signals;
pub mod telemetry;
pub mod tls;
pub mod transport;
