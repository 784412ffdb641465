//! Answers are accounted for until their reader has them, and whoever does not read loses them.
//!
//! The transport takes as much of an answer as its reader has room for, and one piece more. So an answer is handed over
//! in pieces: the rest is ours, and so is what accounts for it, until the reader takes it or its time is over.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use onespace_core::{Error, Reason, limits::UNREAD_MS};
use onespace_proto::status::status;
use tokio::{task::AbortHandle, time::Instant};
use tonic::{
    Status,
    body::Body,
    codegen::http::{self, HeaderMap},
};
use tower::{Layer, Service};

use crate::{admission::Admitted, peer::Peer};

/// What is handed over at once: a frame of HTTP/2.
const PIECE: usize = 16 * 1024;

/// The last piece of a larger answer. It goes when there is room for all before it, so what accounts for the answer
/// stays until then.
const LAST_PIECE: usize = 256;

/// Answers no larger than this go in one piece.
const SMALL: usize = 2 * 1024;

/// What accounts for an answer: put among its extensions, it is held until the last of it is taken.
#[derive(Clone, Debug)]
pub struct HeldAnswer {
    _admitted: Arc<Admitted>,
}

impl HeldAnswer {
    /// Held for one answer.
    #[must_use]
    pub fn new(admitted: Admitted) -> Self {
        Self { _admitted: Arc::new(admitted) }
    }
}

/// Gives every answer up that nobody reads.
#[derive(Clone, Copy, Debug)]
pub struct AnswerLayer;

/// A service whose answers are read, or given up.
#[derive(Clone, Debug)]
pub struct AnswerService<S>(S);

impl<S> Layer<S> for AnswerLayer {
    type Service = AnswerService<S>;

    fn layer(&self, inner: S) -> AnswerService<S> {
        AnswerService(inner)
    }
}

impl<S, B> Service<http::Request<B>> for AnswerService<S>
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
        let peer = request.extensions().get::<Peer>().cloned();
        let answer = self.0.call(request);
        Box::pin(async move {
            let (mut parts, body) = answer.await?.into_parts();
            let held = parts.extensions.remove::<HeldAnswer>();
            let patience = Duration::from_millis(UNREAD_MS as u64);
            let body = if body.is_end_stream() { body } else { Body::new(AnswerBody::new(body, held, peer, patience)) };
            Ok(http::Response::from_parts(parts, body))
        })
    }
}

/// An answer on its way out.
struct AnswerBody {
    answer: Arc<Mutex<Answer>>,
    watch: AbortHandle,
}

struct Answer {
    state: State,
    /// What has been handed over last is not taken yet, since then.
    offered: Option<Instant>,
}

enum State {
    /// Goes on: what is still to come, the rest of a message in hand, and what accounts for both.
    Open { body: Body, rest: Bytes, _held: Option<HeldAnswer> },
    /// Nobody read it.
    GivenUp,
    /// Over, its reader has been told.
    Over,
}

fn lock(answer: &Mutex<Answer>) -> MutexGuard<'_, Answer> {
    answer.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AnswerBody {
    fn new(body: Body, held: Option<HeldAnswer>, peer: Option<Peer>, patience: Duration) -> Self {
        let state = State::Open { body, rest: Bytes::new(), _held: held };
        let answer = Arc::new(Mutex::new(Answer { state, offered: Some(Instant::now()) }));
        let watched = answer.clone();
        let watch = tokio::spawn(async move {
            give_up_unread(&watched, patience).await;
            if let Some(peer) = peer {
                peer.left_unread();
            }
        });
        Self { answer, watch: watch.abort_handle() }
    }
}

impl Drop for AnswerBody {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Waits until what was offered has not been taken for so long, and lets go of the answer.
async fn give_up_unread(answer: &Mutex<Answer>, patience: Duration) {
    let mut until = Instant::now() + patience;
    loop {
        tokio::time::sleep_until(until).await;
        let given_up = {
            let mut answer = lock(answer);
            // What nobody was offered is our own delay.
            until = answer.offered.unwrap_or_else(Instant::now) + patience;
            (until <= Instant::now()).then(|| mem::replace(&mut answer.state, State::GivenUp))
        };
        if let Some(answer) = given_up {
            metrics::counter!("onespace_unread_total").increment(1);
            return drop(answer);
        }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut answer = lock(&self.answer);
        // Whoever asks for more has taken what there was.
        answer.offered = None;
        let next = match &mut answer.state {
            State::Over => return Poll::Ready(None),
            State::GivenUp => {
                answer.state = State::Over;
                return Poll::Ready(Some(Ok(Frame::trailers(unread()))));
            }
            State::Open { body, rest, .. } if rest.is_empty() => match ready!(Pin::new(body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        *rest = data;
                        Frame::data(piece(rest))
                    }
                    Err(trailers) => trailers,
                },
                end => return Poll::Ready(end),
            },
            State::Open { rest, .. } => Frame::data(piece(rest)),
        };
        answer.offered = Some(Instant::now());
        Poll::Ready(Some(Ok(next)))
    }

