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
use onespace_kit::transport;
use onespace_proto::v1::{
    collection_service_client::CollectionServiceClient, embedding_service_client::EmbeddingServiceClient,
    search_service_client::SearchServiceClient, space_service_client::SpaceServiceClient,
};
use tonic::{
    Request, Response, Status,
    metadata::AsciiMetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};

use crate::{args::ClientCommand, output::Outcome};

use patience::Patience;

pub use demo::run as demo;
pub use embed::{Wanted, embed};
pub use space::{get as space, lengths};

/// The server that a command talks to, and how.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its URL.
    pub endpoint: String,
    /// Whose collections are meant; the server's default tenant where nobody is named.
    pub tenant: Option<String>,
    /// How long a busy server is waited for.
    pub patience: Duration,
}

impl Server {
    /// The default tenant's server at a URL.
    pub fn at(endpoint: &str, patience: Duration) -> Self {
        Self { endpoint: endpoint.to_owned(), tenant: None, patience }
    }
}

/// Says with each call whose collections are meant.
#[derive(Clone)]
struct TenantHeader(Option<AsciiMetadataValue>);

impl Interceptor for TenantHeader {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(tenant) = &self.0 {
            request.metadata_mut().insert("onespace-tenant", tenant.clone());
        }
        Ok(request)
    }
}

/// One connection, with a client for each service, and the patience of its user.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    tenant: TenantHeader,
    patience: Duration,
}

type Calls = InterceptedService<Channel, TenantHeader>;

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When the server does not answer, naming it and how to start one.
    pub async fn connect(server: &Server) -> Result<Self> {
        let Server { endpoint, tenant, patience } = server;
        let tenant = tenant.as_ref().map(|tenant| tenant.parse::<AsciiMetadataValue>()).transpose();
        let tenant = TenantHeader(tenant.context("--tenant: use letters, digits, '-', '_' and '.'")?);
        let named = Endpoint::from_shared(endpoint.clone())
            .with_context(|| format!("--endpoint {endpoint} is not a URL such as http://127.0.0.1:50051"))?;
        let channel = transport::client(named).connect().await.with_context(|| {
            format!("no server answers at {endpoint}; start one with `onespace up`, or name another with --endpoint")
        })?;
        Ok(Self { channel, tenant, patience: *patience })
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

    fn calls(&self) -> Calls {
        InterceptedService::new(self.channel.clone(), self.tenant.clone())
    }

    fn embedding(&self) -> EmbeddingServiceClient<Calls> {
        EmbeddingServiceClient::new(self.calls())
    }

    fn search(&self) -> SearchServiceClient<Calls> {
        SearchServiceClient::new(self.calls())
    }

    fn collections(&self) -> CollectionServiceClient<Calls> {
        CollectionServiceClient::new(self.calls())
    }

    fn space(&self) -> SpaceServiceClient<Calls> {
        SpaceServiceClient::new(self.calls())
    }
}

/// Runs a client command.
pub async fn run(command: ClientCommand, matches: Option<&ArgMatches>, server: &Server, json: bool) -> Result<Outcome> {
    if let ClientCommand::Health { service } = command {
        return health::run(&server.endpoint, service).await;
    }
    let client = Client::connect(server).await?;
    match command {
        ClientCommand::Embed { text, files, segments, dimension } => {
            embed::run(&client, text, files, embed::Wanted { segments, dimension }, json).await
        }
        ClientCommand::Ingest { paths, collection, metadata } => {
            ingest::run(&client, &paths, &collection, &metadata, json).await
        }
        ClientCommand::Search(args) => search::run(&client, args, matches, json).await,
        ClientCommand::Rank { query, files, no_calibrate } => {
            let calibrate = search::calibrate(no_calibrate);
            rank::run(&client, search::parts(query, Vec::new(), matches)?, files, calibrate, json).await
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
