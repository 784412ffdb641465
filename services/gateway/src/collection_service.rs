//! The gRPC face of collections and the items in them.

use onespace_proto::v1::{self, collection_service_server::CollectionService};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    bulk, collections, import, ingest, items,
    services::{Answers, Services},
};

#[tonic::async_trait]
impl CollectionService for Services {
    async fn create_collection(
        &self,
        request: Request<v1::CreateCollectionRequest>,
    ) -> Result<Response<v1::CreateCollectionResponse>, Status> {
        self.unary(request, |gateway, call, request| async move {
            let collection = Some(collections::create(&gateway, &call, request).await?);
            Ok(v1::CreateCollectionResponse { collection })
        })
        .await
    }

    async fn list_collections(
        &self,
        request: Request<v1::ListCollectionsRequest>,
    ) -> Result<Response<v1::ListCollectionsResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { collections::list(&gateway, &call, request).await })
            .await
    }

    async fn get_collection(
        &self,
        request: Request<v1::GetCollectionRequest>,
    ) -> Result<Response<v1::GetCollectionResponse>, Status> {
        self.unary(request, |gateway, call, request| async move {
            let collection = Some(collections::get(&gateway, &call, &request.name).await?);
            Ok(v1::GetCollectionResponse { collection })
        })
        .await
    }

    async fn delete_collection(
        &self,
        request: Request<v1::DeleteCollectionRequest>,
    ) -> Result<Response<v1::DeleteCollectionResponse>, Status> {
        self.unary(request, |gateway, call, request| async move {
            collections::delete(&gateway, &call, &request.name).await?;
            Ok(v1::DeleteCollectionResponse {})
        })
        .await
    }

    async fn index_fields(
        &self,
        request: Request<v1::IndexFieldsRequest>,
    ) -> Result<Response<v1::IndexFieldsResponse>, Status> {
        self.unary(request, |gateway, call, request| async move {
            let collection = Some(collections::index_fields(&gateway, &call, request).await?);
            Ok(v1::IndexFieldsResponse { collection })
        })
        .await
    }

    async fn rename_collection(
        &self,
        request: Request<v1::RenameCollectionRequest>,
    ) -> Result<Response<v1::RenameCollectionResponse>, Status> {
        self.unary(request, |gateway, call, request| async move {
            let collection = Some(collections::rename(&gateway, &call, request).await?);
            Ok(v1::RenameCollectionResponse { collection })
        })
        .await
    }

    async fn set_alias(&self, request: Request<v1::SetAliasRequest>) -> Result<Response<v1::SetAliasResponse>, Status> {
        self.unary(request, |gateway, call, request| async move {
            let collection = Some(collections::set_alias(&gateway, &call, request).await?);
            Ok(v1::SetAliasResponse { collection })
        })
        .await
    }

    async fn delete_alias(
        &self,
        request: Request<v1::DeleteAliasRequest>,
    ) -> Result<Response<v1::DeleteAliasResponse>, Status> {
        self.unary(request, |gateway, call, request| async move {
            collections::delete_alias(&gateway, &call, &request.alias).await?;
            Ok(v1::DeleteAliasResponse {})
        })
        .await
    }

    type IngestStream = Answers<v1::IngestResponse>;

    async fn ingest(
        &self,
        request: Request<Streaming<v1::IngestRequest>>,
    ) -> Result<Response<Self::IngestStream>, Status> {
        self.streaming(request, ingest::ingest)
    }

    async fn get_item(&self, request: Request<v1::GetItemRequest>) -> Result<Response<v1::GetItemResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { items::get(&gateway, &call, request).await }).await
    }

    async fn batch_get_items(
        &self,
        request: Request<v1::BatchGetItemsRequest>,
    ) -> Result<Response<v1::BatchGetItemsResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { items::batch_get(&gateway, &call, request).await })
            .await
    }

    async fn update_item(
        &self,
        request: Request<v1::UpdateItemRequest>,
    ) -> Result<Response<v1::UpdateItemResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { items::update(&gateway, &call, request).await }).await
    }

    async fn import_items(
        &self,
        request: Request<v1::ImportItemsRequest>,
    ) -> Result<Response<v1::ImportItemsResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { import::import(&gateway, &call, request).await })
            .await
    }

    async fn update_items(
        &self,
        request: Request<v1::UpdateItemsRequest>,
    ) -> Result<Response<v1::UpdateItemsResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { bulk::update(&gateway, &call, request).await }).await
    }

    async fn facet_items(
        &self,
        request: Request<v1::FacetItemsRequest>,
    ) -> Result<Response<v1::FacetItemsResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { bulk::facets(&gateway, &call, request).await }).await
    }

    async fn delete_items(
        &self,
        request: Request<v1::DeleteItemsRequest>,
    ) -> Result<Response<v1::DeleteItemsResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { bulk::delete(&gateway, &call, request).await }).await
    }

    async fn list_items(
        &self,
        request: Request<v1::ListItemsRequest>,
    ) -> Result<Response<v1::ListItemsResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { items::list(&gateway, &call, request).await }).await
    }

    async fn count_items(
        &self,
        request: Request<v1::CountItemsRequest>,
    ) -> Result<Response<v1::CountItemsResponse>, Status> {
        self.unary(request, |gateway, call, request| async move { items::count(&gateway, &call, request).await }).await
    }
}
