//! HTTP beside gRPC: the shapes that clients of others speak, health, metrics, the space.
//!
//! Every door is a thin reading of a call of the gateway, and passes the very layers that such a call passes: who calls
//! and how much of it, deadlines, bytes counted as they arrive, answers counted until they are read ([`guard`]). The
//! table of doors ([`doors`]) is the only list of them; a request is read by the module of its shape.

mod answer;
mod bind;
mod body;
mod call;
mod cohere;
mod cors;
mod doors;
mod embed;
mod events;
mod form;
mod guard;
mod immich;
mod input;
mod json;
mod listen;
mod media;
mod models;
mod ollama;
mod openai;
mod openapi;
mod own;
mod pages;
mod purpose;
mod refusal;
mod rerank;
mod tei;
mod upload;
mod voyage;
mod web;

pub use call::Settings;
pub use listen::Http;
