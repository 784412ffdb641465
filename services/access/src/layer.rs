//! Stands before every call of a server: who is it, may they, how much have they taken, and what is written down of it.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
};

use onespace_core::Result;
use onespace_proto::{methods_without_effects, status::status};
use tonic::{
    body::Body,
    codegen::http::{self, HeaderMap, HeaderValue},
    transport::server::TcpConnectInfo,
};
use tower::{Layer, Service};

use crate::{
    access::Access,
    answer::Answer,
    arriving::Arriving,
    endpoint::Endpoint,
    enter::{Asked, Entered, Refused},
    grant::Scope,
    meters::RequestsLeft,
    request_id::REQUEST_ID,
};

/// What anybody may ask: a probe shows no key.
const OPEN: &str = "/grpc.health.v1.Health/";

/// Lets callers in.
#[derive(Clone)]
pub struct AccessLayer(pub Arc<Access>);

/// A service whose callers are let in.
#[derive(Clone)]
pub struct AccessService<S> {
    inner: S,
    access: Arc<Access>,
}

impl<S> Layer<S> for AccessLayer {
    type Service = AccessService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AccessService { inner, access: self.0.clone() }
    }
}

type Answering<E> = Pin<Box<dyn Future<Output = Result<http::Response<Body>, E>> + Send>>;

impl<S> Service<http::Request<Body>> for AccessService<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answering<S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let path = request.uri().path();
        if path.starts_with(OPEN) {
            return Box::pin(self.inner.call(request));
        }
        let peer = request.extensions().get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr);
        let (path, needed) = request.extensions().get::<Endpoint>().map_or_else(
            || (if is_known(path) { path } else { "unknown" }, scope(path)),
            |endpoint| (endpoint.path, endpoint.needed),
        );
        let asked = Asked { headers: request.headers(), path, needed, peer };
        let Entered { caller, meter, standing, id, left } = match self.access.enter(&asked) {
            Ok(entered) => entered,
            Err(refused) => return refused.answer(),
        };
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(caller.clone());
        let body = Body::new(Arriving::new(body, meter, caller.clone(), standing));
        let answer = self.inner.call(http::Request::from_parts(parts, body));
        Box::pin(async move {
            let mut response = answer.await?;
            add_headers(response.headers_mut(), &id, left);
            Ok(Answer::wrap(response, caller))
        })
    }
}

/// What a method needs. One that is not known to change nothing is taken for one that does.
fn scope(path: &str) -> Scope {
    static READING: LazyLock<BTreeSet<String>> = LazyLock::new(methods_without_effects);
    let ours = path.starts_with("/onespace.");
    if ours && !READING.contains(path) { Scope::Write } else { Scope::Read }
}

/// Whether a path is that of a method of ours: a stranger's own words have no place in a log.
fn is_known(path: &str) -> bool {
    static METHODS: LazyLock<BTreeSet<String>> = LazyLock::new(onespace_proto::all_methods);
    METHODS.contains(path)
}

impl Refused {
    fn answer<E: Send + 'static>(self) -> Answering<E> {
        let mut response = status(&self.error).into_http();
        add_headers(response.headers_mut(), &self.id, self.left);
        Box::pin(ready(Ok(response)))
    }
}

fn add_headers(headers: &mut HeaderMap, id: &str, left: Option<RequestsLeft>) {
    let mut add = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    add(REQUEST_ID, id.to_owned());
    if let Some(RequestsLeft { limit, remaining, reset }) = left {
        add("x-ratelimit-limit", limit.to_string());
        add("x-ratelimit-remaining", remaining.to_string());
        add("x-ratelimit-reset", reset.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_needs_write() {
        assert_eq!(scope("/onespace.v1.SearchService/Search"), Scope::Read);
        assert_eq!(scope("/onespace.v1.CollectionService/Ingest"), Scope::Write);
        assert_eq!(scope("/onespace.v1.CollectionService/NotYetThere"), Scope::Write);
        assert!(is_known("/onespace.v1.SearchService/Search") && !is_known("/x"));
        assert_eq!(scope("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"), Scope::Read);
    }
}
