//! One request over HTTP on its way through a door, and what every door needs.

use std::{fmt, sync::Arc, time::Instant};

use axum::{
    body::Body,
    extract::{Query, Request},
    http::{HeaderMap, Method, request::Parts},
};
use onespace_core::{Deadline, Error, Reason, Result};
use onespace_gateway::{Gateway, services::Services};
use onespace_kit::{admission::Admission, deadline, ready::Ready, shares::Client};
use tokio::sync::Mutex;
use tonic::metadata::MetadataMap;
use uuid::Uuid;

/// What its operator chose.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// A request that names another model than the one that is served is refused.
    pub strict_model: bool,
    /// Sites whose pages may call: `https://example.org`, or `*` for all.
    pub origins: Vec<String>,
    /// Nothing is served but probes, metrics and the space: callers are known by certificates, which this port does not
    /// ask for.
    pub pages_only: bool,
}

/// What all doors share.
#[derive(Clone)]
pub struct App {
    /// The calls that doors read requests into.
    pub services: Services,
    /// The state behind them.
    pub gateway: Ready<Gateway>,
    /// What bytes on their way in, and what is made of them, take room in.
    pub arrival: Admission,
    /// What its operator chose.
    pub settings: Settings,
}

impl App {
    /// Doors to a gateway.
    #[must_use]
    pub fn new(gateway: Ready<Gateway>, arrival: Admission, settings: Settings) -> Self {
        Self { services: Services::new(gateway.clone()), gateway, arrival, settings }
    }
}

/// One request.
pub struct Call {
    /// What all doors share.
    pub app: App,
    /// When it came.
    pub began: Instant,
    /// How long it is waited for.
    pub deadline: Deadline,
    head: Parts,
    /// Never locked: it makes of a body, which threads may not share, something that they may.
    body: Mutex<Option<Body>>,
    params: Vec<(String, String)>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.head.method, self.head.uri.path())
    }
}

impl Call {
    /// A request whose path has these parameters.
    #[must_use]
    pub fn new(app: App, request: Request, params: Vec<(String, String)>) -> Self {
        let (head, body) = request.into_parts();
        let deadline = deadline::incoming(&MetadataMap::from_headers(head.headers.clone()));
        Self { app, began: Instant::now(), deadline, head, body: Mutex::new(Some(body)), params }
    }

    /// The state behind the calls.
    ///
    /// # Errors
    /// `NOT_READY`.
    pub fn gateway(&self) -> Result<Arc<Gateway>> {
        self.app.gateway.get()
    }

    /// Its headers.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// GET, POST, …
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.head.method
    }

    /// What its path holds of the parameters of its pattern.
    #[must_use]
    pub fn params(&self) -> &[(String, String)] {
        &self.params
    }

    /// The names and values behind the question mark.
    #[must_use]
    pub fn query(&self) -> Vec<(String, String)> {
        Query::try_from_uri(&self.head.uri).map_or_else(|_| Vec::new(), |Query(pairs)| pairs)
    }

    /// What of the path a parameter of its pattern holds.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
    }

    /// What it is called in answers and in the audit log, where its caller has named it; else something that no other
    /// is called.
    #[must_use]
    pub fn id(&self) -> String {
        let named = self.head.headers.get("x-request-id").and_then(|value| value.to_str().ok());
        named.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
    }

    /// Whose share it takes.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        self.head.extensions.get()
    }

    /// Its body, once.
    ///
    /// # Errors
    /// `INTERNAL` the second time.
    pub fn take_body(&mut self) -> Result<Body> {
        self.body.get_mut().take().ok_or_else(|| Error::internal("a body is read once"))
    }

    /// The extension that a layer before left.
    #[must_use]
    pub fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.head.extensions.get().cloned()
    }

    /// A message as a call of the gateway takes it: from the same caller, with the same tenant, and with the time that
    /// is left.
    #[must_use]
    pub fn request<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = self.stream_request(message);
        deadline::outgoing(&mut request, self.deadline);
        request
    }

    /// The same, of a stream: it goes on as long as its caller sends, unless the caller names a deadline.
    #[must_use]
    pub fn stream_request<T>(&self, messages: T) -> tonic::Request<T> {
        let metadata = MetadataMap::from_headers(self.head.headers.clone());
        tonic::Request::from_parts(metadata, self.head.extensions.clone(), messages)
    }

    /// The model that a request names, as answers name it: the one that is served.
    ///
    /// # Errors
    /// `MODEL_NOT_FOUND` for another, where the server is strict; `NOT_READY`.
    pub fn model(&self, named: Option<&str>) -> Result<String> {
        let served = model_id(&self.gateway()?);
        match named {
            Some(other) if self.app.settings.strict_model && other != served => {
                let message = format!("the model {other:.80?} is not served here, only {served:?}");
                Err(Error::new(Reason::ModelNotFound, "model", message))
            }
            _ => Ok(served),
        }
    }
}

/// The one model of a server: its space, by its bundle's name and version, without blanks.
#[must_use]
pub fn model_id(gateway: &Gateway) -> String {
    gateway.space().name.split_whitespace().collect::<Vec<_>>().join("-")
}
