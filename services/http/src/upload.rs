//! Files as they come, raw or in a form: never more of one here than a chunk. Who accepts an event stream is told how
//! far it has come.

use std::{collections::BTreeMap, pin::Pin};

use axum::{http::header, response::Response};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use multer::Field;
use onespace_core::{Error, Modality, Reason, Result, limits::METADATA_BYTES};
use onespace_proto::{
    convert::modality_out,
    metadata,
    status::{item_error_in, status},
    v1,
};
use prost_reflect::prost::Message;
use tonic::body::Body as GrpcBody;

use crate::{
    body,
    call::Call,
    events::{self, Event},
    form,
    json::invalid,
    own::{framed, send},
};

const EMBED_FILE: &str = "onespace.v1.EmbeddingService/EmbedFile";
const INGEST: &str = "onespace.v1.CollectionService/Ingest";

/// What is sent on at once.
const CHUNK: usize = 256 * 1024;

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;
type Events = Pin<Box<dyn Stream<Item = Result<Event>> + Send>>;

/// A file on its way, and what is said of it: in the query, or in a form's fields before it.
struct File {
    said: BTreeMap<String, String>,
    media_type: String,
    pieces: Pieces,
}

/// `POST /v1/files/embed`: `modality`, `dimension` and `segments=true` in the query or the form.
///
/// # Errors
/// `FIELD_*`, `MEDIA_*`, `MODALITY_*`, `STREAM_STALLED`.
pub async fn embed(mut call: Call) -> Result<Response> {
    let file = file(&mut call).await?;
    let dimension = file.said("dimension").map(|text| number("dimension", text)).transpose()?.unwrap_or_default();
    let mode = match file.said("segments") {
        Some("true") | None => v1::SegmentMode::Unspecified,
        Some("false") => v1::SegmentMode::Off,
        Some(other) => return Err(invalid("segments", format!("{other:.40?} is neither true nor false"))),
    };
    let segments = Some(v1::Segments { mode: mode.into(), ..v1::Segments::default() });
    let start = v1::FileStart {
        modality: file.modality()?,
        media_type: file.media_type.clone(),
        options: Some(v1::EmbedOptions { dimension, segments, ..v1::EmbedOptions::default() }),
        ..v1::FileStart::default()
    };
    let start = v1::embed_file_request::Message::Start(start);
    let first = v1::EmbedFileRequest { message: Some(start) }.encode_to_vec();
    let chunk = |chunk| {
        let message = v1::embed_file_request::Message::Chunk(chunk);
        v1::EmbedFileRequest { message: Some(message) }.encode_to_vec()
    };
    let mut events = sent(&call, EMBED_FILE, vec![first], file.pieces, chunk).await?;
    if wants_events(&call) {
        return Ok(events::stream(events, "onespace.v1.EmbedFileResponse"));
    }
    let mut all = v1::Embeddings::default();
    while let Some(event) = events.try_next().await? {
        match decoded::<v1::EmbedFileResponse>(&event)?.event {
            Some(v1::embed_file_response::Event::Embedding(embedding)) => all.embeddings.push(embedding),
            Some(v1::embed_file_response::Event::Done(done)) => all.notes = done.notes,
            _ => {}
        }
    }
    events::answer(&call, &all.encode_to_vec(), "onespace.v1.Embeddings").await
}

/// `POST /v1/collections/{collection}/items`: `item_id`, `uri`, `title`, `metadata` (JSON), `modality`, `create=true`
/// in the query or the form.
///
/// # Errors
/// As [`embed`]; `COLLECTION_NOT_FOUND`, `STORE_*`; the item's own.
pub async fn store(mut call: Call) -> Result<Response> {
    let file = file(&mut call).await?;
    let start = v1::IngestStart {
        collection: call.param("collection").to_owned(),
        create: file.said("create") == Some("true"),
        options: None,
    };
    let text = |name: &str| file.said(name).unwrap_or_default().to_owned();
    let metadata = file.said("metadata").map(|json| {
        let fields = serde_json::from_str(json).map_err(|error| invalid("metadata", error.to_string()))?;
        Ok(metadata::metadata_out(fields).unwrap_or_default())
    });
    let media = v1::Media { modality: file.modality()?, media_type: file.media_type.clone(), content: None };
    let item = v1::IngestItem {
        item_id: text("item_id"),
        uri: text("uri"),
        title: text("title"),
        metadata: metadata.transpose()?,
        media: Some(media),
        ..v1::IngestItem::default()
    };
    use v1::ingest_request::Message as Ingest;
    let first = vec![ingest_message(Ingest::Start(start)), ingest_message(Ingest::Item(item))];
    let chunk = |chunk| ingest_message(Ingest::Chunk(chunk));
    let mut events = sent(&call, INGEST, first, file.pieces, chunk).await?;
    if wants_events(&call) {
        return Ok(events::stream(events, "onespace.v1.IngestResponse"));
    }
    let event = events.try_next().await?.ok_or_else(|| Error::internal("an item without an event"))?;
    match decoded::<v1::IngestResponse>(&event)?.error {
        Some(error) => Err(item_error_in(&error)),
        None => events::answer(&call, &event, "onespace.v1.IngestResponse").await,
    }
}

