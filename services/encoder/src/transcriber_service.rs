//! The transcriber behind gRPC: `onespace.encoder.v1.TranscriberService`.

use onespace_core::{Deadline, Error, Language, Reason, Result, TranscribeRequest, limits};
use onespace_kit::{deadline, messages::Messages, ready::Ready};
use onespace_proto::{
    convert,
    encoder::v1::{
        self as wire, DescribeTranscriberRequest, DescribeTranscriberResponse, TranscribeResponse,
        transcribe_request::Message,
        transcriber_service_server::{TranscriberService, TranscriberServiceServer},
    },
    space, status, transcript, v1,
};
use tonic::{Request, Response, Status, Streaming, service::Routes};

use crate::{
    LocalTranscriber,
    service::{FRAMING, receive_bytes},
    transcriber::Seat,
};

/// The health names of what is served here.
pub const NAMES: &[&str] = &["onespace.encoder.v1.TranscriberService"];

/// The service over a transcriber that may still be loading, its messages bounded.
#[must_use]
pub fn routes(transcriber: Ready<LocalTranscriber>) -> Routes {
    let server = TranscriberServiceServer::new(Service { transcriber });
    Routes::new(server.max_decoding_message_size(limits::CHUNK_BYTES + FRAMING))
}

/// Answers for a [`LocalTranscriber`].
struct Service {
    transcriber: Ready<LocalTranscriber>,
}

impl Service {
    async fn transcribe(
        &self,
        mut messages: Messages<wire::TranscribeRequest>,
        deadline: Deadline,
    ) -> Result<TranscribeResponse> {
        let transcriber = self.transcriber.get()?;
        let (request, seat) = receive(&transcriber, &mut messages).await?;
        transcriber.transcribe_admitted(request, deadline, seat).await.map(transcript::reply_out)
    }
}

/// Takes the start, makes room for what it announces, then takes the bytes.
async fn receive(
    transcriber: &LocalTranscriber,
    messages: &mut Messages<wire::TranscribeRequest>,
) -> Result<(TranscribeRequest, Seat)> {
    let Some(Message::Start(start)) = messages.next().await?.and_then(|message| message.message) else {
        return Err(Error::new(Reason::FieldRequired, "start", "must be the first message"));
    };
    let modality = convert::modality_named(start.modality)?;
    let language: Option<Language> = convert::some(start.language).map(|tag| tag.parse()).transpose()?;
    let total = usize::try_from(start.total_bytes).unwrap_or(usize::MAX);
    let seat = transcriber.admit(modality, total).await?;
    let bytes = receive_bytes(messages, total, chunk).await?;
    let first_ms = Some(start.first_ms).filter(|first| *first > 0);
    Ok((TranscribeRequest { modality, bytes, language, first_ms }, seat))
}

fn chunk(message: wire::TranscribeRequest) -> Option<v1::Chunk> {
    match message.message {
        Some(Message::Chunk(chunk)) => Some(chunk),
        _ => None,
    }
}

#[tonic::async_trait]
impl TranscriberService for Service {
    async fn transcribe(
        &self,
        request: Request<Streaming<wire::TranscribeRequest>>,
    ) -> Result<Response<TranscribeResponse>, Status> {
        let deadline = deadline::of_speech(request.metadata());
        let work = self.transcribe(Messages::of(request), deadline);
        let reply = deadline::within(deadline, "in the transcriber", work).await;
        reply.map(Response::new).map_err(|error| status::status(&error))
    }

    async fn describe_transcriber(
        &self,
        _request: Request<DescribeTranscriberRequest>,
    ) -> Result<Response<DescribeTranscriberResponse>, Status> {
        let transcriber = self.transcriber.get().map_err(|error| status::status(&error))?;
        let transcriber = Some(space::transcriber_out(transcriber.info()));
        Ok(Response::new(DescribeTranscriberResponse { transcriber }))
    }
}
