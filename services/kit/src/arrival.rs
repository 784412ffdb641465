//! Bytes are accounted for as they arrive: frame by frame, before a message is gathered and decoded. What accounts for
//! them goes with the message to whoever works on it, and is never given back and asked for again.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use onespace_core::Result;
use onespace_proto::status::status;
use tokio::time::Sleep;
use tonic::{Status, body::Body, codegen::http};
use tower::{Layer, Service};

use crate::{
    admission::{Admission, Admitted},
    deadline::is_unary,
    pace::Pace,
    shares::Client,
};

/// What accounts for the bytes of one call that have arrived and that nobody has taken over yet.
#[derive(Clone, Debug, Default)]
pub struct Arrived(Arc<Mutex<Option<Admitted>>>);

impl Arrived {
    /// Of the request's call; of one that no [`ArrivalLayer`] has seen, nothing.
    #[must_use]
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// Hands over what accounts for all that has arrived since the last time.
    #[must_use]
    pub fn take(&self) -> Option<Admitted> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, admitted: Admitted) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_mut() {
            Some(held) => held.join(admitted),
            None => *held = Some(admitted),
        }
    }
}

/// Makes every call's bytes wait for room in one budget.
#[derive(Clone, Debug)]
pub struct ArrivalLayer(pub Admission);

/// A service whose calls wait for room.
#[derive(Clone, Debug)]
pub struct ArrivalService<S> {
    inner: S,
    budget: Admission,
}

impl<S> Layer<S> for ArrivalLayer {
    type Service = ArrivalService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ArrivalService { inner, budget: self.0.clone() }
    }
}

impl<S: Service<http::Request<Body>>> Service<http::Request<Body>> for ArrivalService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> S::Future {
        let floor = is_unary(&request).then(Floor::start);
        let (mut parts, body) = request.into_parts();
        let arrived = Arrived::default();
        parts.extensions.insert(arrived.clone());
        let budget = self.budget.shared_by(parts.extensions.get::<Client>());
        let counted = CountedBody { inner: body, budget, arrived, waiting: None, floor };
        self.inner.call(http::Request::from_parts(parts, Body::new(counted)))
    }
}

type Room = Pin<Box<dyn Future<Output = Result<Admitted>> + Send>>;

/// A body whose frames are accounted for before anybody sees them.
struct CountedBody {
    inner: Body,
    budget: Admission,
    arrived: Arrived,
    /// A frame that waits for room.
    waiting: Option<(Frame<Bytes>, Room)>,
    /// How slowly it may come; messages of a stream have limits of their own.
    floor: Option<Floor>,
}

/// The slowest that one message may come.
struct Floor {
    pace: Pace,
    due: Pin<Box<Sleep>>,
}

impl Floor {
    fn start() -> Self {
        Self::at(Pace::start("message"))
    }

    fn at(pace: Pace) -> Self {
        let due = Box::pin(tokio::time::sleep_until(pace.due()));
        Self { pace, due }
    }