fn ingest_message(message: v1::ingest_request::Message) -> Vec<u8> {
    v1::IngestRequest { message: Some(message) }.encode_to_vec()
}

impl File {
    fn said(&self, name: &str) -> Option<&str> {
        self.said.get(name).map(String::as_str)
    }

    fn modality(&self) -> Result<i32> {
        let named: Option<Modality> = self.said("modality").map(str::parse).transpose()?;
        Ok(named.map_or(0, modality_out))
    }
}

fn number(name: &str, text: &str) -> Result<u32> {
    text.parse().map_err(|_| invalid(name, format!("{text:.40?} is no whole number")))
}

fn decoded<M: Message + Default>(bytes: &[u8]) -> Result<M> {
    M::decode(bytes).map_err(|error| Error::internal(error.to_string()))
}

fn wants_events(call: &Call) -> bool {
    let accepted = call.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.contains("text/event-stream")
}

/// The file of a request: its body, or the first file of its form.
async fn file(call: &mut Call) -> Result<File> {
    let mut said: BTreeMap<String, String> = call.query().into_iter().collect();
    if !form::is_form(call) {
        let media_type = form::media_type(call);
        // What curl says of every body it is given.
        let told = !["application/octet-stream", "application/x-www-form-urlencoded"].contains(&media_type);
        let media_type = if told { media_type.to_owned() } else { String::new() };
        return Ok(File { said, media_type, pieces: Box::pin(body::stream(call)?) });
    }
    let mut parts = form::parts(call)?;
    while let Some(part) = parts.next_field().await.map_err(form::broken)? {
        if part.file_name().is_some() {
            let media_type = part.content_type().map(ToString::to_string);
            let media_type = media_type.filter(|told| told != "application/octet-stream").unwrap_or_default();
            return Ok(File { said, media_type, pieces: Box::pin(pieces(part)) });
        }
        let name = part.name().unwrap_or_default().to_owned();
        let text = form::text(part, &name, METADATA_BYTES).await?;
        said.insert(name, text);
    }
    Err(Error::new(Reason::FieldRequired, "file", "the form has no file, or fields come after it"))
}

fn pieces(part: Field<'static>) -> impl Stream<Item = Result<Bytes>> + Send {
    part.map(|piece| piece.map_err(form::broken))
}

/// Sends the first messages and then the file in chunks to a method; gives the messages that come back.
async fn sent(
    call: &Call,
    rpc: &str,
    first: Vec<Vec<u8>>,
    pieces: Pieces,
    chunk: fn(v1::Chunk) -> Vec<u8>,
) -> Result<Events> {
    let chunks = chunks(pieces).map_ok(chunk);
    let messages = stream::iter(first.into_iter().map(Ok)).chain(chunks);
    let frames = messages.map(|message| match message {
        Ok(message) => Ok(Frame::data(framed(&message))),
        Err(error) => Err(status(&error)),
    });
    let answered = send(call, rpc, call.stream_request(GrpcBody::new(StreamBody::new(frames)))).await?;
    Ok(Box::pin(events::messages(answered.into_body())))
}

/// Pieces as chunks of one size, of which the last says so.
fn chunks(pieces: Pieces) -> impl Stream<Item = Result<v1::Chunk>> + Send {
    let open = Some((pieces, BytesMut::new()));
    stream::try_unfold(open, |open| async move {
        let Some((mut pieces, mut held)) = open else { return Ok(None) };
        while held.len() < CHUNK {
            match pieces.next().await.transpose()? {
                Some(piece) => held.extend_from_slice(&piece),
                None => return Ok(Some((v1::Chunk { data: held.freeze(), last: true }, None))),
            }
        }
        let data = held.split_to(CHUNK).freeze();
        Ok(Some((v1::Chunk { data, last: false }, Some((pieces, held)))))
    })
}
