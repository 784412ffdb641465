//! The gRPC faces: each call takes its deadline and its seat, and hands over to the module that answers it.

use std::{future::Future, pin::Pin, sync::Arc};

use futures::Stream;
use onespace_core::{Deadline, Error, Result, Tenant, limits, sniff};
use onespace_kit::{deadline, ready::Ready};
use onespace_proto::{
    convert, space as wire,
    status::status,
    v1::{
        self, collection_service_server::CollectionService, embedding_service_server::EmbeddingService,
        search_service_server::SearchService, space_service_server::SpaceService,
    },
};
use tonic::{Request, Response, Status, Streaming, metadata::MetadataMap, service::Routes};

use crate::{Gateway, classify, collections, embed, ingest, rank, search};

/// Health names of the public services.
pub const NAMES: &[&str] = &["onespace.v1.EmbeddingService", SEARCH_NAME, COLLECTION_NAME, "onespace.v1.SpaceService"];

/// Needs a store that answers.
pub const SEARCH_NAME: &str = "onespace.v1.SearchService";
/// Needs a store that answers and takes writes.
pub const COLLECTION_NAME: &str = "onespace.v1.CollectionService";

/// Every public service over one state.
#[derive(Clone)]
pub struct Services {
    gateway: Ready<Gateway>,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Services {
    /// Services that answer NOT_READY until the state is there.
    #[must_use]
    pub fn new(gateway: Ready<Gateway>) -> Self {
        Self { gateway }
    }

    /// The routes of all services, bounded in the size of what they take.
    #[must_use]
    pub fn routes(self) -> Routes {
        use v1::{
            collection_service_server::CollectionServiceServer, embedding_service_server::EmbeddingServiceServer,
            search_service_server::SearchServiceServer, space_service_server::SpaceServiceServer,
        };
        let (take, give) = (limits::MESSAGE_BYTES, limits::VIDEO_BYTES);
        let sized = |server: EmbeddingServiceServer<Self>| {
            server.max_decoding_message_size(take).max_encoding_message_size(give)
        };
        Routes::new(sized(EmbeddingServiceServer::new(self.clone())))
            .add_service(SearchServiceServer::new(self.clone()).max_decoding_message_size(take))
            .add_service(CollectionServiceServer::new(self.clone()).max_decoding_message_size(take))
            .add_service(SpaceServiceServer::new(self))
    }

    fn enter(&self, metadata: &MetadataMap) -> Result<(Arc<Gateway>, Deadline), Status> {
        let gateway = self.gateway.get().map_err(|error| status(&error))?;
        Ok((gateway, deadline::incoming(metadata)))
    }

    /// One unary call: state, deadline, seat, work, answer.
    async fn unary<T, A, F>(
        &self,
        request: Request<T>,
        work: impl FnOnce(Arc<Gateway>, Tenant, T, Deadline) -> F,
    ) -> Result<Response<A>, Status>
    where
        F: Future<Output = Result<A>>,
    {
        let (gateway, deadline) = self.enter(request.metadata())?;
        let answered = async {
            let _seat = gateway.admit()?;
            let work = work(gateway.clone(), tenant(), request.into_inner(), deadline);
            deadline::within(deadline, "before the answer was ready", work).await
        };
        answered.await.map(Response::new).map_err(|error: Error| status(&error))
    }
}

/// Whose items a request may touch: one tenant, until keys say otherwise.
fn tenant() -> Tenant {
    Tenant::default()
}

#[tonic::async_trait]
impl EmbeddingService for Services {
    async fn embed(&self, request: Request<v1::EmbedRequest>) -> Result<Response<v1::EmbedResponse>, Status> {
        self.unary(
            request,
            |gateway, _, request, deadline| async move { embed::embed(&gateway, request, deadline).await },
        )
        .await
    }

    type EmbedStreamStream = Answers<v1::EmbedStreamResponse>;

    async fn embed_stream(
        &self,
        request: Request<Streaming<v1::EmbedStreamRequest>>,
    ) -> Result<Response<Self::EmbedStreamStream>, Status> {
        let (gateway, _) = self.enter(request.metadata())?;
        Ok(Response::new(Box::pin(embed::embed_stream(gateway, request.into_inner()))))
    }

    type EmbedFileStream = Answers<v1::EmbedFileResponse>;

    async fn embed_file(
        &self,
        request: Request<Streaming<v1::EmbedFileRequest>>,
    ) -> Result<Response<Self::EmbedFileStream>, Status> {
        let (gateway, deadline) = self.enter(request.metadata())?;
        Ok(Response::new(Box::pin(embed::embed_file(gateway, request.into_inner(), deadline))))
    }
}

#[tonic::async_trait]
impl SearchService for Services {
    async fn search(&self, request: Request<v1::SearchRequest>) -> Result<Response<v1::SearchResponse>, Status> {
        self.unary(request, |gateway, tenant, request, deadline| async move {
            search::search(&gateway, &tenant, request, deadline).await
        })
        .await
    }

