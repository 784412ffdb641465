//! Collections and the names that lead to them.

use qdrant_client::qdrant::{
    AliasDescription, ChangeAliases, CollectionConfig, CollectionDescription, CollectionExists,
    CollectionExistsRequest, CollectionExistsResponse, CollectionInfo, CollectionOperationResponse, CreateCollection,
    DeleteCollection, GetCollectionInfoRequest, GetCollectionInfoResponse, ListAliasesRequest, ListAliasesResponse,
    ListCollectionsRequest, ListCollectionsResponse, UpdateCollection, alias_operations::Action,
    collections_server::Collections,
};
use tonic::{Request, Response, Status};

use crate::{Node, state::Collection, unanswered};

fn done(result: bool) -> CollectionOperationResponse {
    CollectionOperationResponse { result, time: 0.0 }
}

#[tonic::async_trait]
impl Collections for Node {
    async fn get(
        &self,
        request: Request<GetCollectionInfoRequest>,
    ) -> Result<Response<GetCollectionInfoResponse>, Status> {
        self.faults.before().await;
        let mut kept = self.state.kept();
        let collection = kept.collection(&request.get_ref().collection_name)?;
        let config = CollectionConfig { metadata: collection.metadata.clone(), ..Default::default() };
        let points_count = Some(collection.points.len() as u64);
        let info = CollectionInfo { config: Some(config), points_count, ..Default::default() };
        Ok(Response::new(GetCollectionInfoResponse { result: Some(info), time: 0.0 }))
    }

    async fn list(&self, _: Request<ListCollectionsRequest>) -> Result<Response<ListCollectionsResponse>, Status> {
        self.faults.before().await;
        let names: Vec<_> = self.state.kept().collections.keys().cloned().collect();
        let collections = names.into_iter().map(|name| CollectionDescription { name }).collect();
        Ok(Response::new(ListCollectionsResponse { collections, time: 0.0 }))
    }

    async fn create(
        &self,
        request: Request<CreateCollection>,
    ) -> Result<Response<CollectionOperationResponse>, Status> {
        self.faults.before().await;
        let CreateCollection { collection_name, metadata, .. } = request.into_inner();
        let mut kept = self.state.kept();
        if kept.collections.contains_key(&collection_name) {
            return Err(Status::already_exists(format!("Collection `{collection_name}` already exists!")));
        }
        kept.collections.insert(collection_name, Collection { metadata, ..Default::default() });
        self.faults.answer(done(true))
    }

    async fn update(
        &self,
        request: Request<UpdateCollection>,
    ) -> Result<Response<CollectionOperationResponse>, Status> {
        self.faults.before().await;
        let UpdateCollection { collection_name, metadata, .. } = request.into_inner();
        self.state.kept().collection(&collection_name)?.metadata.extend(metadata);
        self.faults.answer(done(true))
    }

    async fn delete(
        &self,
        request: Request<DeleteCollection>,
    ) -> Result<Response<CollectionOperationResponse>, Status> {
        self.faults.before().await;
        let name = request.into_inner().collection_name;
        let mut kept = self.state.kept();
        kept.aliases.retain(|_, physical| *physical != name);
        let there = kept.collections.remove(&name).is_some();
        self.faults.answer(done(there))
    }

    async fn update_aliases(
        &self,
        request: Request<ChangeAliases>,
    ) -> Result<Response<CollectionOperationResponse>, Status> {
        self.faults.before().await;
        let mut kept = self.state.kept();
        for action in request.into_inner().actions.into_iter().filter_map(|operation| operation.action) {
            match action {
                Action::CreateAlias(create) => {
                    kept.collection(&create.collection_name)?;
                    kept.aliases.insert(create.alias_name, create.collection_name);
                }
                Action::DeleteAlias(delete) => drop(kept.aliases.remove(&delete.alias_name)),
                Action::RenameAlias(rename) => {
                    let led = kept.aliases.remove(&rename.old_alias_name);
                    let led = led.ok_or_else(|| Status::not_found(format!("no alias {}", rename.old_alias_name)))?;
                    kept.aliases.insert(rename.new_alias_name, led);
                }
            }
        }
        self.faults.answer(done(true))
    }

    async fn list_aliases(&self, _: Request<ListAliasesRequest>) -> Result<Response<ListAliasesResponse>, Status> {
        self.faults.before().await;
        let kept = self.state.kept();
        let alias = |(alias, collection): (&String, &String)| AliasDescription {
            alias_name: alias.clone(),
            collection_name: collection.clone(),
        };
        Ok(Response::new(ListAliasesResponse { aliases: kept.aliases.iter().map(alias).collect(), time: 0.0 }))
    }

    async fn collection_exists(
        &self,
        request: Request<CollectionExistsRequest>,
    ) -> Result<Response<CollectionExistsResponse>, Status> {
        self.faults.before().await;
        let exists = self.state.kept().collection(&request.get_ref().collection_name).is_ok();
        Ok(Response::new(CollectionExistsResponse { result: Some(CollectionExists { exists }), time: 0.0 }))
    }

    unanswered! {
        list_collection_aliases: ListCollectionAliasesRequest => ListAliasesResponse;
        collection_cluster_info: CollectionClusterInfoRequest => CollectionClusterInfoResponse;
        update_collection_cluster_setup: UpdateCollectionClusterSetupRequest => UpdateCollectionClusterSetupResponse;
        create_shard_key: CreateShardKeyRequest => CreateShardKeyResponse;
        delete_shard_key: DeleteShardKeyRequest => DeleteShardKeyResponse;
        list_shard_keys: ListShardKeysRequest => ListShardKeysResponse;
    }
}
