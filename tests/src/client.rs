//! A client of every service, and the calls that many tests make.

use std::time::{Duration, Instant};

use futures::stream;
use onespace_core::{Reason, limits::ITEMS_PER_REQUEST};
use onespace_proto::v1::{
    self, collection_service_client::CollectionServiceClient, embed_result::Outcome,
    embedding_service_client::EmbeddingServiceClient, ingest_request::Message,
    search_service_client::SearchServiceClient, space_service_client::SpaceServiceClient,
};
use tokio::time::sleep;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::{PATIENCE, Sample};

/// Answers with many vectors are larger than gRPC's default.
const LARGEST_ANSWER: usize = 64 << 20;

/// What became of one media: its vectors, or its own error.
pub type Embedded = Result<Vec<v1::Embedding>, v1::ItemError>;

/// One connection.
#[derive(Clone, Debug)]
pub struct Client(Channel);

impl Client {
    /// Connects.
    pub async fn connect(endpoint: &str) -> Self {
        Self(Endpoint::from_shared(endpoint.to_owned()).unwrap().connect().await.unwrap())
    }

    /// Over a connection that there is.
    #[must_use]
    pub const fn over(channel: Channel) -> Self {
        Self(channel)
    }

    /// The connection itself.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.0.clone()
    }

    /// EmbeddingService.
    #[must_use]
    pub fn embedding(&self) -> EmbeddingServiceClient<Channel> {
        EmbeddingServiceClient::new(self.channel()).max_decoding_message_size(LARGEST_ANSWER)
    }

    /// SearchService.
    #[must_use]
    pub fn searching(&self) -> SearchServiceClient<Channel> {
        SearchServiceClient::new(self.channel()).max_decoding_message_size(LARGEST_ANSWER)
    }

    /// CollectionService.
    #[must_use]
    pub fn collections(&self) -> CollectionServiceClient<Channel> {
        CollectionServiceClient::new(self.channel()).max_decoding_message_size(LARGEST_ANSWER)
    }

    /// SpaceService.
    #[must_use]
    pub fn space(&self) -> SpaceServiceClient<Channel> {
        SpaceServiceClient::new(self.channel())
    }

    /// Health.
    #[must_use]
    pub fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel())
    }

    /// The fingerprint of the server's space.
    pub async fn fingerprint(&self) -> String {
        self.served_space().await.space_fingerprint
    }

    /// What the server says of its space.
    pub async fn served_space(&self) -> v1::Space {
        self.space().get_space(v1::GetSpaceRequest {}).await.unwrap().into_inner().space.unwrap()
    }

    /// Embeds any number of media, in as many requests as that takes. What a full queue turns away is sent again
    /// after the pause that was named, as every client should.
    pub async fn embed(&self, items: Vec<v1::Media>) -> Vec<Embedded> {
        let mut outcomes = Vec::new();
        for items in items.chunks(ITEMS_PER_REQUEST) {
            outcomes.extend(self.embed_list(items.to_vec()).await);
        }
        let began = Instant::now();
        for (item, embedded) in items.into_iter().zip(&mut outcomes) {
            while let Err(error) = embedded.as_ref()
                && error.reason == Reason::QueueFull.name()
                && began.elapsed() < PATIENCE
            {
                sleep(Duration::from_millis(error.retry_after_ms)).await;
                *embedded = self.embed_list(vec![item.clone()]).await.remove(0);
            }
        }
        outcomes
    }

    /// A list is turned away as a whole where nothing of it is taken on.
    async fn embed_list(&self, items: Vec<v1::Media>) -> Vec<Embedded> {
        let (count, began) = (items.len(), Instant::now());
        let request = v1::EmbedRequest { items, ..Default::default() };
        let response = loop {
            match self.embedding().embed(request.clone()).await {
                Ok(response) => break response.into_inner(),
                Err(status) if status.code() == Code::ResourceExhausted && began.elapsed() < PATIENCE => {
                    sleep(status.get_details_retry_info().unwrap().retry_delay.unwrap()).await;
                }
                Err(status) => panic!("{status:?}"),
            }
        };
        assert_eq!(response.results.len(), count);
        response.results.into_iter().map(outcome).collect()
    }

    /// Embeds one media, which must succeed, and gives its first vector.
    pub async fn vector(&self, media: v1::Media) -> Vec<f32> {
        self.embed(vec![media]).await.remove(0).unwrap().remove(0).vector
    }

    /// Sends items to a collection, made if it is not there, and gives the events as they came.
    pub async fn ingest(&self, collection: &str, items: Vec<v1::IngestItem>) -> Vec<v1::IngestResponse> {
        self.ingest_parts(collection, items.into_iter().map(Message::Item).collect()).await.unwrap()
    }

    /// As [`Self::ingest`], with chunks where they are wanted.
    ///
    /// # Errors
    /// The status that ended the stream.
    pub async fn ingest_parts(&self, collection: &str, parts: Vec<Message>) -> Result<Vec<v1::IngestResponse>, Status> {
        self.ingest_with(collection, None, parts).await
    }

    /// As [`Self::ingest_parts`], with options.
    ///
    /// # Errors
    /// The status that ended the stream.
    pub async fn ingest_with(
        &self,
        collection: &str,
        options: Option<v1::EmbedOptions>,
        messages: Vec<Message>,
    ) -> Result<Vec<v1::IngestResponse>, Status> {
        let start = v1::IngestStart { collection: collection.to_owned(), create: true, options };
        let messages = [Message::Start(start)].into_iter().chain(messages);
        let messages = messages.map(|message| v1::IngestRequest { message: Some(message) });
        let requests = stream::iter(messages.collect::<Vec<_>>());
        let mut events = self.collections().ingest(requests).await?.into_inner();
        let mut all = Vec::new();
        while let Some(event) = events.message().await? {
            all.push(event);
        }
        Ok(all)
    }

    /// Stores samples, each under its own name; all of them must succeed.
    pub async fn store(&self, collection: &str, samples: impl IntoIterator<Item = &Sample>) {
        let items: Vec<_> = samples.into_iter().map(Sample::item).collect();
        let count = items.len();
        let events = self.ingest(collection, items).await;
        let failed: Vec<_> = events.iter().filter(|event| event.error.is_some()).collect();
        assert!(failed.is_empty() && events.len() == count, "{failed:?}");
    }

    /// Searches; the request must succeed.
    pub async fn search(&self, request: v1::SearchRequest) -> Vec<v1::SearchHit> {
        self.searching().search(request).await.unwrap().into_inner().hits
    }

    /// Creates an empty collection.
    pub async fn create(&self, name: &str) {
        let request = v1::CreateCollectionRequest { name: name.to_owned(), ..Default::default() };
        self.collections().create_collection(request).await.unwrap();
    }
}

