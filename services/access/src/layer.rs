//! Stands before every call of a server: who is it, may they, how much have they taken, and what is written down of it.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    future::{Future, ready},
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
};

use onespace_core::{Error, Reason, Result, limits::REQUEST_ID_BYTES};
use onespace_proto::{methods_without_effects, status::status};
use ring::rand::{SecureRandom, SystemRandom};
use tonic::{
    Status,
    body::Body,
    codegen::http::{self, HeaderMap, HeaderValue},
    transport::server::TcpConnectInfo,
};
use tower::{Layer, Service};

use crate::{
    access::Access,
    answer::{Answer, Ending},
    arriving::Arriving,
    caller::Caller,
    grant::Scope,
    meters::{InUse, Meter, RequestsLeft},
    record::Record,
};

/// Names a call in answers, logs and the audit log; a caller may bring its own.
const REQUEST_ID: &str = "x-request-id";

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
        if request.uri().path().starts_with(OPEN) {
            return Box::pin(self.inner.call(request));
        }
        let (mut parts, body) = request.into_parts();
        let id = request_id(&parts.headers);
        let peer = parts.extensions.get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr);
        let record = Record::new(&id, parts.uri.path(), peer);
        let (caller, meter, in_use) = match admit(&self.access, &parts.headers, parts.uri.path(), peer) {
            Ok(admitted) => admitted,
            Err((error, caller)) => return refused(&self.access, &error, caller.as_ref(), record, &id),
        };
        let left = meter.requests_left();
        let record = record.of(&caller.grant().id, &caller.grant().name);
        parts.extensions.insert(caller.clone());
        let (arriving, bytes) = Arriving::new(body, meter);
        let ending = Ending::new(record, caller, bytes, in_use, self.access.audit().cloned());
        let answer = self.inner.call(http::Request::from_parts(parts, Body::new(arriving)));
        Box::pin(async move {
            let mut response = answer.await?;
            add_headers(response.headers_mut(), &id, left);
            Ok(Answer::wrap(response, ending))
        })
    }
}

type Admitted = (Caller, Arc<Meter>, InUse);

/// Lets one call in, or says why not and, where that is known, whom.
fn admit(
    access: &Access,
    headers: &HeaderMap,
    path: &str,
    peer: Option<SocketAddr>,
) -> Result<Admitted, (Error, Option<Caller>)> {
    let (grant, meter) = access.identify(headers, peer.map(|peer| peer.ip())).map_err(|error| (error, None))?;
    let caller = Caller::new(grant);
    let refused = |error| (error, Some(caller.clone()));
    let needed = scope(path);
    if !caller.grant().has(needed) {
        let message = format!("{:?} has no scope \"{}\", which this call needs", caller.grant().name, needed.name());
        return Err(refused(Error::new(Reason::PermissionDenied, "authorization", message)));
    }
    let in_use = meter.begin().map_err(refused)?;
    Ok((caller, meter, in_use))
}

/// What a method needs. One that is not known to change nothing is taken for one that does.
fn scope(path: &str) -> Scope {
    static READING: LazyLock<BTreeSet<String>> = LazyLock::new(methods_without_effects);
    let ours = path.starts_with("/onespace.");
    if ours && !READING.contains(path) { Scope::Write } else { Scope::Read }
}

fn refused<E: Send + 'static>(
    access: &Access,
    error: &Error,
    caller: Option<&Caller>,
    record: Record,
    id: &str,
) -> Answering<E> {
    let status: Status = status(error);
    if let Some(audit) = access.audit() {
        let record = match caller {
            Some(caller) => record.of(&caller.grant().id, &caller.grant().name),
            None => record,
        };
        audit.write(&record.ended(&status));
    }
    let mut response = status.into_http();
    add_headers(response.headers_mut(), id, None);
    Box::pin(ready(Ok(response)))
}

/// The caller's own name for a call, if it is one that can be written down; else a random one.
fn request_id(headers: &HeaderMap) -> String {
    let named = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let fits =
        |id: &&str| !id.is_empty() && id.len() <= REQUEST_ID_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic());
    named.filter(fits).map_or_else(random_id, str::to_owned)
}

fn random_id() -> String {
    let mut bytes = [0; 16];
    // Without random numbers a call has a dull name; keys are not made here.
    let _ = SystemRandom::new().fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
        assert_eq!(scope("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"), Scope::Read);
    }

    #[test]
    fn a_request_keeps_a_name_that_can_be_written_down() {
        let with = |id: &str| HeaderMap::from_iter([(http::HeaderName::from_static(REQUEST_ID), id.parse().unwrap())]);
        assert_eq!(request_id(&with("mine-1")), "mine-1");
        for wrong in ["", "two words", &"x".repeat(REQUEST_ID_BYTES + 1)] {
            assert_eq!(request_id(&with(wrong)).len(), 32, "{wrong}");
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
