//! Ingest: items come on a stream, each is answered once it would survive a crash, or with the reason why not.
//!
//! An item that was received is finished even when its sender goes away: the answer is lost, the item is not.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Instant,
};

use bytes::Bytes;
use futures::Stream;
use onespace_core::{
    CollectionInfo, CollectionName, CollectionSpec, ContentHash, Deadline, EncodeRequest, Error, ItemDetails, ItemId,
    Media, Modality, Point, Purpose, Reason, Result, Tenant, Timings,
    limits::{CALLER_ID_BYTES, INGEST_IN_FLIGHT, TITLE_BYTES, URI_BYTES, VIDEO_BYTES, check_text, media_bytes},
    media::Content,
};
use onespace_kit::deadline;
use onespace_proto::{
    convert,
    status::{item_error, status},
    v1,
};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::{
    Gateway,
    embed::{Upload, cut_id},
    gateway::{micros, timed},
    query::Shelf,
};

type Events = mpsc::Sender<Result<v1::IngestResponse, Status>>;

/// What is being ingested: whose item, in which collection.
type Flight = (Tenant, CollectionName, ItemId);

/// Items that are being ingested: the same item, sent twice at once, is embedded once.
#[derive(Default)]
pub struct Flights(Mutex<HashMap<Flight, Weak<tokio::sync::Mutex<()>>>>);

impl Flights {
    fn of(&self, key: Flight) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if flights.len() > 4 * INGEST_IN_FLIGHT {
            flights.retain(|_, flight| flight.strong_count() > 0);
        }
        if let Some(flight) = flights.get(&key).and_then(Weak::upgrade) {
            return flight;
        }
        let flight = Arc::new(tokio::sync::Mutex::new(()));
        flights.insert(key, Arc::downgrade(&flight));
        flight
    }
}

/// Takes a stream of items and answers a stream of events.
pub fn ingest(
    gateway: Arc<Gateway>,
    tenant: Tenant,
    requests: Streaming<v1::IngestRequest>,
) -> impl Stream<Item = Result<v1::IngestResponse, Status>> {
    let (events, outgoing) = mpsc::channel(INGEST_IN_FLIGHT);
    tokio::spawn(async move {
        if let Err(error) = receive(&gateway, tenant, requests, &events).await {
            let _ = events.send(Err(status(&error))).await;
        }
    });
    ReceiverStream::new(outgoing)
}

async fn receive(
    gateway: &Arc<Gateway>,
    tenant: Tenant,
    mut requests: Streaming<v1::IngestRequest>,
    events: &Events,
) -> Result<()> {
    use v1::ingest_request::Part;
    let Some(Part::Start(start)) = deadline::next(&mut requests).await?.and_then(|message| message.part) else {
        return Err(Error::new(Reason::FieldRequired, "start", "the first message must name the collection"));
    };
    let CollectionInfo { name: collection, dimension, .. } = opened(gateway, start).await?;
    let shelf = Shelf { tenant, collection, dimension };
    let room = Arc::new(Semaphore::new(INGEST_IN_FLIGHT));
    while let Some(message) = deadline::next(&mut requests).await? {
        let Some(Part::Item(item)) = message.part else {
            return Err(Error::new(Reason::FieldInvalid, "part", "an item's header was expected here"));
        };
        let (item, content) = content(gateway, item, &mut requests).await?;
        // Waiting here, not reading, is what slows a sender down to what can be embedded.
        let Ok(seat) = room.clone().acquire_owned().await else { return Ok(()) };
        let (gateway, shelf, events) = (gateway.clone(), shelf.clone(), events.clone());
        tokio::spawn(async move {
            let event = answer(&gateway, &shelf, item, content).await;
            drop(seat);
            let _ = events.send(Ok(event)).await;
        });
    }
    Ok(())
}

async fn opened(gateway: &Gateway, start: v1::IngestStart) -> Result<CollectionInfo> {
    let name: CollectionName = start.collection.parse()?;
    let found = gateway.collection(&name).await;
    if !matches!(&found, Err(error) if start.create && error.reason == Reason::CollectionNotFound) {
        return found;
    }
    let (space, indexed) = (gateway.space().clone(), BTreeMap::new());
    let spec = CollectionSpec { name: name.clone(), dimension: space.dimension, space, indexed };
    match gateway.store().create_collection(&spec).await {
        Err(error) if error.reason != Reason::CollectionExists => Err(error),
        _ => gateway.collection(&name).await,
    }
}

