//! The encoder behind gRPC: `onespace.encoder.v1.EncoderService`.

use bytes::{Bytes, BytesMut};
use onespace_core::{Deadline, EmbedOptions, EncodeRequest, Error, Reason, Result, limits};
use onespace_kit::{admission::Admitted, deadline, messages::Messages, ready::Ready};
use onespace_proto::{
    convert,
    encoder::v1::{
        self as wire, DescribeRequest, DescribeResponse, EncodeResponse,
        encode_request::Message,
        encoder_service_server::{EncoderService, EncoderServiceServer},
    },
    options::embed_options_in,
    space, status, v1,
    vector::Encoding,
};
use tonic::{Request, Response, Status, Streaming, service::Routes};

use crate::LocalEncoder;

/// Room in a message for what is not the chunk.
pub(crate) const FRAMING: usize = 64 * 1024;

/// The health names of what is served here.
pub const NAMES: &[&str] = &["onespace.encoder.v1.EncoderService"];

/// The service over an encoder that may still be loading, its messages bounded.
#[must_use]
pub fn routes(encoder: Ready<LocalEncoder>) -> Routes {
    let server = EncoderServiceServer::new(Service { encoder });
    Routes::new(server.max_decoding_message_size(limits::CHUNK_BYTES + FRAMING))
}

/// Answers for a [`LocalEncoder`].
struct Service {
    encoder: Ready<LocalEncoder>,
}

impl Service {
    async fn embed(&self, mut messages: Messages<wire::EncodeRequest>, deadline: Deadline) -> Result<EncodeResponse> {
        let encoder = self.encoder.get()?;
        let (request, admitted) = receive(&encoder, &mut messages).await?;
        let reply = encoder.encode_admitted(request, deadline, admitted).await?;
        let space = &encoder.info().space;
        // As bytes: a gateway that hands them on decodes no value.
        let embeddings = reply.embeddings.into_iter().map(|one| convert::embedding_out(one, space, Encoding::Float32));
        Ok(EncodeResponse {
            embeddings: embeddings.collect(),
            timings: Some(convert::timings_out(&reply.timings)),
            tokens: reply.tokens,
            notes: convert::notes_out(reply.notes),
        })
    }
}

/// Takes the start, makes room for what it announces, then takes the bytes.
async fn receive(
    encoder: &LocalEncoder,
    messages: &mut Messages<wire::EncodeRequest>,
) -> Result<(EncodeRequest, Admitted)> {
    let Some(Message::Start(start)) = messages.next().await?.and_then(|message| message.message) else {
        return Err(Error::new(Reason::FieldRequired, "start", "must be the first message"));
    };
    let modality = convert::modality_named(start.modality)?;
    let EmbedOptions { purpose, target, segments, .. } =
        embed_options_in(start.options.as_ref(), EmbedOptions::default())?;
    let media_type = convert::media_type_in(start.media_type)?;
    encoder.expect(modality)?;
    let total = usize::try_from(start.total_bytes).unwrap_or(usize::MAX);
    let admitted = encoder.admit(modality, total).await?;
    let bytes = receive_bytes(messages, total, chunk).await?;
    let request = EncodeRequest { media_type, segments, target, purpose, ..EncodeRequest::new(modality, bytes) };
    Ok((request, admitted))
}

fn chunk(message: wire::EncodeRequest) -> Option<v1::Chunk> {
    match message.message {
        Some(Message::Chunk(chunk)) => Some(chunk),
        _ => None,
    }
}

/// Takes the bytes that were announced, chunk by chunk.
pub(crate) async fn receive_bytes<T>(
    messages: &mut Messages<T>,
    total: usize,
    chunk: impl Fn(T) -> Option<v1::Chunk>,
) -> Result<Bytes> {
    let mut bytes = BytesMut::new();
    loop {
        let Some(chunk) = messages.next().await?.and_then(&chunk) else {
            let message = "a chunk was expected here, and one that is the last";
            return Err(Error::new(Reason::FieldInvalid, "chunk", message));
        };
        let size = chunk.data.len();
        if size > limits::CHUNK_BYTES {
            let limit = format!("{} bytes (CHUNK_BYTES)", limits::CHUNK_BYTES);
            return Err(Error::too_large("chunk.data", "its size", size, limit));
        }
        bytes.extend_from_slice(&chunk.data);
        if chunk.last || bytes.len() > total {
            break;
        }
    }
    if bytes.len() == total {
        return Ok(bytes.freeze());
    }
    let message = format!("{total} bytes were announced, {} came", bytes.len());
    Err(Error::new(Reason::FieldInvalid, "start.total_bytes", message))
}

#[tonic::async_trait]
impl EncoderService for Service {
    async fn encode(
        &self,
        request: Request<Streaming<wire::EncodeRequest>>,
    ) -> Result<Response<EncodeResponse>, Status> {
        let deadline = deadline::incoming(request.metadata());
        let work = self.embed(Messages::of(request), deadline);
        let reply = deadline::within(deadline, "in the encoder", work).await;
        reply.map(Response::new).map_err(|error| status::status(&error))
    }

    async fn describe(&self, _request: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        let encoder = self.encoder.get().map_err(|error| status::status(&error))?;
        Ok(Response::new(space::encoder_out(encoder.info())))
    }
}
