//! The answer of a call, and what is done when it has ended: its caller's place becomes free, and it is written down.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tonic::{
    Status,
    body::Body,
    codegen::http::{HeaderMap, Response},
};

use crate::{audit::Audit, caller::Caller, meters::InUse, record::Record};

/// What is done when a call has ended. Dropped before, the call was broken off.
pub struct Ending {
    began: Instant,
    record: Option<Record>,
    caller: Caller,
    bytes: Arc<AtomicU64>,
    audit: Option<Audit>,
    _in_use: InUse,
}

impl Ending {
    /// Of a call that has been let in.
    pub fn new(record: Record, caller: Caller, bytes: Arc<AtomicU64>, in_use: InUse, audit: Option<Audit>) -> Self {
        Self { began: Instant::now(), record: Some(record), caller, bytes, audit, _in_use: in_use }
    }

    fn ended(&mut self, status: &Status) {
        if let (Some(record), Some(audit)) = (self.record.take(), &self.audit) {
            let milliseconds = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let bytes = self.bytes.load(Ordering::Relaxed);
            audit.write(&record.about(self.caller.about(), bytes, milliseconds).ended(status));
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.ended(&Status::cancelled("broken off"));
    }
}

/// The status in headers or trailers; what ended without one ended well.
fn status_of(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers)
}

/// A body that knows when it has ended.
pub struct Answer {
    inner: Body,
    ending: Ending,
}

impl Answer {
    /// The same response, at whose end `ending` is done.
    pub fn wrap(response: Response<Body>, mut ending: Ending) -> Response<Body> {
        let (parts, inner) = response.into_parts();
        // An error before the first message comes in the headers, and no trailers follow.
        if let Some(status) = status_of(&parts.headers) {
            ending.ended(&status);
        }
        Response::from_parts(parts, Body::new(Self { inner, ending }))
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(context));
        match &frame {
            None => this.ending.ended(&Status::ok("")),
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    let status = status_of(trailers).unwrap_or_else(|| Status::ok(""));
                    this.ending.ended(&status);
                }
            }
            Some(Err(status)) => this.ending.ended(status),
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
