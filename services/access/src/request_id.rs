//! What a call is called in answers and in the audit log.

use onespace_core::{bytes::hex, limits::REQUEST_ID_BYTES};
use ring::rand::{SecureRandom, SystemRandom};
use tonic::codegen::http::HeaderMap;

/// The header; a caller may bring its own.
pub const REQUEST_ID: &str = "x-request-id";

/// The caller's own name for a call, if it is one that can be written down; else a random one.
pub fn request_id(headers: &HeaderMap) -> String {
    let named = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let graphic = |id: &str| id.bytes().all(|byte| byte.is_ascii_graphic());
    let fits = |id: &&str| !id.is_empty() && id.len() <= REQUEST_ID_BYTES && graphic(id);
    named.filter(fits).map_or_else(random_id, str::to_owned)
}

fn random_id() -> String {
    let mut bytes = [0; 16];
    // Without random numbers a call has a dull name; keys are not made here.
    let _ = SystemRandom::new().fill(&mut bytes);
    hex(&bytes)
}

#[cfg(test)]
mod tests {
    use tonic::codegen::http::HeaderName;

    use super::*;

    #[test]
    fn a_request_keeps_a_name_that_can_be_written_down() {
        let with = |id: &str| HeaderMap::from_iter([(HeaderName::from_static(REQUEST_ID), id.parse().unwrap())]);
        assert_eq!(request_id(&with("mine-1")), "mine-1");
        for wrong in ["", "two words", &"x".repeat(REQUEST_ID_BYTES + 1)] {
            assert_eq!(request_id(&with(wrong)).len(), 32, "{wrong}");
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
