//! The answer of a call, which tells how the call ended.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tonic::{Status, body::Body, codegen::http::Response};

use crate::caller::Caller;

/// A body that notes how it ends.
pub struct Answer {
    inner: Body,
    caller: Caller,
}

impl Answer {
    /// The same response, whose end is noted.
    pub fn wrap(response: Response<Body>, caller: Caller) -> Response<Body> {
        let (parts, inner) = response.into_parts();
        // An error before the first message comes in the headers, and no trailers follow.
        if let Some(status) = Status::from_header_map(&parts.headers) {
            caller.visit().ended(&status);
        }
        Response::from_parts(parts, Body::new(Self { inner, caller }))
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(status) = frame.trailers_ref().and_then(Status::from_header_map) {
                    this.caller.visit().ended(&status);
                }
            }
            Some(Err(status)) => this.caller.visit().ended(status),
            None => {}
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
