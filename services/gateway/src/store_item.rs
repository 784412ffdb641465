//! What becomes of one item of an ingest.

use std::{mem, slice, time::Duration, time::Instant};

use onespace_access::caller::Caller;
use onespace_core::{
    ContentHash, Deadline, EmbedOptions, Embedding, Error, ItemDetails, ItemId, Modality, NoteReason, Point, Reason,
    Result, Timings,
    limits::{CALLER_ID_BYTES, DEADLINE_MAX_MS, check_text},
};
use onespace_proto::{
    convert::{self, modality_named},
    status::item_error,
    v1,
};

use crate::{
    Gateway,
    details::{DetailsUpdate, rewrite},
    embed_stream::cut_id,
    gateway::{micros, timed},
    item::{Embedder, Item, Waits},
    query::SearchScope,
    store_wait::{Room, until_back},
    upload::Held,
};

/// Where items of a stream go, and how they are embedded.
pub struct IngestTarget {
    /// The collection.
    pub scope: SearchScope,
    /// What the stream's start chose.
    pub options: EmbedOptions,
    /// Who stores them. The call counts among its caller's until the last item is done.
    pub caller: Caller,
}

/// What was sent of an item's content.
pub enum Received {
    /// Its media, or why it could not be received, and what accounts for it.
    Media(Result<v1::Media>, Held),
    /// Its hash alone.
    Hash,
}

/// Stores one item and says what became of it. What accounts for its media goes as soon as it is embedded.
pub async fn store_item(
    gateway: &Gateway,
    target: &IngestTarget,
    mut item: v1::IngestItem,
    received: Received,
) -> v1::IngestResponse {
    let started = Instant::now();
    let (request_id, item_id) = (cut_id(item.request_id.clone()), cut_id(item.item_id.clone()));
    let mut event = v1::IngestResponse { request_id, item_id, ..Default::default() };
    let mut timings = Timings::default();
    let stored = async {
        let (prepared, update) = prepare(gateway, target, &mut item, received, &mut event)?;
        write(gateway, target, prepared, &update, &mut event, &mut timings).await
    };
    match stored.await {
        Ok(status) => event.status = status.into(),
        Err(error) => {
            event.status = v1::IngestStatus::Failed.into();
            event.error = Some(item_error(&error.under("item")));
        }
    }
    if event.status() != v1::IngestStatus::ContentNeeded {
        target.caller.note_items(told(event.status()), 1);
    }
    metrics::counter!("onespace_ingest_total", "status" => event.status().as_str_name()).increment(1);
    event.timings = Some(convert::timings_out(&timed(started, timings)));
    event
}

/// What became of an item, in a word of the audit log.
const fn told(status: v1::IngestStatus) -> &'static str {
    match status {
        v1::IngestStatus::Stored => "stored",
        v1::IngestStatus::Updated => "updated",
        v1::IngestStatus::Unchanged | v1::IngestStatus::ContentNeeded => "unchanged",
        v1::IngestStatus::Failed | v1::IngestStatus::Unspecified => "failed",
    }
}

/// An item that was read and named.
struct Prepared {
    /// Absent where it was named by its hash.
    content: Option<(Item, Held)>,
    id: ItemId,
    hash: ContentHash,
}

fn prepare(
    gateway: &Gateway,
    target: &IngestTarget,
    item: &mut v1::IngestItem,
    received: Received,
    event: &mut v1::IngestResponse,
) -> Result<(Prepared, DetailsUpdate)> {
    check_text("request_id", &item.request_id, CALLER_ID_BYTES)?;
    let update = DetailsUpdate::of_set(mem::take(&mut item.uri), mem::take(&mut item.title), item.metadata.take())?;
    let update = update.with_tags(item.tags.take())?;
    let (space, speech) = (gateway.space(), target.options.speech);
    let (content, modality, hash, ear) = match received {
        Received::Media(media, held) => {
            let read = media.and_then(Item::read).map_err(|error| error.under("media"))?;
            let (modality, hash) = (read.modality(), read.hash().seen_by(read.added_towers(space)));
            let ear = read.ear(gateway, speech)?;
            (Some((read, held)), modality, hash, ear)
        }
        Received::Hash => {
            let (modality, hash) = (modality_named(item.modality)?, ContentHash::from_digits(&item.content_hash)?);
            let hash = hash.seen_by(space.added_on_the_way(modality));
            (None, modality, hash, gateway.ear(modality, speech)?)
        }
    };
    event.modality = convert::modality_out(modality);
    let id = if item.item_id.is_empty() {
        hash.item()
    } else {
        item.item_id.parse().map_err(|error: Error| Error { field: "item_id".to_owned(), ..error })?
    };
    event.item_id = id.to_string();
    let hash = hash.made_with(&target.options);
    let hash = match ear {
        Some(ear) => hash.heard_by(&ear.fingerprint(space, speech), speech.language()),
        None => hash,
    };
    Ok((Prepared { content, id, hash }, update))
}

