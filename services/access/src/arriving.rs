//! The body of a request, as its caller's quota lets it in.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tokio::time::{Sleep, sleep};
use tonic::{Status, body::Body};

use crate::meters::Meter;

/// A body whose bytes are counted, and which is read no faster than its caller's quota allows.
pub struct Arriving {
    inner: Body,
    meter: Arc<Meter>,
    bytes: Arc<AtomicU64>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    /// A body, and where its bytes are counted.
    pub fn new(inner: Body, meter: Arc<Meter>) -> (Self, Arc<AtomicU64>) {
        let bytes = Arc::new(AtomicU64::new(0));
        (Self { inner, meter, bytes: bytes.clone(), waiting: None }, bytes)
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
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            this.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
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
