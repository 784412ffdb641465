//! The commands that talk to a server.

mod classify;
mod collection;
mod demo;
mod embed;
mod health;
mod ingest;
mod patience;
mod rank;
mod search;
pub mod source;
mod space;

use std::time::Duration;

use anyhow::{Context, Result};
use clap::ArgMatches;
use onespace_core::limits::VIDEO_BYTES;
use onespace_kit::transport;
use onespace_proto::v1::{
    collection_service_client::CollectionServiceClient, embedding_service_client::EmbeddingServiceClient,
    search_service_client::SearchServiceClient, space_service_client::SpaceServiceClient,
};
use tonic::{
    Response, Status,
    transport::{Channel, Endpoint},
};

use crate::{args::ClientCommand, output::Outcome};

use patience::Patience;

pub use demo::run as demo;
pub use embed::{Wanted, embed};
pub use space::{get as space, lengths};

/// One connection, with a client for each service, and the patience of its user.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    patience: Duration,
}

impl Client {
    /// Connects, for a user with so much patience.
    ///
    /// # Errors
    /// When the server does not answer, naming it and how to start one.
    pub async fn connect(endpoint: &str, patience: Duration) -> Result<Self> {
        let named = Endpoint::from_shared(endpoint.to_owned())
            .with_context(|| format!("--endpoint {endpoint} is not a URL such as http://127.0.0.1:50051"))?;
        let channel = transport::client(named).connect().await.with_context(|| {
            format!("no server answers at {endpoint}; start one with `onespace up`, or name another with --endpoint")
        })?;
        Ok(Self { channel, patience })
    }

    /// The patience of a command with so many items.
    fn patience(&self, items: usize) -> Patience {
        Patience::new(self.patience, items, None)
    }

    /// One call, made again while the server is busy.
    async fn call<Q: Clone, A>(
        &self,
        request: Q,
        send: impl AsyncFn(&Self, Q) -> Result<Response<A>, Status>,
    ) -> Result<A> {
        let answer = self.patience(1).call(async || send(self, request.clone()).await).await;
        answer.map(Response::into_inner).map_err(refused)
    }

    fn embedding(&self) -> EmbeddingServiceClient<Channel> {
        EmbeddingServiceClient::new(self.channel.clone()).max_decoding_message_size(VIDEO_BYTES)
    }

    fn search(&self) -> SearchServiceClient<Channel> {
        SearchServiceClient::new(self.channel.clone()).max_decoding_message_size(VIDEO_BYTES)
    }

    fn collections(&self) -> CollectionServiceClient<Channel> {
        CollectionServiceClient::new(self.channel.clone()).max_decoding_message_size(VIDEO_BYTES)
    }

    fn space(&self) -> SpaceServiceClient<Channel> {
        SpaceServiceClient::new(self.channel.clone())
    }
}

/// Runs a client command.
pub async fn run(
    command: ClientCommand,
    matches: Option<&ArgMatches>,
    endpoint: &str,
    patience: Duration,
    json: bool,
) -> Result<Outcome> {
    if let ClientCommand::Health { service } = command {
        return health::run(endpoint, service).await;
    }
    let client = Client::connect(endpoint, patience).await?;
    match command {
        ClientCommand::Embed { text, files, segments, dimension } => {
            embed::run(&client, text, files, embed::Wanted { segments, dimension }, json).await
        }
        ClientCommand::Ingest { paths, collection, metadata } => {
            ingest::run(&client, &paths, &collection, &metadata, json).await
        }
        ClientCommand::Search(args) => search::run(&client, args, matches, json).await,
        ClientCommand::Rank { question, files, no_calibrate } => {
            let calibrate = search::calibrate(no_calibrate);
            rank::run(&client, search::parts(question, Vec::new(), matches)?, files, calibrate, json).await
        }
        ClientCommand::Classify { text, file, label, template } => {
            classify::run(&client, text, file, label, template, json).await
        }
        ClientCommand::Collection(command) => collection::run(&client, command, json).await,
        ClientCommand::Item(command) => collection::items(&client, command, json).await,
        ClientCommand::Space => space::run(&client, json).await,
        ClientCommand::Health { .. } => Ok(Outcome::AllWell),
    }
}

/// A failed call as an error for people.
pub fn refused(status: Status) -> anyhow::Error {
    let error = onespace_proto::status::error(&status, onespace_core::Reason::Internal);
    if error.field.is_empty() {
        anyhow::anyhow!("{}", error.message)
    } else {
        anyhow::anyhow!("{}: {}", error.field, error.message)
    }
}

/// One item's failure in a line: the reason, and the sentence that explains it.
pub fn reason(error: &onespace_proto::v1::ItemError) -> String {
    format!("{}: {}", error.reason, error.message)
}

/// The name of a modality on the wire.
pub fn modality_name(number: i32) -> &'static str {
    onespace_proto::convert::modality_in(number).ok().flatten().map_or("unknown", onespace_core::Modality::name)
}