async fn write(
    gateway: &Gateway,
    target: &IngestTarget,
    prepared: Prepared,
    update: &DetailsUpdate,
    event: &mut v1::IngestResponse,
    timings: &mut Timings,
) -> Result<v1::IngestStatus> {
    let Prepared { content, id, hash } = prepared;
    let (store, collection) = (gateway.store(), &target.scope.collection);
    let lock = gateway.item_locks().get(collection, &id);
    let _writing = lock.lock().await;
    let room = Room { budget: gateway.waiting(), bytes: content.as_ref().map_or(0, |(item, _)| item.bytes()) };
    let before = until_back(Some(room), || store.stored(collection, slice::from_ref(&id))).await?;
    let known = before.get(&id);
    if let Some(known) = known.filter(|known| known.content_hash == hash) {
        if known.details.as_ref().is_some_and(|before| update.apply(before.clone()) == *before) {
            return Ok(v1::IngestStatus::Unchanged);
        }
        match until_back(None, || rewrite(gateway, collection, &id, update)).await {
            Ok(points) => {
                event.points = u32::try_from(points.len()).unwrap_or(u32::MAX);
                return Ok(v1::IngestStatus::Updated);
            }
            // It was deleted meanwhile, so it is stored anew.
            Err(error) if error.reason == Reason::ItemNotFound => {}
            Err(error) => return Err(error),
        }
    }
    let Some((item, held)) = content else { return Ok(v1::IngestStatus::ContentNeeded) };
    let same_content = known.is_some_and(|known| known.content_hash.content() == hash.content());
    // What is not said of content that stays, stays as well; what is said of other content does not.
    let details = known.filter(|_| same_content).and_then(|known| known.details.clone()).unwrap_or_default();

    let most = target.caller.quota().items.filter(|_| known.is_none());
    let room = gateway.stored_items().reserve(gateway.store(), &collection.tenant, most).await?;
    let deadline = Deadline::after(Duration::from_millis(DEADLINE_MAX_MS as u64));
    let embedder = Embedder { gateway, options: target.options, deadline, waits: Waits::Bulk };
    let mut reply = embedder.embed(&item).await?;
    // An item of several parts is listed by its first.
    let modality = item.modality();
    drop((item, held));
    reply.shorten(target.scope.dimension)?;
    timings.merge(&reply.timings);
    // What was heard in part is stored, and another ingest of it listens again.
    let partly = reply.notes.iter().any(|note| note.reason == NoteReason::TranscriptIncomplete);
    let hash = if partly { hash.incomplete() } else { hash };
    event.notes = convert::notes_out(mem::take(&mut reply.notes));
    let details = update.apply(details);
    let described = Described { id: &id, modality, hash: &hash, details: &details };
    let points: Vec<Point> = reply.embeddings.into_iter().map(|one| described.point(gateway, one)).collect();
    event.points = u32::try_from(points.len()).unwrap_or(u32::MAX);
    let writing = Instant::now();
    until_back(None, || store.upsert(collection, points.clone())).await?;
    if known.is_some() {
        until_back(None, || store.delete_items(collection, slice::from_ref(&id), Some(&hash))).await?;
    }
    timings.store_us = micros(writing);
    room.keep();
    Ok(if same_content { v1::IngestStatus::Updated } else { v1::IngestStatus::Stored })
}

/// What the points of an item have in common.
struct Described<'a> {
    id: &'a ItemId,
    modality: Modality,
    hash: &'a ContentHash,
    details: &'a ItemDetails,
}

impl Described<'_> {
    fn point(&self, gateway: &Gateway, embedding: Embedding) -> Point {
        let space = gateway.space();
        Point {
            item: self.id.clone(),
            modality: self.modality,
            track: embedding.track,
            segment: embedding.segment,
            span: embedding.span,
            uri: self.details.uri.clone(),
            title: self.details.title.clone(),
            content_hash: self.hash.clone(),
            space: space.fingerprint,
            tower: space.added_by(&embedding.towers()),
            metadata: self.details.metadata.clone(),
            parts: embedding.parts,
            transcript: embedding.transcript,
            vector: embedding.vector,
        }
    }
}
