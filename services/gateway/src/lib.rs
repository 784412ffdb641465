//! The public door: embeds, searches, classifies, ranks and ingests, routing each media to its modality's encoder.
//!
//! The gateway never decodes media and an encoder never talks to the store. Whether encoders run in this process
//! or behind [`remote::RemoteEncoder`] is told by nothing but latency.

mod answer;
mod asking;
mod bulk;
mod calibrate;
mod call;
mod classify;
mod collection_service;
mod collections;
pub mod connect;
mod details;
pub mod ear;
mod embed;
mod embed_file;
mod embed_stream;
mod gateway;
mod group;
mod hits;
mod import;
mod ingest;
mod item;
mod item_locks;
mod items;
mod outliers;
mod page;
mod passages;
mod presence;
mod query;
mod rank;
pub mod remote;
pub mod remote_transcriber;
mod replicas;
mod retry_budget;
mod search;
pub mod services;
mod speech;
mod spoken;
mod store_item;
mod store_wait;
mod stored_items;
mod turns;
mod upload;

pub use gateway::Gateway;
