//! Deadlines across hops. tonic enforces the header only up to the response's headers and answers CANCELLED; here
//! a deadline is read once, carried along, and answered as DEADLINE_EXCEEDED.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use onespace_core::{Deadline, Error, Reason, Result};
use tonic::{Request, body::Body, codegen::http, metadata::MetadataMap};
use tower::{Layer, Service};

/// The gRPC deadline header.
const HEADER: &str = "grpc-timeout";

/// What a hop keeps for itself, so that its answer arrives before its caller gives up (and before tonic's own
/// timer, which answers with another code).
const MARGIN: Duration = Duration::from_millis(10);

/// The deadline of an incoming request; the default where it names none, cut to the largest allowed.
#[must_use]
pub fn incoming(metadata: &MetadataMap) -> Deadline {
    let timeout = metadata.get(HEADER).and_then(|value| value.to_str().ok()).and_then(parse);
    timeout.map_or_else(Deadline::default, |budget| Deadline::after(kept(budget)))
}

/// Every call of a server, answered in time: the clock starts with a request's headers, however slowly its message
/// comes, and stops a moment before tonic's own, which would answer with another code.
#[derive(Clone, Copy, Debug)]
pub struct InTime;

/// A service whose calls are answered in time.
#[derive(Clone, Debug)]
pub struct Timed<S>(S);

impl<S> Layer<S> for InTime {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Timed<S> {
        Timed(inner)
    }
}

impl<S, B> Service<http::Request<B>> for Timed<S>
where
    S: Service<http::Request<B>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let named = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).and_then(parse);
        let answer = self.0.call(request);
        let Some(budget) = named else { return Box::pin(answer) };
        let deadline = Deadline::after(kept(budget));
        Box::pin(async move {
            let late =
                |_| Ok(onespace_proto::status::status(&Deadline::exceeded("before the answer was ready")).into_http());
            tokio::time::timeout_at(deadline.instant().into(), answer).await.unwrap_or_else(late)
        })
    }
}

/// What is left of a budget when the hop has kept its margin.
fn kept(budget: Duration) -> Duration {
    budget.saturating_sub(MARGIN.min(budget / 4))
}

/// Writes what is left of a deadline onto an outgoing request.
pub fn outgoing<T>(request: &mut Request<T>, deadline: Deadline) {
    request.set_timeout(deadline.remaining());
}

/// Runs work until its deadline.
///
/// # Errors
/// `DEADLINE_EXCEEDED`, or what the work gives.
pub async fn within<T>(deadline: Deadline, at: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    match tokio::time::timeout_at(deadline.instant().into(), work).await {
        Ok(result) => result,
        Err(_) => Err(Deadline::exceeded(at)),
    }
}

/// The next message of a client stream, which must not fall silent.
///
/// # Errors
/// `DEADLINE_EXCEEDED` after the idle limit, `CANCELLED` when the stream breaks.
pub async fn next<T>(stream: &mut tonic::Streaming<T>) -> Result<Option<T>> {
    let idle = Duration::from_millis(onespace_core::limits::STREAM_IDLE_MS as u64);
    match tokio::time::timeout(idle, stream.message()).await {
        Ok(Ok(message)) => Ok(message),
        Ok(Err(status)) => Err(onespace_proto::status::error(&status, Reason::Cancelled)),
        Err(_) => Err(Error::new(
            Reason::DeadlineExceeded,
            "",
            format!("the client sent nothing for {} ms", idle.as_millis()),
        )),
    }
}

/// `TimeoutValue TimeoutUnit` of the gRPC specification: at most eight digits and one of H M S m u n.
fn parse(header: &str) -> Option<Duration> {
    let (digits, unit) = header.split_at_checked(header.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(value * 3600)),
        "M" => Some(Duration::from_secs(value * 60)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_as_the_specification_says() {
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("2S"), Some(Duration::from_secs(2)));
        for broken in ["", "m", "2", "123456789m", "-1S", "2x", "é"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
        let mut metadata = MetadataMap::new();
        metadata.insert(HEADER, "100m".parse().unwrap());
        assert!(incoming(&metadata).remaining() <= Duration::from_millis(90));
    }
}
