//! The gRPC faces: each call takes its deadline and its seat, and hands over to the module that answers it.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, LazyLock},
};

use futures::{Stream, StreamExt as _};
use onespace_core::{Error, Modality, Result, limits, sniff};
use onespace_kit::{
    admission::{Admission, Admitted},
    arrival::Arrived,
    deadline,
    messages::Messages,
    ready::Ready,
    shares::Client,
};
use onespace_proto::{
    convert,
    space::{space_out, transcriber_out},
    status::status,
    v1::{
        self, embedding_service_server::EmbeddingService, search_service_server::SearchService,
        space_service_server::SpaceService,
    },
};
use tonic::{Request, Response, Status, Streaming, service::Routes};

use crate::{Gateway, call::Call, classify, embed, embed_file, embed_stream, rank, search};

/// Health names of the public services.
pub const NAMES: &[&str] = &[EMBEDDING_NAME, SEARCH_NAME, COLLECTION_NAME, "onespace.v1.SpaceService"];

/// Serves while any encoder may; each modality has a name of its own.
const EMBEDDING_NAME: &str = "onespace.v1.EmbeddingService";

/// Needs a store that answers.
pub const SEARCH_NAME: &str = "onespace.v1.SearchService";
/// Needs a store that answers and takes writes.
pub const COLLECTION_NAME: &str = "onespace.v1.CollectionService";

/// The health name of embedding a modality, such as `onespace.v1.EmbeddingService/video`: needs an encoder that
/// answers.
#[must_use]
pub fn modality_name(modality: Modality) -> &'static str {
    static NAMES: LazyLock<BTreeMap<Modality, String>> = LazyLock::new(|| {
        Modality::ALL.into_iter().map(|modality| (modality, format!("{EMBEDDING_NAME}/{modality}"))).collect()
    });
    NAMES.get(&modality).map_or(EMBEDDING_NAME, String::as_str)
}

/// Every public service over one state.
#[derive(Clone)]
pub struct Services {
    gateway: Ready<Gateway>,
}

/// A stream of answers.
pub type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Services {
    /// Services that answer NOT_READY until the state is there.
    #[must_use]
    pub fn new(gateway: Ready<Gateway>) -> Self {
        Self { gateway }
    }

    /// What all calls may hold together: bytes on their way in, and media until they are embedded.
    #[must_use]
    pub fn arrival() -> Admission {
        Admission::bytes("bytes of media in flight (MEDIA_IN_FLIGHT_BYTES)", limits::MEDIA_IN_FLIGHT_BYTES)
    }

    /// The routes of all services, bounded in the size of what they take and give.
    #[must_use]
    pub fn routes(self) -> Routes {
        use v1::{
            collection_service_server::CollectionServiceServer, embedding_service_server::EmbeddingServiceServer,
            search_service_server::SearchServiceServer, space_service_server::SpaceServiceServer,
        };
        let (take, give) = (limits::MESSAGE_BYTES, limits::ANSWER_BYTES_MAX);
        macro_rules! bounded {
            ($server:ident) => {
                $server::new(self.clone()).max_decoding_message_size(take).max_encoding_message_size(give)
            };
        }
        Routes::new(bounded!(EmbeddingServiceServer))
            .add_service(bounded!(SearchServiceServer))
            .add_service(bounded!(CollectionServiceServer))
            .add_service(bounded!(SpaceServiceServer))
    }

    /// One unary call: state, deadline, seat, work, answer. What accounts for its message is held until then.
    pub(crate) async fn unary<T, A, F>(
        &self,
        request: Request<T>,
        work: impl FnOnce(Arc<Gateway>, Call, T) -> F,
    ) -> Result<Response<A>, Status>
    where
        A: prost::Message,
        F: Future<Output = Result<A>>,
    {
        let _arrived = Arrived::of(&request);
        let client = request.extensions().get::<Client>().cloned();
        let answered = async {
            let gateway = self.gateway.get()?;
            let mut call = Call::read(&request)?;
            let _seat = gateway.admit(client.as_ref())?;
            call.hold = gateway.answer_to(client.as_ref());
            let (deadline, hold) = (call.deadline, call.hold.clone());
            let work = work(gateway.clone(), call, request.into_inner());
            let answer = deadline::within(deadline, "before the answer was ready", work).await?;
            hold.hand_over(answer).await
        };
        answered.await.map_err(|error: Error| status(&error))
    }

    /// One streaming call: its seat is taken until its answers are over, its deadline holds for all of them.
    pub(crate) fn streaming<T, A, S>(
        &self,
        request: Request<Streaming<T>>,
        work: impl FnOnce(Arc<Gateway>, Call, Messages<T>) -> S,
    ) -> Result<Response<Answers<A>>, Status>
    where
        A: Send + 'static,
        S: Stream<Item = Result<A, Status>> + Send + 'static,
    {
        let admitted = || {
            let gateway = self.gateway.get()?;
            let call = Call::read(&request)?;
            let seat = gateway.admit_stream(request.extensions().get::<Client>())?;
            Ok((gateway, call, seat))
        };
        let (gateway, call, seat) = admitted().map_err(|error: Error| status(&error))?;
        let messages = Messages::of(request);
        let deadline = messages.deadline();
        let answers = seated(work(gateway, call, messages), seat);
        Ok(Response::new(deadline::answers(deadline, answers)))
    }
}

