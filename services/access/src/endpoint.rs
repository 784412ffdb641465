//! What a request over HTTP asks for, where its path alone does not tell: whoever routes it says so.

use crate::grant::Scope;

/// What is asked for over HTTP: put among a request's extensions before anybody asks who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its path as a pattern, such as `/v1/models/{id}`: what is written down of a call has no word of a stranger's.
    pub path: &'static str,
    /// What it takes.
    pub needed: Scope,
    /// Whether its body is a file that comes as long as its client sends.
    pub uploads: bool,
}