/// An outcome as a result.
pub fn outcome(result: v1::EmbedResult) -> Embedded {
    match result.outcome.expect("every result has an outcome") {
        Outcome::Embeddings(embeddings) => Ok(embeddings.embeddings),
        Outcome::Error(error) => Err(error),
    }
}

/// A text.
#[must_use]
pub fn text(text: impl Into<String>) -> v1::Media {
    v1::Media { content: Some(v1::media::Content::Text(text.into())), ..Default::default() }
}

/// Bytes whose modality is to be told from them.
#[must_use]
pub fn data(bytes: impl Into<bytes::Bytes>) -> v1::Media {
    v1::Media { content: Some(v1::media::Content::Data(bytes.into())), ..Default::default() }
}

/// A media as a part of a question.
#[must_use]
pub fn part(media: v1::Media) -> v1::QueryPart {
    v1::QueryPart { part: Some(v1::query_part::Part::Media(media)), ..Default::default() }
}

/// A part with a weight.
#[must_use]
pub fn weighted(media: v1::Media, weight: f32) -> v1::QueryPart {
    v1::QueryPart { weight: Some(weight), ..part(media) }
}

/// A question to a collection.
#[must_use]
pub fn question(collection: &str, parts: Vec<v1::QueryPart>) -> v1::SearchRequest {
    v1::SearchRequest { collection: collection.to_owned(), parts, ..Default::default() }
}

