//! Deadlines across hops. tonic enforces the header only up to the response's headers and answers CANCELLED; here
//! a deadline is read once, carried along, and answered as DEADLINE_EXCEEDED.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    sync::OnceLock,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, StreamExt};
use onespace_access::endpoint::Endpoint;
use onespace_core::{Deadline, Result};
use tokio::time::Instant;
use tonic::{Request, Status, body::Body, codegen::http, metadata::MetadataMap};
use tower::{Layer, Service};

/// The gRPC deadline header.
const HEADER: &str = "grpc-timeout";

/// What a hop keeps for itself, so that its answer arrives before its caller gives up (and before tonic's own
/// timer, which answers with another code).
const MARGIN: Duration = Duration::from_millis(10);

/// The deadline of an incoming request; the default where it names none, cut to the largest allowed.
#[must_use]
pub fn incoming(metadata: &MetadataMap) -> Deadline {
    budget(metadata).map_or_else(Deadline::default, |budget| Deadline::after(kept(budget)))
}

/// As [`incoming`], of a call that listens to a recording, which may take longer than others.
#[must_use]
pub fn of_speech(metadata: &MetadataMap) -> Deadline {
    budget(metadata).map_or_else(Deadline::default, |budget| Deadline::of_speech(kept(budget)))
}

fn budget(metadata: &MetadataMap) -> Option<Duration> {
    metadata.get(HEADER).and_then(|value| value.to_str().ok()).and_then(parse)
}

/// Every call of a server, answered in time: the clock starts with a request's headers, however slowly its message
/// comes, and stops a moment before tonic's own, which would answer with another code.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineLayer;

/// A service whose calls are answered in time.
#[derive(Clone, Debug)]
pub struct DeadlineService<S>(S);

impl<S> Layer<S> for DeadlineLayer {
    type Service = DeadlineService<S>;

    fn layer(&self, inner: S) -> DeadlineService<S> {
        DeadlineService(inner)
    }
}

impl<S, B> Service<http::Request<B>> for DeadlineService<S>
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
        let streaming = sends_stream(&request);
        let answer = self.0.call(request);
        let deadline = match named {
            Some(budget) if streaming => Instant::now().checked_add(kept(budget)),
            Some(budget) => Some(Deadline::after(kept(budget)).instant().into()),
            // A stream comes as long as its client sends; one message has to be here in time, deadline or not.
            None if streaming => None,
            None => Some(Deadline::default().instant().into()),
        };
        let Some(deadline) = deadline else { return Box::pin(answer) };
        Box::pin(async move {
            let late =
                |_| Ok(onespace_proto::status::status(&Deadline::exceeded("before the answer was ready")).into_http());
            tokio::time::timeout_at(deadline, answer).await.unwrap_or_else(late)
        })
    }
}

/// Whether clients of this method send a stream: then its answer's headers may come late, and its end later.
fn is_client_stream(path: &str) -> bool {
    static STREAMING: OnceLock<BTreeSet<String>> = OnceLock::new();
    STREAMING.get_or_init(onespace_proto::client_streaming_methods).contains(path)
}

/// Whether a request's body comes for as long as its client sends.
fn sends_stream<B>(request: &http::Request<B>) -> bool {
    let endpoint = request.extensions().get::<Endpoint>();
    endpoint.map_or_else(|| is_client_stream(request.uri().path()), |endpoint| endpoint.uploads)
}

/// Whether a request is one message, of ours or over HTTP. Of what strangers' methods take, nothing is known here.
pub(crate) fn is_unary<B>(request: &http::Request<B>) -> bool {
    let ours = request.uri().path().starts_with("/onespace.") || request.extensions().get::<Endpoint>().is_some();
    ours && !sends_stream(request)
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

/// When a stream must be over, where its caller says so. A stream may go on for hours, so nothing is cut.
#[must_use]
pub fn of_stream(metadata: &MetadataMap) -> Option<Instant> {
    Instant::now().checked_add(kept(budget(metadata)?))
}

/// The answers of a stream until its deadline, then that it has passed. Work that is polled by the stream ends with it.
pub fn answers<T: Send + 'static>(
    deadline: Option<Instant>,
    answers: impl Stream<Item = Result<T, Status>> + Send + 'static,
) -> Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>> {
    let Some(deadline) = deadline else { return Box::pin(answers) };
    let late = async move {
        tokio::time::sleep_until(deadline).await;
        Err(onespace_proto::status::status(&Deadline::exceeded("before the stream was over")))
    };
    let late = futures::stream::once(late);
    // The first error ends the stream, whichever side it comes from; so does the end of the answers.
    let answers = answers.map(Some).chain(futures::stream::once(std::future::ready(None)));
    let ended_by_error = |answer: Option<Result<T, Status>>| {
        let end = matches!(&answer, Some(Err(_))).then_some(None);
        futures::stream::iter([answer].into_iter().chain(end))
    };
    let both = futures::stream::select(answers, late.map(Some));
    let until_the_end = both.flat_map(ended_by_error).take_while(|answer| std::future::ready(answer.is_some()));
    Box::pin(until_the_end.filter_map(std::future::ready))
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
