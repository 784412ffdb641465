//! How a connection is set up.
//!
//! Windows are fixed. A window that adapts begins at 64 KiB, and a hundred and thirty messages of twenty bytes that
//! nobody has read yet are then taken for an attack: the HTTP/2 library ends the connection with
//! `too_many_data_frames`.

use onespace_core::limits::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES};
use tonic::transport::Endpoint;

/// An endpoint that reads with the windows of the servers, and sends small messages at once.
#[must_use]
pub fn channel_settings(endpoint: Endpoint) -> Endpoint {
    endpoint
        .tcp_nodelay(true)
        .initial_stream_window_size(window(STREAM_WINDOW_BYTES))
        .initial_connection_window_size(window(CONNECTION_WINDOW_BYTES))
}

/// A window as the builder takes it.
fn window(bytes: usize) -> Option<u32> {
    u32::try_from(bytes).ok()
}