/// Several media that become one vector.
#[must_use]
pub fn parts(parts: Vec<(v1::Media, f32)>) -> v1::Media {
    let part = |(media, weight)| v1::WeightedMedia { media: Some(media), weight: Some(weight) };
    let parts = v1::MediaParts { parts: parts.into_iter().map(part).collect() };
    v1::Media { content: Some(v1::media::Content::Parts(parts)), ..Default::default() }
}

/// A piece of a file.
#[must_use]
pub fn chunk(data: impl Into<bytes::Bytes>, last: bool) -> v1::Chunk {
    v1::Chunk { data: data.into(), last }
}

/// Options of which only the segments are said.
#[must_use]
pub fn segments(mode: v1::SegmentMode) -> v1::EmbedOptions {
    let segments = Some(v1::Segments { mode: mode.into(), ..Default::default() });
    v1::EmbedOptions { segments, ..Default::default() }
}

/// The start of a stream of items to embed.
#[must_use]
pub fn embed_start(options: Option<v1::EmbedOptions>) -> v1::EmbedStreamRequest {
    let start = v1::EmbedStart { options, ..Default::default() };
    v1::EmbedStreamRequest { message: Some(v1::embed_stream_request::Message::Start(start)) }
}

/// One of these items.
#[must_use]
pub fn embed_item(request_id: impl Into<String>, media: v1::Media) -> v1::EmbedStreamRequest {
    let item = v1::EmbedItem { request_id: request_id.into(), media: Some(media) };
    v1::EmbedStreamRequest { message: Some(v1::embed_stream_request::Message::Item(item)) }
}

/// A file to embed, in chunks.
#[must_use]
pub fn file_messages(start: v1::FileStart, bytes: &bytes::Bytes) -> Vec<v1::EmbedFileRequest> {
    use v1::embed_file_request::Message;
    let chunks = onespace_proto::convert::chunks(bytes).map(Message::Chunk);
    let messages = [Message::Start(start)].into_iter().chain(chunks);
    messages.map(|message| v1::EmbedFileRequest { message: Some(message) }).collect()
}

/// A condition on a metadata field, or with a leading dot on one of ours.
#[must_use]
pub fn on(field: &str, matches: v1::field_condition::Matches) -> v1::Condition {
    use v1::field_condition::Key;
    let item = |name: &str| v1::ItemField::from_str_name(&format!("ITEM_FIELD_{}", name.to_uppercase())).unwrap();
    let key = match field.strip_prefix('.') {
        Some(name) => Key::Item(item(name).into()),
        None => Key::Metadata(field.to_owned()),
    };
    let field = v1::FieldCondition { key: Some(key), matches: Some(matches) };
    v1::Condition { condition: Some(v1::condition::Condition::Field(field)) }
}

/// A filter within the filter.
#[must_use]
pub fn nested(filter: v1::Filter) -> v1::Condition {
    v1::Condition { condition: Some(v1::condition::Condition::Filter(filter)) }
}

/// A condition that a field equals a text.
#[must_use]
pub fn equals(field: &str, text: &str) -> v1::Condition {
    let value = v1::Scalar { value: Some(v1::scalar::Value::Text(text.to_owned())) };
    on(field, v1::field_condition::Matches::Any(v1::MatchAny { values: vec![value] }))
}

/// Metadata from JSON.
#[must_use]
pub fn metadata(fields: serde_json::Value) -> Option<prost_types::Struct> {
    let serde_json::Value::Object(fields) = fields else { panic!("metadata is an object") };
    onespace_proto::metadata::metadata_out(fields.into_iter().collect())
}

/// The reason, the field and the code of a failed request.
#[must_use]
pub fn why(status: &Status) -> (String, String, tonic::Code) {
    use tonic_types::StatusExt as _;
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    (info.reason, info.metadata.get("field").cloned().unwrap_or_default(), status.code())
}
