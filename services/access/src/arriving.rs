//! The body of a request, as its caller's quota lets it in, and as long as the caller's key opens anything.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use onespace_proto::status::status;
use tokio::time::{Sleep, sleep};
use tonic::{Status, body::Body};

use crate::{access::Standing, caller::Caller, meters::Meter};

/// A body whose bytes are counted, which is read no faster than its caller's quota allows, and which ends when its
/// caller's key is taken away: a stream may go on for hours.
pub struct Arriving {
    inner: Body,
    meter: Arc<Meter>,
    caller: Caller,
    standing: Standing,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    /// A body of a caller that was let in.
    pub fn new(inner: Body, meter: Arc<Meter>, caller: Caller, standing: Standing) -> Self {
        Self { inner, meter, caller, standing, waiting: None }
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if let Some(waiting) = &mut this.waiting {
            ready!(waiting.as_mut().poll(context));
            this.waiting = None;
        }
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame {
            if let Err(error) = this.standing.check() {
                return Poll::Ready(Some(Err(status(&error))));
            }
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            this.caller.visit().arrived(bytes);
            // The frame is here, so it is given; the next one is not asked for before its time.
            this.waiting = this.meter.count_bytes(bytes).map(|wait| Box::pin(sleep(wait)));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}
