#![doc = include_str!("../README.md")]

mod client;
mod embed;
mod error;
mod ingest;
pub mod media;
mod patience;
mod question;
mod rank;
mod secret;
mod transport;
mod watch;

pub use client::{Calls, Client, Config, RequestHeaders};
pub use error::{Error, Result, Scope, UNANSWERED, UNREACHABLE, UNREADABLE};
pub use ingest::{Load, Tally};
pub use onespace_core::{Modality, Reason};
pub use onespace_proto::{
    metadata::metadata_out as metadata,
    v1::{
        self, EmbedOptions, Embedding, IngestItem, IngestResponse, IngestStart, Media, SearchRequest, SearchResponse,
    },
};
pub use patience::{Patience, Refusal};
pub use rank::{Ranking, Scored};
pub use secret::Secret;
pub use transport::{Road, TlsFiles, channel_settings};
pub use watch::{Waiting, Watch};

#[cfg(test)]
mod tests {
    use super::*;

    fn sendable<F: Send>(future: F) {
        drop(future);
    }

    /// Who uses this crate may spawn its calls. It compiles or it does not.
    #[test]
    fn calls_can_be_spawned() {
        let _ = |client: &Client| {
            sendable(Client::connect(Config::new("http://127.0.0.1:1")));
            sendable(client.embed(media::text("a mug"), &EmbedOptions::default()));
            sendable(client.search(SearchRequest::default()));
            sendable(client.get_space());
            sendable(client.ingest(IngestStart::default(), Vec::<IngestItem>::new(), |_, _| {}));
            sendable(client.rank(Vec::new(), None, None, 0, Vec::new()));
        };
    }
}