/// Answers that hold a seat.
fn seated<T>(answers: impl Stream<Item = T>, seat: Admitted) -> impl Stream<Item = T> {
    answers.map(move |answer| {
        let _seat = &seat;
        answer
    })
}

#[tonic::async_trait]
impl EmbeddingService for Services {
    async fn embed(&self, request: Request<v1::EmbedRequest>) -> Result<Response<v1::EmbedResponse>, Status> {
        self.unary(request, |gateway, call, request| async move {
            embed::embed(&gateway, request, call.deadline, call.answer).await
        })
        .await
    }

    type EmbedStreamStream = Answers<v1::EmbedStreamResponse>;

    async fn embed_stream(
        &self,
        request: Request<Streaming<v1::EmbedStreamRequest>>,
    ) -> Result<Response<Self::EmbedStreamStream>, Status> {
        self.streaming(request, |gateway, _, messages| embed_stream::embed_stream(gateway, messages))
    }

    type EmbedFileStream = Answers<v1::EmbedFileResponse>;

    async fn embed_file(
        &self,
        request: Request<Streaming<v1::EmbedFileRequest>>,
    ) -> Result<Response<Self::EmbedFileStream>, Status> {
        self.streaming(request, |gateway, call, messages| embed_file::embed_file(gateway, messages, call.deadline))
    }
}

#[tonic::async_trait]
impl SearchService for Services {
    async fn search(&self, request: Request<v1::SearchRequest>) -> Result<Response<v1::SearchResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { search::search(&gateway, &call, request).await })
            .await
    }

    async fn search_batch(
        &self,
        request: Request<v1::SearchBatchRequest>,
    ) -> Result<Response<v1::SearchBatchResponse>, Status> {
        self.unary(
            request,
            |gateway, call, request| async move { search::search_batch(&gateway, &call, request).await },
        )
        .await
    }

    async fn classify(&self, request: Request<v1::ClassifyRequest>) -> Result<Response<v1::ClassifyResponse>, Status> {
        self.unary(request, |gateway, call, request| async move {
            classify::classify(&gateway, request, call.deadline).await
        })
        .await
    }

    async fn rank(&self, request: Request<v1::RankRequest>) -> Result<Response<v1::RankResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { rank::rank(&gateway, request, call.deadline).await })
            .await
    }
}

#[tonic::async_trait]
impl SpaceService for Services {
    async fn get_space(&self, request: Request<v1::GetSpaceRequest>) -> Result<Response<v1::GetSpaceResponse>, Status> {
        self.unary(request, |gateway, _, _| async move { Ok(space(&gateway)) }).await
    }
}

/// What this server's vectors are.
pub fn space(gateway: &Gateway) -> v1::GetSpaceResponse {
    v1::GetSpaceResponse {
        space: Some(space_out(gateway.space(), gateway.towers(), gateway.license())),
        limits: limits::ALL.iter().map(limit_out).collect(),
        formats: sniff::FORMATS.iter().filter(|format| format.decoded).map(format_out).collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        transcriber: gateway.transcriber().map(|ear| transcriber_out(ear.info())),
    }
}

fn limit_out(limit: &limits::Limit) -> v1::Limit {
    v1::Limit {
        name: limit.name.to_owned(),
        value: limit.value,
        unit: limit.unit.to_owned(),
        about: limit.about.to_owned(),
    }
}

fn format_out(format: &sniff::Format) -> v1::Format {
    v1::Format {
        name: format.name.to_owned(),
        media_type: format.media_type.to_owned(),
        modality: convert::modality_out(format.modality),
    }
}