    async fn classify(&self, request: Request<v1::ClassifyRequest>) -> Result<Response<v1::ClassifyResponse>, Status> {
        self.unary(request, |gateway, _, request, deadline| async move {
            classify::classify(&gateway, request, deadline).await
        })
        .await
    }

    async fn rank(&self, request: Request<v1::RankRequest>) -> Result<Response<v1::RankResponse>, Status> {
        self.unary(
            request,
            |gateway, _, request, deadline| async move { rank::rank(&gateway, request, deadline).await },
        )
        .await
    }
}

#[tonic::async_trait]
impl CollectionService for Services {
    async fn create_collection(
        &self,
        request: Request<v1::CreateCollectionRequest>,
    ) -> Result<Response<v1::CreateCollectionResponse>, Status> {
        self.unary(request, |gateway, _, request, _| async move {
            Ok(v1::CreateCollectionResponse { collection: Some(collections::create(&gateway, request).await?) })
        })
        .await
    }

    async fn list_collections(
        &self,
        request: Request<v1::ListCollectionsRequest>,
    ) -> Result<Response<v1::ListCollectionsResponse>, Status> {
        self.unary(request, |gateway, _, _, _| async move {
            Ok(v1::ListCollectionsResponse { collections: collections::list(&gateway).await? })
        })
        .await
    }

    async fn get_collection(
        &self,
        request: Request<v1::GetCollectionRequest>,
    ) -> Result<Response<v1::GetCollectionResponse>, Status> {
        self.unary(request, |gateway, _, request, _| async move {
            Ok(v1::GetCollectionResponse { collection: Some(collections::get(&gateway, &request.name).await?) })
        })
        .await
    }

    async fn delete_collection(
        &self,
        request: Request<v1::DeleteCollectionRequest>,
    ) -> Result<Response<v1::DeleteCollectionResponse>, Status> {
        self.unary(request, |gateway, _, request, _| async move {
            collections::delete(&gateway, &request.name).await?;
            Ok(v1::DeleteCollectionResponse {})
        })
        .await
    }

    type IngestStream = Answers<v1::IngestResponse>;

    async fn ingest(
        &self,
        request: Request<Streaming<v1::IngestRequest>>,
    ) -> Result<Response<Self::IngestStream>, Status> {
        let (gateway, _) = self.enter(request.metadata())?;
        Ok(Response::new(Box::pin(ingest::ingest(gateway, tenant(), request.into_inner()))))
    }

    async fn get_item(&self, request: Request<v1::GetItemRequest>) -> Result<Response<v1::GetItemResponse>, Status> {
        self.unary(
            request,
            |gateway, tenant, request, _| async move { collections::item(&gateway, &tenant, request).await },
        )
        .await
    }

    async fn delete_items(
        &self,
        request: Request<v1::DeleteItemsRequest>,
    ) -> Result<Response<v1::DeleteItemsResponse>, Status> {
        self.unary(request, |gateway, tenant, request, _| async move {
            Ok(v1::DeleteItemsResponse { deleted: collections::delete_items(&gateway, &tenant, request).await? })
        })
        .await
    }

    async fn list_items(
        &self,
        request: Request<v1::ListItemsRequest>,
    ) -> Result<Response<v1::ListItemsResponse>, Status> {
        self.unary(request, |gateway, tenant, request, _| async move {
            collections::list_items(&gateway, &tenant, request).await
        })
        .await
    }
}

#[tonic::async_trait]
impl SpaceService for Services {
    async fn get_space(&self, request: Request<v1::GetSpaceRequest>) -> Result<Response<v1::GetSpaceResponse>, Status> {
        self.unary(request, |gateway, _, _, _| async move { Ok(space(&gateway)) }).await
    }
}

/// What this server's vectors are.
pub(crate) fn space(gateway: &Gateway) -> v1::GetSpaceResponse {
    let space = gateway.space();
    v1::GetSpaceResponse {
        fingerprint: space.fingerprint.to_string(),
        dimension: wire::dimension_out(space.dimension),
        name: space.name.clone(),
        licence: gateway.terms().licence.clone(),
        towers: gateway.towers().iter().map(|tower| wire::tower_out(tower, space)).collect(),
        limits: limits::ALL.iter().map(limit_out).collect(),
        formats: sniff::FORMATS.iter().filter(|format| format.decoded).map(format_out).collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        matryoshka: wire::matryoshka_out(space),
        calibration: wire::calibration_out(&space.calibration),
        usage: wire::usage_out(gateway.terms().usage),
        notice: gateway.terms().notice.clone(),
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
