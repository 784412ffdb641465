//! A model hub on loopback, with the layout of the real ones, that counts what it serves and can be told to fail.
//!
//! Large files (`.onnx`, `.bin`, `.safetensors`) are handed on to another port, as hubs hand them on to another host;
//! small ones come from the hub itself.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    http::{HeaderMap, Method, Response, StatusCode, header},
    routing::get,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

/// What a body is cut into.
const PIECE: usize = 1 << 14;

/// What is to go wrong.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Who has no such token gets 401.
    pub token: Option<String>,
    /// Everybody gets this status, with this code and this pause.
    pub refuse: Option<(u16, &'static str, Option<u64>)>,
    /// How many are refused so; all, if nothing is said.
    pub refusals: Option<usize>,
    /// The next large file breaks off after so many bytes; only the next.
    pub cut: Option<usize>,
    /// Large files fall silent after so many bytes, until this is taken back.
    pub stall: Option<usize>,
    /// Large files come with a wrong byte in them.
    pub spoil: bool,
    /// Large files are promised so many bytes longer than they are.
    pub promise: u64,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whether the hub was asked, or the host that it hands large files on to.
    pub hub: bool,
    /// How.
    pub method: Method,
    /// For what.
    pub path: String,
    /// From which byte on.
    pub from: Option<u64>,
    /// What was shown.
    pub authorization: Option<String>,
    /// How many bytes of a file went out.
    pub bytes: usize,
}

struct Shared {
    repository: String,
    commit: String,
    files: BTreeMap<String, Bytes>,
    store: String,
    faults: Mutex<Faults>,
    asked: Mutex<Vec<Asked>>,
}

/// A running hub; it ends with the test's runtime.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Shared>,
    address: String,
}

impl Hub {
    /// A hub with one repository of these files.
    ///
    /// # Panics
    /// If no port is to be had.
    pub async fn with(repository: &str, commit: &str, files: BTreeMap<String, Bytes>) -> Self {
        let (front, back) = (listener().await, listener().await);
        let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (address, store) = (url(&front), url(&back));
        let (repository, commit) = (repository.to_owned(), commit.to_owned());
        let (faults, asked) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { repository, commit, files, store, faults, asked });
        let routes = Router::new()
            .route("/api/models/{owner}/{name}/revision/{revision}", get(revision))
            .route("/{owner}/{name}/resolve/{revision}/{*file}", get(resolve))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(front, routes).await });
        let routes = Router::new().route("/{digest}", get(large)).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(back, routes).await });
        Self { shared, address }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.address
    }

    /// What is to go wrong from now on.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.shared.faults.lock().unwrap()
    }

    /// What was asked so far; it is forgotten.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.shared.asked.lock().unwrap())
    }
}

/// The SHA-256 of bytes in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

impl Shared {
    fn note(&self, hub: bool, request: &Request) -> usize {
        let text = |name| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let asked = Asked {
            hub,
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            from: start(request.headers()),
            authorization: text(header::AUTHORIZATION),
            bytes: 0,
        };
        let mut all = self.asked.lock().unwrap();
        all.push(asked);
        all.len() - 1
    }

    /// A refusal, if there is to be one.
    fn refusal(&self, headers: &HeaderMap) -> Option<Response<Body>> {
        let mut faults = self.faults.lock().unwrap();
        let shown = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap());
        if let Some(token) = &faults.token
            && shown != Some(&format!("Bearer {token}"))
        {
            return Some(refused(401, "RepoNotFound", None));
        }
        let (status, code, pause) = faults.refuse?;
        match &mut faults.refusals {
            Some(0) => None,
            left => {
                left.iter_mut().for_each(|left| *left -= 1);
                Some(refused(status, code, pause))
            }
        }
    }
}

fn refused(status: u16, code: &str, pause: Option<u64>) -> Response<Body> {
    let mut response = Response::builder().status(status).header("x-error-code", code);
    if let Some(pause) = pause {
        response = response.header(header::RETRY_AFTER, pause);
    }
    response.body(Body::empty()).unwrap()
}

async fn revision(
    State(hub): State<Arc<Shared>>,
    Path((owner, name, revision)): Path<(String, String, String)>,
    request: Request,
) -> Response<Body> {
    hub.note(true, &request);
    if let Some(refusal) = hub.refusal(request.headers()) {
        return refusal;
    }
    if format!("{owner}/{name}") != hub.repository {
        return refused(404, "RepoNotFound", None);
    }
    if revision != "main" && revision != hub.commit {
        return refused(404, "RevisionNotFound", None);
    }
    Response::new(Body::from(format!(
        "{{\"id\": \"{owner}/{name}\", \"sha\": \"{}\", \"private\": false}}",
        hub.commit
    )))
}

