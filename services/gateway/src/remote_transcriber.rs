//! A transcriber in another process: one of its replicas, and once another when the first does not answer.

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream;
use onespace_client::TlsFiles;
use onespace_core::{
    Deadline, Error, Fingerprint, Reason, Result, Transcribe, TranscribeReply, TranscribeRequest, TranscriberInfo,
};
use onespace_kit::deadline;
use onespace_proto::{
    convert,
    encoder::v1::{
        DescribeTranscriberRequest, TranscribeRequest as WireRequest, TranscribeStart, transcribe_request::Message,
    },
    space, transcript,
};
use tonic::Request;

use crate::{
    remote::{DESCRIBE, failure},
    replicas::{Replica, Replicas},
};

/// All replicas of a transcriber, as one.
#[derive(Debug)]
pub struct RemoteTranscriber {
    replicas: Arc<Replicas>,
    fingerprint: Option<Fingerprint>,
}

impl RemoteTranscriber {
    /// A transcriber behind URLs.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a URL that is none.
    pub async fn new(urls: &[String], tls: &Arc<TlsFiles>) -> Result<Self> {
        Ok(Self { replicas: Replicas::new(urls, tls).await?, fingerprint: None })
    }

    /// The same, of which every transcript must be of one model: what is stored says by which it was heard.
    #[must_use]
    pub fn of_fingerprint(self, fingerprint: Fingerprint) -> Self {
        Self { fingerprint: Some(fingerprint), ..self }
    }

    async fn attempt(
        &self,
        replica: &Replica,
        request: &TranscribeRequest,
        deadline: Deadline,
    ) -> Result<TranscribeReply> {
        let TranscribeRequest { modality, bytes, language, first_ms } = request;
        let start = TranscribeStart {
            modality: convert::modality_out(*modality),
            total_bytes: bytes.len() as u64,
            language: language.map(|language| language.to_string()).unwrap_or_default(),
            first_ms: first_ms.unwrap_or_default(),
        };
        let messages = std::iter::once(Message::Start(start)).chain(convert::chunks(bytes).map(Message::Chunk));
        let messages = messages.map(|message| WireRequest { message: Some(message) });
        let mut wire = Request::new(stream::iter(messages));
        deadline::outgoing(&mut wire, deadline);
        let mut client = replica.transcriber();
        let answered = deadline::within(deadline, "while a transcriber listened", async {
            client.transcribe(wire).await.map_err(|status| failure(&status))
        });
        let reply = transcript::reply_in(answered.await?.into_inner())?;
        if self.fingerprint.is_some_and(|expected| expected != reply.fingerprint) {
            let message = format!("a transcriber answered that is another: {}", reply.fingerprint.short());
            return Err(Error::new(Reason::EncoderUnavailable, "", message));
        }
        Ok(reply)
    }
}

#[async_trait]
impl Transcribe for RemoteTranscriber {
    async fn transcribe(&self, request: TranscribeRequest, deadline: Deadline) -> Result<TranscribeReply> {
        let request = &request;
        self.replicas.ask(|replica| async move { self.attempt(&replica, request, deadline).await }).await
    }

    async fn describe(&self) -> Result<TranscriberInfo> {
        let lease = self.replicas.any()?;
        let mut client = lease.replica.transcriber();
        let described =
            deadline::within(Deadline::after(DESCRIBE), "while a transcriber was asked what it is", async {
                client.describe_transcriber(DescribeTranscriberRequest {}).await.map_err(|status| failure(&status))
            });
        let described = described.await?.into_inner().transcriber;
        let missing = || Error::new(Reason::EncoderUnavailable, "", "the transcriber says nothing of itself");
        space::transcriber_in(described.ok_or_else(missing)?)
    }
}