/// What an item's content is, once all of it is here; an error in it is the item's own.
type Received = Result<(Media, Vec<onespace_kit::admission::Admitted>)>;

/// The content of an item: in its header, or in the chunks that follow. Chunks of an item that already failed are
/// read past, so that the next item starts at its header.
async fn content(
    gateway: &Gateway,
    mut item: v1::IngestItem,
    requests: &mut Streaming<v1::IngestRequest>,
) -> Result<(v1::IngestItem, Received)> {
    use v1::ingest_request::Part;
    let media = item.media.take().unwrap_or_default();
    if media.content.is_some() {
        return Ok((item, convert::media_in(media).map(|media| (media, Vec::new()))));
    }
    let modality = convert::modality_in(media.modality);
    let limit = modality.as_ref().ok().copied().flatten().map_or(VIDEO_BYTES, media_bytes);
    let mut upload = Upload::new(limit, 0);
    loop {
        let Some(Part::Chunk(chunk)) = deadline::next(requests).await?.and_then(|message| message.part) else {
            return Err(Error::new(
                Reason::FieldInvalid,
                "part",
                format!("item \"{}\" has no content: a chunk was expected", cut_id(item.id)),
            ));
        };
        if let Ok(receiving) = &mut upload
            && let Err(error) = receiving.push(gateway, &chunk.data).await
        {
            upload = Err(error);
        }
        if chunk.last {
            break;
        }
    }
    let received = modality.and_then(|modality| {
        let (bytes, held) = upload?.finish();
        let media_type = convert::media_type_in(media.media_type)?;
        Ok((Media { content: Content::Bytes(bytes), modality, media_type }, held))
    });
    Ok((item, received))
}

async fn answer(gateway: &Gateway, shelf: &Shelf, item: v1::IngestItem, content: Received) -> v1::IngestResponse {
    let started = Instant::now();
    let (id, name) = (cut_id(item.id.clone()), cut_id(item.item.clone()));
    let mut event = v1::IngestResponse { id, item: name, ..Default::default() };
    let mut timings = Timings::default();
    match stored(gateway, shelf, item, content, &mut event, &mut timings).await {
        Ok(status) => event.status = status.into(),
        Err(error) => {
            event.status = v1::IngestStatus::Failed.into();
            event.error = Some(item_error(&error));
        }
    }
    metrics::counter!("onespace_ingest_total", "status" => event.status().as_str_name()).increment(1);
    event.timings = Some(convert::timings_out(&timed(started, timings)));
    event
}