    /// That so many bytes more are here, or that none come.
    fn look(&mut self, bytes: usize, context: &mut Context<'_>) -> Result<()> {
        self.pace.came(bytes, false)?;
        while self.due.as_mut().poll(context).is_ready() {
            self.pace.came(0, false)?;
            self.due.as_mut().reset(self.pace.due());
        }
        Ok(())
    }
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.waiting.is_none() {
            let next = Pin::new(&mut this.inner).poll_frame(context);
            if let Poll::Ready(end @ (None | Some(Err(_)))) = next {
                return Poll::Ready(end);
            }
            let bytes = match &next {
                Poll::Ready(Some(Ok(frame))) => frame.data_ref().map_or(0, Bytes::len),
                _ => 0,
            };
            if let Some(Err(error)) = this.floor.as_mut().map(|floor| floor.look(bytes, context)) {
                return Poll::Ready(Some(Err(status(&error))));
            }
            let Some(Ok(frame)) = ready!(next) else { return Poll::Ready(None) };
            if bytes == 0 {
                return Poll::Ready(Some(Ok(frame)));
            }
            if let Some(admitted) = this.budget.try_enter_bytes(bytes) {
                this.arrived.add(admitted);
                return Poll::Ready(Some(Ok(frame)));
            }
            let budget = this.budget.clone();
            this.waiting = Some((frame, Box::pin(async move { budget.wait_for_room(bytes).await })));
        }
        let Some((_, room)) = &mut this.waiting else { return Poll::Ready(None) };
        let outcome = ready!(room.as_mut().poll(context));
        let frame = this.waiting.take().map(|(frame, _)| frame);
        if let Some(floor) = &mut this.floor {
            floor.pace.go_on();
        }
        match outcome {
            Ok(admitted) => {
                this.arrived.add(admitted);
                Poll::Ready(frame.map(Ok))
            }
            Err(error) => Poll::Ready(Some(Err(status(&error)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.waiting.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use super::*;

    async fn frame(body: &mut CountedBody) -> Option<Result<Frame<Bytes>, Status>> {
        poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await
    }

    fn counted(budget: &Admission, bytes: usize) -> (CountedBody, Arrived) {
        let arrived = Arrived::default();
        let inner = Body::new(http_body_util::Full::new(Bytes::from(vec![0; bytes])));
        (CountedBody { inner, budget: budget.clone(), arrived: arrived.clone(), waiting: None, floor: None }, arrived)
    }

    #[tokio::test]
    async fn a_message_that_trickles_is_ended() {
        let window = Duration::from_millis(100);
        let trickle = futures::stream::unfold(0, |sent| async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            (sent < 1000).then(|| (Ok::<_, Status>(Frame::data(Bytes::from_static(b"x"))), sent + 1))
        });
        let inner = Body::new(http_body_util::StreamBody::new(trickle));
        let (budget, arrived) = (Admission::bytes("bytes", 4096), Arrived::default());
        let floor = Some(Floor::at(Pace::over(window, "message")));
        let mut body = CountedBody { inner, budget, arrived, waiting: None, floor };
        let mut came = 0;
        let ended = loop {
            match frame(&mut body).await.expect("it is not let through") {
                Ok(_) => came += 1,
                Err(status) => break status,
            }
            drop(body.arrived.take());
        };
        assert_eq!(ended.code(), tonic::Code::DeadlineExceeded, "{ended:?}");
        assert!(ended.message().contains("UPLOAD_FLOOR") && came < 100, "{came} frames, then {ended:?}");
    }

    #[tokio::test]
    async fn a_message_that_stops_is_ended() {
        let inner = Body::new(http_body_util::StreamBody::new(futures::stream::pending::<Result<_, Status>>()));
        let (budget, arrived) = (Admission::bytes("bytes", 4096), Arrived::default());
        let floor = Some(Floor::at(Pace::over(Duration::from_millis(100), "message")));
        let mut body = CountedBody { inner, budget, arrived, waiting: None, floor };
        let ended = tokio::time::timeout(Duration::from_secs(10), frame(&mut body)).await.expect("it is ended");
        assert_eq!(ended.unwrap().unwrap_err().code(), tonic::Code::DeadlineExceeded);
    }

    #[tokio::test]
    async fn bytes_wait_for_room_and_what_holds_them_is_handed_on() {
        let budget = Admission::bytes("bytes", 4096);
        let (mut first, of_first) = counted(&budget, 3000);
        assert!(frame(&mut first).await.unwrap().is_ok());
        let held = of_first.take();
        assert!(held.is_some() && of_first.take().is_none());

        let (mut second, _) = counted(&budget, 3000);
        let refused = frame(&mut second).await.unwrap().unwrap_err();
        assert_eq!(refused.code(), tonic::Code::ResourceExhausted);

        let (mut third, of_third) = counted(&budget, 3000);
        let waiting = tokio::spawn(async move { frame(&mut third).await.unwrap().is_ok() });
        tokio::task::yield_now().await;
        drop(held);
        assert!(waiting.await.unwrap());
        assert!(of_third.take().is_some());
    }
}