async fn resolve(
    State(hub): State<Arc<Shared>>,
    Path((owner, name, revision, file)): Path<(String, String, String, String)>,
    request: Request,
) -> Response<Body> {
    let index = hub.note(true, &request);
    if let Some(refusal) = hub.refusal(request.headers()) {
        return refusal;
    }
    if format!("{owner}/{name}") != hub.repository || (revision != "main" && revision != hub.commit) {
        return refused(404, "RepoNotFound", None);
    }
    let Some(bytes) = hub.files.get(&file) else { return refused(404, "EntryNotFound", None) };
    let response = Response::builder().header("x-repo-commit", &hub.commit);
    let large = [".onnx", ".bin", ".safetensors"].iter().any(|ending| file.ends_with(ending));
    if !large {
        // The name of a Git object has 40 digits.
        let etag = format!("\"{}\"", &sha256(bytes)[..40]);
        let response = response.header(header::ETAG, &etag);
        return body(response, bytes, request.headers(), Some(&etag), &hub, index, &Faults::default());
    }
    let digest = sha256(bytes);
    response
        .status(StatusCode::FOUND)
        .header("x-linked-etag", format!("\"{digest}\""))
        .header("x-linked-size", bytes.len() as u64 + hub.faults.lock().unwrap().promise)
        .header(header::LOCATION, format!("{}/{digest}?signature=1", hub.store))
        .body(Body::empty())
        .unwrap()
}

async fn large(State(hub): State<Arc<Shared>>, Path(digest): Path<String>, request: Request) -> Response<Body> {
    let index = hub.note(false, &request);
    let Some(bytes) = hub.files.values().find(|bytes| sha256(bytes) == digest) else {
        return refused(404, "", None);
    };
    let faults = {
        let mut faults = hub.faults.lock().unwrap();
        let mut now = faults.clone();
        now.cut = faults.cut.take_if(|cut| *cut < bytes.len());
        now
    };
    let mut bytes = bytes.clone();
    if faults.spoil {
        let mut spoilt = bytes.to_vec();
        spoilt[0] ^= 1;
        bytes = spoilt.into();
    }
    body(
        Response::builder().header(header::ETAG, "\"a name of its own\""),
        &bytes,
        request.headers(),
        None,
        &hub,
        index,
        &faults,
    )
}

fn start(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::RANGE)?.to_str().unwrap().strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
}

/// The bytes that were asked for, as far as nothing goes wrong.
fn body(
    response: axum::http::response::Builder,
    bytes: &Bytes,
    headers: &HeaderMap,
    etag: Option<&str>,
    hub: &Arc<Shared>,
    index: usize,
    faults: &Faults,
) -> Response<Body> {
    let condition = headers.get(header::IF_RANGE).map(|value| value.to_str().unwrap());
    let holds = condition.is_none() || condition == etag;
    let from = usize::try_from(start(headers).filter(|_| holds).unwrap_or(0)).unwrap();
    if from > 0 && from >= bytes.len() {
        return refused(416, "", None);
    }
    let response = response.header(header::CONTENT_LENGTH, bytes.len() - from);
    let response = if from > 0 {
        let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        response.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, range)
    } else {
        response
    };
    let end = faults.cut.or(faults.stall).map_or(bytes.len(), |end| end.min(bytes.len())).max(from);
    let pieces: Vec<Bytes> = (from..end).step_by(PIECE).map(|at| bytes.slice(at..(at + PIECE).min(end))).collect();
    let hub = Arc::clone(hub);
    let counted = stream::iter(pieces).map(move |piece| {
        // The test may have taken the list meanwhile.
        if let Some(asked) = hub.asked.lock().unwrap().get_mut(index) {
            asked.bytes += piece.len();
        }
        Ok::<_, Infallible>(piece)
    });
    let whole = end == bytes.len();
    let cut = faults.cut.is_some();
    let rest = stream::once(async move {
        match (whole, cut) {
            (true, _) => None,
            (false, true) => Some(()),
            (false, false) => std::future::pending().await,
        }
    });
    // An error ends the connection before everything that was promised has come.
    let rest = rest.filter_map(|broken| async move { broken.map(|()| Err("cut")) });
    let counted = counted.map(|piece| piece.map_err(|never| match never {}));
    response.body(Body::from_stream(counted.chain(rest))).unwrap()
}