    fn is_end_stream(&self) -> bool {
        match &lock(&self.answer).state {
            State::Open { body, rest, .. } => rest.is_empty() && body.is_end_stream(),
            State::GivenUp => false,
            State::Over => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// What is handed over next of a message.
fn piece(rest: &mut Bytes) -> Bytes {
    match rest.len() {
        small if small <= SMALL => mem::take(rest),
        most if most > PIECE => rest.split_to(PIECE),
        some => rest.split_to(some - LAST_PIECE),
    }
}

/// Says that nobody read it, to whoever reads on after all.
fn unread() -> HeaderMap {
    let message = format!("nothing of the answer was read for {UNREAD_MS} ms (UNREAD_MS)");
    let status = status(&Error::new(Reason::StreamStalled, "", message));
    let mut headers = status.into_http::<Body>().into_parts().0.headers;
    headers.remove(http::header::CONTENT_TYPE);
    headers
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use http_body_util::{BodyExt as _, Full};
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::admission::Admission;

    const PATIENCE: Duration = Duration::from_millis(100);

    fn answer(bytes: usize, bound: &Admission) -> AnswerBody {
        let held = HeldAnswer::new(bound.enter_bytes(bytes).unwrap());
        let body = Body::new(Full::new(Bytes::from(vec![7; bytes])));
        AnswerBody::new(body, Some(held), None, PATIENCE)
    }

    async fn next(body: &mut AnswerBody) -> Option<Frame<Bytes>> {
        poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await.map(Result::unwrap)
    }

    #[tokio::test]
    async fn an_answer_arrives_whole_and_is_accounted_for_until_its_last_piece() {
        for bytes in [1, SMALL, SMALL + 1, PIECE, PIECE + 1, 100_000] {
            let bound = Admission::bytes("answers", 100_000);
            let mut body = answer(bytes, &bound);
            let mut came = 0;
            while came < bytes {
                assert!(bound.enter_bytes(100_000).is_err(), "{came} of {bytes} bytes");
                came += next(&mut body).await.unwrap().into_data().unwrap().len();
            }
            assert!(next(&mut body).await.is_none());
            drop(body);
            // Whoever watched it learns of its end in its own time.
            let free = async {
                while bound.enter_bytes(100_000).is_err() {
                    sleep(Duration::from_millis(1)).await;
                }
            };
            timeout(Duration::from_secs(10), free).await.expect("the room comes back");
        }
        let bound = Admission::bytes("answers", 100_000);
        assert_eq!(answer(50_000, &bound).collect().await.unwrap().to_bytes(), vec![7; 50_000]);
    }

    #[tokio::test]
    async fn an_answer_that_nobody_reads_is_given_up() {
        let bound = Admission::bytes("answers", 100_000);
        let mut body = answer(100_000, &bound);
        next(&mut body).await.unwrap();
        let room = timeout(Duration::from_secs(10), async {
            while bound.enter_bytes(100_000).is_err() {
                sleep(Duration::from_millis(5)).await;
            }
        });
        room.await.expect("the room comes back while the reader still stands there");
        let told = next(&mut body).await.unwrap().into_trailers().unwrap();
        assert_eq!(told.get("grpc-status").unwrap(), "4", "{told:?}");
        assert!(next(&mut body).await.is_none());
    }

    #[tokio::test]
    async fn an_answer_that_is_not_there_yet_is_waited_for() {
        let slow = futures::stream::once(async {
            sleep(PATIENCE * 3).await;
            Ok::<_, Status>(Frame::data(Bytes::from_static(b"late")))
        });
        let body = Body::new(http_body_util::StreamBody::new(slow));
        let mut body = AnswerBody::new(body, None, None, PATIENCE);
        assert_eq!(next(&mut body).await.unwrap().into_data().unwrap(), "late");
    }
}
