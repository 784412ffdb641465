//! The public door: embeds, searches, classifies, ranks and ingests, routing each media to its modality's encoder.
//!
//! The gateway never decodes media and an encoder never talks to the store. Whether encoders run in this process
//! or behind [`remote::RemoteEncoder`] is told by nothing but latency.

mod calibrate;
mod classify;
mod collections;
pub mod connect;
mod embed;
mod gateway;
mod group;
pub mod http;
mod ingest;
mod query;
mod rank;
pub mod remote;
mod replicas;
mod search;
pub mod services;

pub use gateway::Gateway;
