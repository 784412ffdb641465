//! The messages of a client's stream: within its deadline, never silent for long, each with what accounts for its
//! bytes.

use std::time::Duration;

use onespace_core::{Deadline, Error, Reason, Result, limits::STREAM_IDLE_MS};
use tokio::time::Instant;
use tonic::{Request, Streaming};

use crate::{admission::Admitted, arrival::Arrived, deadline, shares::Client};

/// What a client sends, message by message.
#[derive(Debug)]
pub struct Messages<T> {
    stream: Streaming<T>,
    arrived: Arrived,
    deadline: Option<Instant>,
    client: Option<Client>,
}

impl<T> Messages<T> {
    /// The messages of a call; a deadline that it names holds for all of them.
    #[must_use]
    pub fn of(request: Request<Streaming<T>>) -> Self {
        let (arrived, deadline) = (Arrived::of(&request), deadline::of_stream(request.metadata()));
        let client = request.extensions().get::<Client>().cloned();
        Self { stream: request.into_inner(), arrived, deadline, client }
    }

    /// When the whole stream must be over, if its caller said so.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whose share they take.
    #[must_use]
    pub const fn client(&self) -> Option<&Client> {
        self.client.as_ref()
    }

    /// The next message; none when the client has sent its last.
    ///
    /// # Errors
    /// `STREAM_STALLED` after the idle limit, `DEADLINE_EXCEEDED`, `CANCELLED` when the stream breaks.
    pub async fn next(&mut self) -> Result<Option<T>> {
        let idle = Duration::from_millis(STREAM_IDLE_MS as u64);
        let idle_at = Instant::now() + idle;
        let until = self.deadline.map_or(idle_at, |deadline| deadline.min(idle_at));
        match tokio::time::timeout_at(until, self.stream.message()).await {
            Ok(Ok(message)) => Ok(message),
            Ok(Err(status)) => Err(onespace_proto::status::error(&status, Reason::Cancelled)),
            Err(_) if until < idle_at => Err(Deadline::exceeded("while the client was sending")),
            Err(_) => {
                let message = format!("the client sent nothing for {} ms", idle.as_millis());
                Err(Error::new(Reason::StreamStalled, "", message))
            }
        }
    }

    /// Hands over what accounts for the messages read since the last time.
    #[must_use]
    pub fn take_room(&self) -> Option<Admitted> {
        self.arrived.take()
    }
}