async fn stored(
    gateway: &Gateway,
    shelf: &Shelf,
    mut item: v1::IngestItem,
    content: Received,
    event: &mut v1::IngestResponse,
    timings: &mut Timings,
) -> Result<v1::IngestStatus> {
    let Shelf { tenant, collection, dimension } = shelf;
    check_text("id", &item.id, CALLER_ID_BYTES)?;
    let said = Said::of(&mut item)?;
    let (media, held) = content?;
    let media_type = media.media_type.clone();
    let (bytes, modality) = media.resolve()?;
    event.modality = convert::modality_out(modality);
    let hash = ContentHash::of(modality, &bytes);
    let id = if item.item.is_empty() { hash.item() } else { item.item.parse()? };
    let hash = hash.seen_by(gateway.space().added_on_the_way(modality));
    event.item = id.to_string();

    let flight = gateway.flights().of((tenant.clone(), collection.clone(), id.clone()));
    let _turn = flight.lock().await;
    let before = gateway.store().stored(tenant, collection, std::slice::from_ref(&id)).await?;
    let known = before.get(&id);
    if let Some(known) = known.filter(|known| known.content_hash == hash.as_str()) {
        if known.details.as_ref().is_some_and(|before| said.over(before.clone()) == *before) {
            return Ok(v1::IngestStatus::Unchanged);
        }
        event.points = update(gateway, shelf, &id, &said).await?;
        return Ok(v1::IngestStatus::Updated);
    }
    drop(held); // `encode` accounts for the bytes from here on.
    let mut reply = embedded(gateway, modality, bytes, media_type, !item.whole_only).await?;
    reply.shorten(*dimension)?;
    timings.merge(&reply.timings);
    let details = said.over(ItemDetails::default());
    let points: Vec<Point> = reply
        .embeddings
        .into_iter()
        .map(|embedding| Point {
            item: id.clone(),
            modality,
            track: embedding.track,
            segment: embedding.segment,
            span: embedding.span,
            uri: details.uri.clone(),
            title: details.title.clone(),
            content_hash: hash.as_str().to_owned(),
            space: gateway.space().fingerprint,
            tower: gateway.space().added_by(modality, embedding.track),
            metadata: details.metadata.clone(),
            vector: embedding.vector,
        })
        .collect();
    event.points = u32::try_from(points.len()).unwrap_or(u32::MAX);
    let writing = Instant::now();
    gateway.store().upsert(tenant, collection, points).await?;
    if known.is_some() {
        gateway.store().delete_items(tenant, collection, std::slice::from_ref(&id), Some(&hash)).await?;
    }
    timings.store_us = micros(writing);
    Ok(v1::IngestStatus::Stored)
}

/// What an item's owner says of it this time. What is left out is not said, and stays as it was.
struct Said {
    uri: Option<String>,
    title: Option<String>,
    metadata: Option<BTreeMap<String, Value>>,
}

impl Said {
    /// Takes what is said out of an item.
    fn of(item: &mut v1::IngestItem) -> Result<Self> {
        check_text("uri", &item.uri, URI_BYTES)?;
        check_text("title", &item.title, TITLE_BYTES)?;
        let uri = convert::some(mem::take(&mut item.uri));
        let title = convert::some(mem::take(&mut item.title));
        let metadata = item.metadata.take().map(|metadata| convert::metadata_in(Some(metadata))).transpose()?;
        Ok(Self { uri, title, metadata })
    }

    /// What is known of an item that this is said of.
    fn over(&self, before: ItemDetails) -> ItemDetails {
        ItemDetails {
            uri: self.uri.clone().or(before.uri),
            title: self.title.clone().or(before.title),
            metadata: self.metadata.clone().unwrap_or(before.metadata),
        }
    }
}

/// Writes what is said of an item to all its points, whose vectors stay; returns how many there are.
async fn update(gateway: &Gateway, shelf: &Shelf, id: &ItemId, said: &Said) -> Result<u32> {
    let Shelf { tenant, collection, .. } = shelf;
    let points = gateway.store().item(tenant, collection, id).await?;
    let before = points.first().map(|point| ItemDetails {
        uri: point.uri.clone(),
        title: point.title.clone(),
        metadata: point.metadata.clone(),
    });
    let details = said.over(before.unwrap_or_default());
    let points: Vec<Point> = points.into_iter().map(|point| point.described(details.clone())).collect();
    let count = u32::try_from(points.len()).unwrap_or(u32::MAX);
    gateway.store().upsert(tenant, collection, points).await?;
    Ok(count)
}

/// Bulk work waits its turn: a full queue is not the item's fault.
async fn embedded(
    gateway: &Gateway,
    modality: Modality,
    bytes: Bytes,
    media_type: Option<String>,
    segments: bool,
) -> Result<onespace_core::EncodeReply> {
    let deadline = Deadline::after(std::time::Duration::from_millis(onespace_core::limits::DEADLINE_MAX_MS as u64));
    loop {
        let (media_type, purpose) = (media_type.clone(), Purpose::Document);
        let request = EncodeRequest { media_type, segments, purpose, ..EncodeRequest::new(modality, bytes.clone()) };
        match gateway.encode(request, deadline).await {
            Err(Error { reason: Reason::QueueFull, retry_after: Some(pause), .. }) if deadline.remaining() > pause => {
                tokio::time::sleep(pause).await;
            }
            outcome => return outcome,
        }
    }
}
