//! A server that answers by a script: it turns calls and items away as often as it is told to, and counts.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures::{Stream, stream};
use onespace_core::{Error, Reason};
use onespace_proto::{
    status::{item_error, status},
    v1::{
        self,
        collection_service_server::{CollectionService, CollectionServiceServer},
        embedding_service_server::{EmbeddingService, EmbeddingServiceServer},
        search_service_server::{SearchService, SearchServiceServer},
        space_service_server::{SpaceService, SpaceServiceServer},
    },
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_stream::{StreamExt as _, wrappers::TcpListenerStream};
use tonic::{Request, Response, Status, Streaming, transport::Server};

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
type Answered<T> = Result<Response<T>, Status>;

/// What is turned away.
#[derive(Clone, Debug)]
pub struct Script {
    /// How it is turned away.
    pub refusal: Error,
    /// How often each call is.
    pub calls: usize,
    /// How often each item is whose content holds this word.
    pub items: (&'static str, usize),
}

/// What came.
#[derive(Debug, Default)]
pub struct Seen {
    /// When each call of a method came.
    pub calls: HashMap<&'static str, Vec<Instant>>,
    /// How many items each call brought.
    pub brought: Vec<usize>,
    items: HashMap<Vec<u8>, usize>,
}

/// The server; it ends with this.
#[derive(Debug)]
pub struct Scripted {
    /// Where it listens.
    pub endpoint: String,
    stage: Stage,
    serving: JoinHandle<()>,
}

#[derive(Clone, Debug)]
struct Stage(Script, Arc<Mutex<Seen>>);

impl Scripted {
    /// Starts it on a free port.
    pub async fn start(script: Script) -> Self {
        let stage = Stage(script, Arc::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = Server::builder()
            .add_service(EmbeddingServiceServer::new(stage.clone()))
            .add_service(SearchServiceServer::new(stage.clone()).max_decoding_message_size(64 << 20))
            .add_service(CollectionServiceServer::new(stage.clone()))
            .add_service(SpaceServiceServer::new(stage.clone()));
        let serving = tokio::spawn(async move {
            router.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
        });
        Self { endpoint, stage, serving }
    }

    /// How often a method was called.
    #[must_use]
    pub fn calls(&self, method: &str) -> usize {
        self.stage.1.lock().unwrap().calls.get(method).map_or(0, Vec::len)
    }

    /// The shortest time between two calls of a method.
    #[must_use]
    pub fn shortest_pause(&self, method: &str) -> Duration {
        let seen = self.stage.1.lock().unwrap();
        seen.calls[method].windows(2).map(|pair| pair[1] - pair[0]).min().unwrap()
    }

    /// How many items each call brought.
    #[must_use]
    pub fn brought(&self) -> Vec<usize> {
        self.stage.1.lock().unwrap().brought.clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Stage {
    /// A call came.
    fn call(&self, method: &'static str) -> Result<(), Status> {
        let mut seen = self.1.lock().unwrap();
        let calls = seen.calls.entry(method).or_default();
        calls.push(Instant::now());
        if calls.len() <= self.0.calls { Err(status(&self.0.refusal)) } else { Ok(()) }
    }

    /// An item came.
    fn item(&self, media: &v1::Media) -> Result<(), v1::ItemError> {
        let content = match media.content.as_ref().unwrap() {
            v1::media::Content::Data(data) => data.to_vec(),
            v1::media::Content::Text(text) | v1::media::Content::Uri(text) => text.as_bytes().to_vec(),
            v1::media::Content::Parts(_) => panic!("not in the script"),
        };
        let (word, often) = self.0.items;
        let marked = String::from_utf8_lossy(&content).contains(word);
        let mut seen = self.1.lock().unwrap();
        let count = seen.items.entry(content).or_default();
        *count += 1;
        if marked && *count <= often { Err(item_error(&self.0.refusal)) } else { Ok(()) }
    }

    fn brought(&self, items: usize) {
        self.1.lock().unwrap().brought.push(items);
    }
}

fn vector() -> v1::Embedding {
    v1::Embedding { vector: vec![1.0, 0.0], ..Default::default() }
}

#[tonic::async_trait]
impl EmbeddingService for Stage {
    type EmbedStreamStream = Answers<v1::EmbedStreamResponse>;
    type EmbedFileStream = Answers<v1::EmbedFileResponse>;

    async fn embed(&self, request: Request<v1::EmbedRequest>) -> Answered<v1::EmbedResponse> {
        use v1::embed_result::Outcome;
        self.call("embed")?;
        let results = request.into_inner().items.into_iter().map(|media| {
            let outcome = match self.item(&media) {
                Ok(()) => Outcome::Embeddings(v1::Embeddings { embeddings: vec![vector()], ..Default::default() }),
                Err(error) => Outcome::Error(error),
            };
            v1::EmbedResult { outcome: Some(outcome) }
        });
        Ok(Response::new(v1::EmbedResponse { results: results.collect(), ..Default::default() }))
    }

    async fn embed_stream(&self, _: Request<Streaming<v1::EmbedStreamRequest>>) -> Answered<Self::EmbedStreamStream> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn embed_file(&self, request: Request<Streaming<v1::EmbedFileRequest>>) -> Answered<Self::EmbedFileStream> {
        self.call("embed_file")?;
        let mut chunks = request.into_inner();
        while chunks.message().await?.is_some() {}
        let event = v1::embed_file_response::Event::Embedding(vector());
        let answer = v1::EmbedFileResponse { event: Some(event) };
        Ok(Response::new(Box::pin(stream::iter([Ok(answer)]))))
    }
}

#[tonic::async_trait]
impl SearchService for Stage {
    async fn search(&self, _: Request<v1::SearchRequest>) -> Answered<v1::SearchResponse> {
        self.call("search")?;
        Ok(Response::new(v1::SearchResponse::default()))
    }

    async fn search_batch(&self, _: Request<v1::SearchBatchRequest>) -> Answered<v1::SearchBatchResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn classify(&self, _: Request<v1::ClassifyRequest>) -> Answered<v1::ClassifyResponse> {
        self.call("classify")?;
        Ok(Response::new(v1::ClassifyResponse::default()))
    }

    /// A longer candidate has a higher score.
    async fn rank(&self, request: Request<v1::RankRequest>) -> Answered<v1::RankResponse> {
        use v1::{media::Content, ranked_candidate::Outcome};
        self.call("rank")?;
        let candidates = request.into_inner().candidates;
        self.brought(candidates.len());
        let ranked = (0u32..).zip(&candidates).map(|(index, media)| {
            let length = if let Some(Content::Data(data)) = &media.content { data.len() } else { 0 };
            let outcome = match self.item(media) {
                Ok(()) => Outcome::Score(length as f32 / 1e8),
                Err(error) => Outcome::Error(error),
            };
            v1::RankedCandidate { index, outcome: Some(outcome), ..Default::default() }
        });
        Ok(Response::new(v1::RankResponse { candidates: ranked.collect(), timings: None }))
    }
}

#[tonic::async_trait]
impl SpaceService for Stage {
    async fn get_space(&self, _: Request<v1::GetSpaceRequest>) -> Answered<v1::GetSpaceResponse> {
        self.call("get_space")?;
        let space = Some(v1::Space::default());
        Ok(Response::new(v1::GetSpaceResponse { space, ..Default::default() }))
    }
}

#[tonic::async_trait]
impl CollectionService for Stage {
    type IngestStream = Answers<v1::IngestResponse>;

    async fn ingest(&self, request: Request<Streaming<v1::IngestRequest>>) -> Answered<Self::IngestStream> {
        self.call("ingest")?;
        let stage = self.clone();
        let events = request.into_inner().filter_map(move |message| match message.unwrap().message {
            Some(v1::ingest_request::Message::Item(item)) => {
                let error = stage.item(&item.media.unwrap()).err();
                let status = if error.is_some() { v1::IngestStatus::Failed } else { v1::IngestStatus::Stored };
                let request_id = item.request_id;
                Some(Ok(v1::IngestResponse { request_id, status: status.into(), error, ..Default::default() }))
            }
            _ => None,
        });
        Ok(Response::new(Box::pin(events)))
    }

    async fn create_collection(
        &self,
        _: Request<v1::CreateCollectionRequest>,
    ) -> Answered<v1::CreateCollectionResponse> {
        self.call("create_collection")?;
        Ok(Response::new(v1::CreateCollectionResponse::default()))
    }

    async fn list_collections(&self, _: Request<v1::ListCollectionsRequest>) -> Answered<v1::ListCollectionsResponse> {
        self.call("list_collections")?;
        Ok(Response::new(v1::ListCollectionsResponse::default()))
    }

    async fn get_collection(&self, _: Request<v1::GetCollectionRequest>) -> Answered<v1::GetCollectionResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn delete_collection(
        &self,
        _: Request<v1::DeleteCollectionRequest>,
    ) -> Answered<v1::DeleteCollectionResponse> {
        self.call("delete_collection")?;
        Ok(Response::new(v1::DeleteCollectionResponse::default()))
    }

    async fn get_item(&self, _: Request<v1::GetItemRequest>) -> Answered<v1::GetItemResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn index_fields(&self, _: Request<v1::IndexFieldsRequest>) -> Answered<v1::IndexFieldsResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn batch_get_items(&self, _: Request<v1::BatchGetItemsRequest>) -> Answered<v1::BatchGetItemsResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn update_item(&self, _: Request<v1::UpdateItemRequest>) -> Answered<v1::UpdateItemResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn count_items(&self, _: Request<v1::CountItemsRequest>) -> Answered<v1::CountItemsResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn rename_collection(
        &self,
        _: Request<v1::RenameCollectionRequest>,
    ) -> Answered<v1::RenameCollectionResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn set_alias(&self, _: Request<v1::SetAliasRequest>) -> Answered<v1::SetAliasResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn delete_alias(&self, _: Request<v1::DeleteAliasRequest>) -> Answered<v1::DeleteAliasResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn import_items(&self, _: Request<v1::ImportItemsRequest>) -> Answered<v1::ImportItemsResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn update_items(&self, _: Request<v1::UpdateItemsRequest>) -> Answered<v1::UpdateItemsResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn facet_items(&self, _: Request<v1::FacetItemsRequest>) -> Answered<v1::FacetItemsResponse> {
        Err(Status::unimplemented("not in the script"))
    }

    async fn delete_items(&self, _: Request<v1::DeleteItemsRequest>) -> Answered<v1::DeleteItemsResponse> {
        self.call("delete_items")?;
        Ok(Response::new(v1::DeleteItemsResponse::default()))
    }

    async fn list_items(&self, _: Request<v1::ListItemsRequest>) -> Answered<v1::ListItemsResponse> {
        self.call("list_items")?;
        Ok(Response::new(v1::ListItemsResponse::default()))
    }
}

/// A full queue that asks for this pause.
#[must_use]
pub fn full(pause: Duration) -> Error {
    Error::new(Reason::QueueFull, "", "every seat is taken").retry_after(pause)
}
