//! The encoder behind gRPC: `onespace.encoder.v1.EncoderService`.

use bytes::{Bytes, BytesMut};
use onespace_core::{Deadline, EncodeRequest, Error, Reason, Result, limits};
use onespace_kit::{admission::Admitted, deadline, ready::Ready};
use onespace_proto::{
    convert,
    encoder::v1::{
        self as wire, DescribeRequest, DescribeResponse, EncodeHeader, EncodeResponse,
        encode_request::Part,
        encoder_service_server::{EncoderService, EncoderServiceServer},
    },
    space, status,
};
use tonic::{Request, Response, Status, Streaming, service::Routes};

use crate::LocalEncoder;

/// Room in a message for what is not the chunk.
const FRAMING: usize = 64 * 1024;

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
    async fn embed(&self, mut stream: Streaming<wire::EncodeRequest>, deadline: Deadline) -> Result<EncodeResponse> {
        let encoder = self.encoder.get()?;
        let (request, admitted) = receive(&encoder, &mut stream).await?;
        let reply = encoder.encode_admitted(request, deadline, admitted).await?;
        let space = &encoder.info().space;
        Ok(EncodeResponse {
            embeddings: reply.embeddings.into_iter().map(|one| convert::embedding_out(one, space)).collect(),
            timings: Some(convert::timings_out(&reply.timings)),
        })
    }
}

/// Takes the header, makes room for what it announces, then takes the bytes.
async fn receive(
    encoder: &LocalEncoder,
    stream: &mut Streaming<wire::EncodeRequest>,
) -> Result<(EncodeRequest, Admitted)> {
    let header = match deadline::next(stream).await?.and_then(|message| message.part) {
        Some(Part::Header(header)) => header,
        Some(Part::Chunk(_)) | None => {
            return Err(Error::new(Reason::FieldRequired, "header", "must be the first message"));
        }
    };
    let EncodeHeader { modality, media_type, segments, total_bytes, target, purpose } = header;
    let modality = convert::modality_named(modality)?;
    let target = convert::modality_in(target).map_err(|error| error.under("target"))?;
    let purpose = convert::purpose_in(purpose)?;
    let media_type = convert::media_type_in(media_type)?;
    encoder.expect(modality)?;
    let total = usize::try_from(total_bytes).unwrap_or(usize::MAX);
    let admitted = encoder.admit(modality, total).await?;
    let bytes = receive_bytes(stream, total).await?;
    Ok((EncodeRequest { modality, bytes, media_type, segments, target, purpose }, admitted))
}

async fn receive_bytes(stream: &mut Streaming<wire::EncodeRequest>, total: usize) -> Result<Bytes> {
    let mut bytes = BytesMut::new();
    while let Some(message) = deadline::next(stream).await? {
        let Some(Part::Chunk(chunk)) = message.part else {
            return Err(Error::new(Reason::FieldInvalid, "chunk", "only chunks may follow the header"));
        };
        if chunk.len() > limits::CHUNK_BYTES {
            return Err(Error::too_large(
                "chunk",
                "its size",
                chunk.len(),
                format!("{} bytes (CHUNK_BYTES)", limits::CHUNK_BYTES),
            ));
        }
        bytes.extend_from_slice(&chunk);
        if bytes.len() > total {
            break;
        }
    }
    if bytes.len() == total {
        return Ok(bytes.freeze());
    }
    let message = format!("{total} bytes were announced, {} came", bytes.len());
    Err(Error::new(Reason::FieldInvalid, "header.total_bytes", message))
}

#[tonic::async_trait]
impl EncoderService for Service {
    async fn encode(
        &self,
        request: Request<Streaming<wire::EncodeRequest>>,
    ) -> Result<Response<EncodeResponse>, Status> {
        let deadline = deadline::incoming(request.metadata());
        let work = self.embed(request.into_inner(), deadline);
        let reply = deadline::within(deadline, "in the encoder", work).await;
        reply.map(Response::new).map_err(|error| status::status(&error))
    }

    async fn describe(&self, _request: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
        let encoder = self.encoder.get().map_err(|error| status::status(&error))?;
        Ok(Response::new(space::encoder_out(encoder.info())))
    }
}
