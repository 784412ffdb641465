//! An encoder in another process: one of its replicas, and once another when the first does not answer.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::stream;
use onespace_client::TlsFiles;
use onespace_core::{
    Deadline, EmbedOptions, EncodeReply, EncodeRequest, Encoder, EncoderInfo, Error, Fingerprint, Modality, Reason,
    Result, Space,
};
use onespace_kit::deadline;
use onespace_proto::{
    convert,
    encoder::v1::{
        DescribeRequest, EncodeRequest as WireRequest, EncodeResponse, EncodeStart, encode_request::Message,
    },
    options::embed_options_out,
    space, status,
};
use tonic::{Code, Request, Status};

use crate::replicas::{Replica, Replicas};

/// How long a replica may take to say what it serves: it says so at once, or not at all.
pub(crate) const DESCRIBE: Duration = Duration::from_secs(5);

/// All replicas of an encoder, as one encoder.
#[derive(Debug)]
pub struct RemoteEncoder {
    replicas: Arc<Replicas>,
    space: Option<Space>,
}

impl RemoteEncoder {
    /// An encoder behind URLs.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a URL that is none.
    pub async fn new(urls: &[String], tls: &Arc<TlsFiles>) -> Result<Self> {
        Ok(Self { replicas: Replicas::new(urls, tls).await?, space: None })
    }

    /// The same encoder, of which every vector must be of a space: a replica that was restarted with another
    /// bundle must not mix its vectors in.
    #[must_use]
    pub fn of_space(self, space: Space) -> Self {
        Self { space: Some(space), ..self }
    }

    async fn attempt(&self, replica: &Replica, request: &EncodeRequest, deadline: Deadline) -> Result<EncodeReply> {
        let EncodeRequest { modality, bytes, media_type, segments, target, purpose, turn: _ } = request;
        let options =
            EmbedOptions { purpose: *purpose, target: *target, segments: *segments, ..EmbedOptions::default() };
        let start = EncodeStart {
            modality: convert::modality_out(*modality),
            media_type: media_type.clone().unwrap_or_default(),
            total_bytes: bytes.len() as u64,
            options: Some(embed_options_out(&options)),
        };
        let messages = std::iter::once(Message::Start(start)).chain(convert::chunks(bytes).map(Message::Chunk));
        let messages = messages.map(|message| WireRequest { message: Some(message) });
        let mut wire = Request::new(stream::iter(messages));
        deadline::outgoing(&mut wire, deadline);
        let mut client = replica.encoder();
        let answered = deadline::within(deadline, "while an encoder worked", async {
            client.encode(wire).await.map_err(|status| failure(&status))
        });
        self.accept(answered.await?.into_inner())
    }

    fn accept(&self, response: EncodeResponse) -> Result<EncodeReply> {
        let mut embeddings = Vec::with_capacity(response.embeddings.len());
        for embedding in response.embeddings {
            let carried: Fingerprint = embedding.space_fingerprint.parse()?;
            let embedding = convert::embedding_in(embedding)?;
            let expected = self.space.as_ref().map(|space| space.carried_by(&embedding.towers()));
            if expected.is_some_and(|expected| expected != carried) {
                let message = format!("an encoder answered with a vector of space {}", carried.short());
                return Err(Error::new(Reason::SpaceMismatch, "space", message));
            }
            embeddings.push(embedding);
        }
        let timings = response.timings.as_ref().map(convert::timings_in).unwrap_or_default();
        Ok(EncodeReply { embeddings, notes: convert::notes_in(response.notes), timings, tokens: response.tokens })
    }
}

/// A broken connection shows as many codes; none of them is the request's fault. (Our own cancellation drops the
/// call and never gets here, so CANCELLED is a replica that went away, too.) What the transport says of a request
/// itself is no fault of the replica: another would say the same, and leaving both alone would refuse everybody for
/// one.
pub(crate) fn failure(status: &Status) -> Error {
    let of_the_request = matches!(
        status.code(),
        Code::InvalidArgument
            | Code::OutOfRange
            | Code::FailedPrecondition
            | Code::Unimplemented
            | Code::PermissionDenied
    );
    let otherwise = if of_the_request { Reason::Internal } else { Reason::EncoderUnavailable };
    let error = status::error(status, otherwise);
    if status.code() == Code::Cancelled && error.reason == Reason::Cancelled {
        return Error::new(Reason::EncoderUnavailable, "", format!("the encoder went away: {}", status.message()));
    }
    error
}

#[async_trait]
impl Encoder for RemoteEncoder {
    async fn encode(&self, request: EncodeRequest, deadline: Deadline) -> Result<EncodeReply> {
        let request = &request;
        self.replicas.ask(|replica| async move { self.attempt(&replica, request, deadline).await }).await
    }

    async fn describe(&self) -> Result<EncoderInfo> {
        let lease = self.replicas.any()?;
        let mut client = lease.replica.encoder();
        let described =
            deadline::within(Deadline::after(DESCRIBE), "while an encoder was asked what it serves", async {
                client.describe(DescribeRequest {}).await.map_err(|status| failure(&status))
            });
        space::encoder_in(described.await?.into_inner())
    }

    async fn ready(&self, _modality: Modality) -> Result<()> {
        self.replicas.ready()
    }
}

#[cfg(test)]
mod tests {
    use onespace_core::Retry;

    use super::*;

    #[test]
    fn only_what_is_the_replicas_fault_is_tried_on_another() {
        for code in [Code::Unavailable, Code::Unknown, Code::Internal, Code::Cancelled, Code::ResourceExhausted] {
            assert_eq!(failure(&Status::new(code, "h2")).reason.retry(), Retry::OtherReplica, "{code:?}");
        }
        for code in [Code::OutOfRange, Code::InvalidArgument, Code::Unimplemented] {
            assert_eq!(failure(&Status::new(code, "too large")).reason, Reason::Internal, "{code:?}");
        }
        let full = Error::new(Reason::QueueFull, "", "full");
        assert_eq!(failure(&status::status(&full)).reason, Reason::QueueFull, "an encoder's own word counts");
    }
}
