//! One connection, and the calls that every use of it is made of.

use std::{io, sync::Arc, time::Duration};

use onespace_core::limits::MESSAGE_BYTES;
use onespace_proto::v1::{
    GetSpaceRequest, GetSpaceResponse, SearchRequest, SearchResponse,
    collection_service_client::CollectionServiceClient, embedding_service_client::EmbeddingServiceClient,
    search_service_client::SearchServiceClient, space_service_client::SpaceServiceClient,
};
use tonic::{
    Request, Response, Status,
    metadata::AsciiMetadataValue,
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Uri},
};

use crate::{
    error::{Error, Result},
    patience::Patience,
    secret::Secret,
    transport::{Road, TlsFiles},
    watch::Watch,
};

/// How long a server may do nothing for a call, where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a message holds beside the media in it, at most.
pub(crate) const ENVELOPE_BYTES: usize = 64 * 1024;

/// The metadata key that says whose collections are meant.
const TENANT: &str = "onespace-tenant";

/// A server, and how to talk to it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its URL, such as `http://127.0.0.1:50051`.
    pub endpoint: String,
    /// Whose collections are meant; the key's own tenant where nobody is named.
    pub tenant: Option<String>,
    /// The key, or the token of an identity provider, that is shown with every call.
    pub key: Option<Secret>,
    /// Over https: who is trusted, and what is shown.
    pub tls: TlsFiles,
    /// How long a server that is busy and does nothing else is waited for; 0: never.
    pub patience: Duration,
    /// How long one try of a call may take. Without it the server decides: 30 s for most calls, and for a stream as
    /// long as items come. Ingest has none.
    pub deadline: Option<Duration>,
}

impl Config {
    /// The default tenant's server at a URL, waited for two minutes while it is busy.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            tenant: None,
            key: None,
            tls: TlsFiles::default(),
            patience: PATIENCE,
            deadline: None,
        }
    }
}

/// What every request of a connection carries.
#[derive(Clone, Debug)]
pub struct RequestHeaders {
    tenant: Option<AsciiMetadataValue>,
    authorization: Option<AsciiMetadataValue>,
    deadline: Option<Duration>,
}

impl Interceptor for RequestHeaders {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(tenant) = &self.tenant {
            request.metadata_mut().insert(TENANT, tenant.clone());
        }
        if let Some(authorization) = &self.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        if let Some(deadline) = self.deadline {
            request.set_timeout(deadline);
        }
        Ok(request)
    }
}

/// What the generated clients send through.
pub type Calls = InterceptedService<Channel, RequestHeaders>;

/// One connection, with a client for each service, and the patience of its user. Clones share the connection.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    headers: RequestHeaders,
    patience: Duration,
    watch: Arc<dyn Watch>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// An endpoint that is no URL, a tenant that is no name, each as the field to blame; no server that answers there.
    pub async fn connect(config: Config) -> Result<Self> {
        let Config { endpoint, tenant, key, tls, patience, deadline } = config;
        let tenant = tenant.map(|tenant| tenant.parse::<AsciiMetadataValue>()).transpose();
        let tenant = tenant
            .map_err(|error| Error::config("tenant", "use letters, digits, '-', '_' and '.'".to_owned(), error))?;
        let authorization = key.map(|key| format!("Bearer {}", key.reveal()).parse::<AsciiMetadataValue>()).transpose();
        let mut authorization = authorization
            .map_err(|error| Error::config("api-key", "a key is letters, digits, '-' and '_'".to_owned(), error))?;
        // So that no log prints it.
        authorization.iter_mut().for_each(|value| value.set_sensitive(true));
        let no_url =
            |error| Error::config("endpoint", format!("{endpoint} is not a URL such as http://127.0.0.1:50051"), error);
        let url = endpoint.parse::<Uri>().map_err(|error| no_url(io::Error::other(error)))?;
        let road = Road::new(&url, None, &Arc::new(tls)).map_err(|error| no_url(io::Error::other(error)))?;
        let channel = road.connect().await.map_err(|error| Error::unreachable(&endpoint, error))?;
        let headers = RequestHeaders { tenant, authorization, deadline };
        Ok(Self { channel, headers, patience, watch: Arc::new(()) })
    }

    /// The same connection, whose waits are told to `watch`.
    #[must_use]
    pub fn watched_by(self, watch: Arc<dyn Watch>) -> Self {
        Self { watch, ..self }
    }

    /// The patience of one command with so many items, which calls that belong together share.
    #[must_use]
    pub fn patience(&self, items: usize) -> Patience {
        Patience::new(self.patience, items, Arc::clone(&self.watch))
    }

    /// One call, made again while the server is busy: `send` makes it, with one of the generated clients.
    ///
    /// ```no_run
    /// # use onespace_client::{Client, Result, v1};
    /// # async fn delete(client: &Client) -> Result<()> {
    /// let request = v1::DeleteCollectionRequest { name: "kitchen".to_owned() };
    /// let delete = async |client: Client, request| client.collection_service().delete_collection(request).await;
    /// client.call(request, delete).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What the server said last.
    pub async fn call<Q, A, F>(&self, request: Q, send: impl Fn(Self, Q) -> F) -> Result<A>
    where
        Q: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let answer = self.patience(1).call(|| send(self.clone(), request.clone())).await;
        Ok(answer?.into_inner())
    }

    /// Finds stored items by a question of any modality. Files that do not fit in one message are embedded first, and
    /// ask by their vectors.
    ///
    /// # Errors
    /// What the server said last.
    pub async fn search(&self, request: SearchRequest) -> Result<SearchResponse> {
        let parts = self.fitting(request.parts, MESSAGE_BYTES - ENVELOPE_BYTES).await?;
        let request = SearchRequest { parts, ..request };
        self.call(request, async |client: Self, request| client.search_service().search(request).await).await
    }

    /// What the server says of its space: towers, dimensions, formats, limits.
    ///
    /// # Errors
    /// What the server said last.
    pub async fn get_space(&self) -> Result<GetSpaceResponse> {
        let get = async |client: Self, request| client.space_service().get_space(request).await;
        self.call(GetSpaceRequest {}, get).await
    }

    /// The generated client that embeds.
    #[must_use]
    pub fn embedding_service(&self) -> EmbeddingServiceClient<Calls> {
        EmbeddingServiceClient::new(self.calls(self.headers.clone()))
    }

    /// The generated client that searches, ranks and classifies.
    #[must_use]
    pub fn search_service(&self) -> SearchServiceClient<Calls> {
        SearchServiceClient::new(self.calls(self.headers.clone()))
    }

    /// The generated client for collections and the items in them.
    #[must_use]
    pub fn collection_service(&self) -> CollectionServiceClient<Calls> {
        CollectionServiceClient::new(self.calls(self.headers.clone()))
    }

    /// The generated client that describes the space.
    #[must_use]
    pub fn space_service(&self) -> SpaceServiceClient<Calls> {
        SpaceServiceClient::new(self.calls(self.headers.clone()))
    }

    /// The client for streams that stay open as long as items come.
    pub(crate) fn ingest_service(&self) -> CollectionServiceClient<Calls> {
        CollectionServiceClient::new(self.calls(RequestHeaders { deadline: None, ..self.headers.clone() }))
    }

    fn calls(&self, headers: RequestHeaders) -> Calls {
        InterceptedService::new(self.channel.clone(), headers)
    }
}
