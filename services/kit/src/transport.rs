//! How a server's connections are set up. The other end, of a client or a gateway before its encoders, is
//! `onespace_client::channel_settings`.
//!
//! Windows are fixed. A window that adapts begins at 64 KiB, and a hundred and thirty messages of twenty bytes that
//! nobody has read yet are then taken for an attack: the HTTP/2 library ends the connection with
//! `too_many_data_frames`.

use onespace_core::limits::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES};
use tonic::transport::Server;

/// A window as the builders take it.
fn window(bytes: usize) -> Option<u32> {
    u32::try_from(bytes).ok()
}

/// A server that reads with our windows.
#[must_use]
pub fn server() -> Server {
    Server::builder()
        .initial_stream_window_size(window(STREAM_WINDOW_BYTES))
        .initial_connection_window_size(window(CONNECTION_WINDOW_BYTES))
}
