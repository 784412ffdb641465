//! Ingest: items come on a stream, each is answered once it would survive a crash, or with the reason why not.
//!
//! An item that was received is finished even when its sender goes away: the answer is lost, the item is not.

use std::{collections::BTreeMap, sync::Arc};

use futures::Stream;
use onespace_core::{
    CollectionInfo, CollectionRef, CollectionSpec, EmbedOptions, Error, Modality, Reason, Result,
    limits::{INGEST_EVENTS, INGEST_IN_FLIGHT},
};
use onespace_kit::messages::Messages;
use onespace_proto::{options::embed_options_in, status::status, v1};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::{
    Gateway,
    call::Call,
    query::SearchScope,
    store_item::{IngestTarget, Received, store_item},
    store_wait::until_back,
    upload::Receiver,
};

type Events = mpsc::Sender<Result<v1::IngestResponse, Status>>;

/// Takes a stream of items and answers a stream of events.
pub fn ingest(
    gateway: Arc<Gateway>,
    call: Call,
    messages: Messages<v1::IngestRequest>,
) -> impl Stream<Item = Result<v1::IngestResponse, Status>> {
    let (events, outgoing) = mpsc::channel(INGEST_EVENTS);
    let tasks = gateway.tasks().clone();
    tasks.spawn(async move {
        if let Err(error) = receive(&gateway, call, messages, &events).await {
            let _ = events.send(Err(status(&error))).await;
        }
    });
    ReceiverStream::new(outgoing)
}

async fn receive(
    gateway: &Arc<Gateway>,
    call: Call,
    mut messages: Messages<v1::IngestRequest>,
    events: &Events,
) -> Result<()> {
    use v1::ingest_request::Message;
    let chunk = |message: v1::IngestRequest| match message.message {
        Some(Message::Chunk(chunk)) => Some(chunk),
        _ => None,
    };
    let Some(Message::Start(start)) = messages.next().await?.and_then(|message| message.message) else {
        return Err(Error::new(Reason::FieldRequired, "start", "the first message must name the collection"));
    };
    let target = read_start(gateway, call, start).await.map_err(|error| error.under("start"))?;
    let target = Arc::new(target);
    let seats = Arc::new(Semaphore::new(INGEST_IN_FLIGHT));
    let unfinished = gateway.unfinished(messages.client());
    while let Some(message) = messages.next().await? {
        let Some(Message::Item(mut item)) = message.message else {
            return Err(Error::new(Reason::FieldInvalid, "message", "an item was expected here"));
        };
        let content = if item.content_hash.is_empty() {
            let media = item.media.take().unwrap_or_default();
            let mut receiver = Receiver { messages: &mut messages, chunk, unfinished: &unfinished };
            let (media, held) = receiver.complete(media).await?;
            Received::Media(media, held)
        } else {
            Received::Hash
        };
        // Waiting here, not reading, is what slows a sender down to what can be embedded and to what it reads.
        let Ok(seat) = seats.clone().acquire_owned().await else { return Ok(()) };
        let (gateway, target, events) = (gateway.clone(), target.clone(), events.clone());
        gateway.clone().tasks().spawn(async move {
            let event = store_item(&gateway, &target, item, content).await;
            let _ = events.send(Ok(event)).await;
            drop(seat);
        });
    }
    Ok(())
}

async fn read_start(gateway: &Gateway, call: Call, start: v1::IngestStart) -> Result<IngestTarget> {
    let options = embed_options_in(start.options.as_ref(), EmbedOptions::INGEST)?;
    // What no item can have is refused before the first.
    gateway.ear(Modality::Audio, options.speech).map_err(|error| error.under("options"))?;
    let collection = until_back(None, || call.locate(gateway, &start.collection)).await?;
    let info = open_collection(gateway, &collection, start.create).await?;
    let asked = start.options.map_or(0, |options| options.dimension as usize);
    if asked != 0 && asked != info.dimension {
        let message = format!("{asked}, the vectors of collection \"{collection}\" have {}", info.dimension);
        return Err(Error::new(Reason::FieldInvalid, "options.dimension", message));
    }
    let scope = SearchScope { collection, dimension: info.dimension };
    Ok(IngestTarget { scope, options, caller: call.caller })
}

async fn open_collection(gateway: &Gateway, collection: &CollectionRef, create: bool) -> Result<CollectionInfo> {
    let found = until_back(None, || gateway.collection(collection)).await;
    if !matches!(&found, Err(error) if create && error.reason == Reason::CollectionNotFound) {
        return found;
    }
    let (space, indexed) = (gateway.space().clone(), BTreeMap::new());
    let spec = CollectionSpec { collection: collection.clone(), dimension: space.dimension, space, indexed };
    match until_back(None, || gateway.store().create_collection(&spec)).await {
        Err(error) if error.reason != Reason::CollectionExists => Err(error),
        _ => until_back(None, || gateway.collection(collection)).await,
    }
}
