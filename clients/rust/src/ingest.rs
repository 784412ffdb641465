//! Storing many items: what the server has no room for is sent again, and every item has its event.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error as _,
    sync::Arc,
    time::Duration,
};

use onespace_proto::{
    convert,
    v1::{
        IngestItem, IngestRequest, IngestResponse, IngestStart, IngestStatus, ItemError, Media, ingest_request::Message,
    },
};
use tokio::{sync::mpsc, task::spawn_blocking};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::{
    client::Client,
    error::{Error, Result, UNANSWERED, UNREADABLE},
    media::chunked,
    patience::{Patience, Refusal},
};

/// How long after a connection broke the next one is made.
const BROKEN: Duration = Duration::from_millis(500);

/// Messages that wait to be sent. A chunk has 2 MiB.
const MESSAGES: usize = 4;

/// What can be sent as an item, and again where the server had no room for it.
pub trait Load: Send + Sync + 'static {
    /// The item with its content. It is asked for each time that the item is sent, on a thread that may block; its
    /// `request_id` is replaced.
    ///
    /// # Errors
    /// Why there is no such item; the others are sent all the same.
    fn load(&self) -> Result<IngestItem>;

    /// The same item with the hash of its content in place of the content (see [`crate::media::hashed`]), which is
    /// asked for first: content that the server has is not sent. Nothing where it is to be sent at once.
    ///
    /// # Errors
    /// As [`Self::load`].
    fn hashed(&self) -> Result<Option<IngestItem>> {
        Ok(None)
    }
}

impl Load for IngestItem {
    fn load(&self) -> Result<IngestItem> {
        Ok(self.clone())
    }
}

/// What came of an ingest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Items now stored, by the name of their modality.
    pub stored: BTreeMap<&'static str, usize>,
    /// Items that were there already, of which something else was said now.
    pub updated: usize,
    /// Items that were there already.
    pub unchanged: usize,
    /// Items that failed, each for a reason that its event tells.
    pub failed: usize,
}

impl Tally {
    /// Counts an event.
    pub fn count(&mut self, event: &IngestResponse) {
        match event.status() {
            IngestStatus::Stored => *self.stored.entry(convert::modality_name(event.modality)).or_default() += 1,
            IngestStatus::Updated => self.updated += 1,
            IngestStatus::Unchanged => self.unchanged += 1,
            IngestStatus::Failed | IngestStatus::ContentNeeded | IngestStatus::Unspecified => self.failed += 1,
        }
    }
}

impl Client {
    /// Sends every item and tells each event as it comes, once for each item, in no order. What the server had no room
    /// for is sent again on a stream of its own once the others are done, and so is what was not told when a connection
    /// broke, within the client's patience; what it received is stored even where this call ends early.
    ///
    /// # Errors
    /// What ends a stream and does not pass: items that were not told may be stored or not, and sending all of them
    /// again stores none twice.
    pub async fn ingest<T: Load>(
        &self,
        start: IngestStart,
        items: Vec<T>,
        on_event: impl FnMut(&T, &IngestResponse) + Send,
    ) -> Result<Tally> {
        let patience = self.patience(items.len());
        let items = Arc::new(items);
        let mut report = Report { tally: Tally::default(), on_event };
        let mut left: Vec<usize> = (0..items.len()).collect();
        let mut tries = 0;
        while !left.is_empty() {
            let round = send_round(self, &start, &items, left, &patience, &mut report).await?;
            let Some(told) = round.pause() else { break };
            tries = if round.done > 0 { 0 } else { tries + 1 };
            if !patience.wait(told, tries, round.turned_away.len()).await {
                if let Some(status) = round.ended {
                    return Err(status.into());
                }
                for (index, event) in &round.turned_away {
                    report.tell(&items, *index, event);
                }
                break;
            }
            left = round.turned_away.into_iter().map(|(index, _)| index).collect();
        }
        Ok(report.tally)
    }
}

/// Counts events and tells them.
struct Report<F> {
    tally: Tally,
    on_event: F,
}

impl<F> Report<F> {
    /// An item and what became of it, once.
    fn tell<T>(&mut self, items: &[T], index: usize, event: &IngestResponse)
    where
        F: FnMut(&T, &IngestResponse),
    {
        self.tally.count(event);
        if let Some(item) = items.get(index) {
            (self.on_event)(item, event);
        }
    }
}

/// What came of one stream.
#[derive(Default)]
struct Round {
    /// Items that are done, for good or ill.
    done: usize,
    /// Items that may be sent again, each with the event that it would be tallied with.
    turned_away: Vec<(usize, IngestResponse)>,
    /// Why the stream ended, if the server ended it.
    ended: Option<Status>,
}

impl Round {
    /// How long to wait before what was turned away is sent again, if anything was.
    fn pause(&self) -> Option<Duration> {
        let items = self.turned_away.iter().filter_map(|(_, event)| event.error.as_ref()?.pause());
        items.chain(self.ended.as_ref().and_then(pause_after)).max().filter(|_| !self.turned_away.is_empty())
    }
}

/// Sends items on one stream. Each is told as soon as it is done; the others come back.
async fn send_round<T: Load, F: FnMut(&T, &IngestResponse)>(
    client: &Client,
    start: &IngestStart,
    items: &Arc<Vec<T>>,
    indices: Vec<usize>,
    patience: &Patience,
    report: &mut Report<F>,
) -> Result<Round> {
    let (sender, requests) = mpsc::channel(MESSAGES);
    // There is room for the first message, and somebody who takes it.
    let _ = sender.send(request(Message::Start(start.clone()))).await;
    let mut open: BTreeSet<usize> = indices.iter().copied().collect();
    let (answers, answered) = mpsc::unbounded_channel();
    let loader = tokio::spawn(Loader { sender, items: Arc::clone(items), answered }.send_all(indices));
    let mut round = Round::default();
    let mut listener = Listener { items, open: &mut open, round: &mut round, patience, report, answers };
    let ended = listener.listen(client, requests).await.err();
    // The loader waits for no further answer.
    drop(listener);
    round.ended = ended;
    let unread = loader.await.map_err(|_| Error::of_item(UNREADABLE, "loading items panicked"))?;
    for (index, error) in unread {
        if open.remove(&index) {
            round.done += 1;
            report.tell(items, index, &failed(&error.reason, &error.to_string()));
        }
    }
    if let Some(status) = round.ended.take_if(|status| pause_after(status).is_none()) {
        return Err(status.into());
    }
    for index in open {
        let event = failed(UNANSWERED, "the server ended the stream before it answered");
        if round.ended.is_some() {
            round.turned_away.push((index, event));
        } else {
            report.tell(items, index, &event);
        }
    }
    Ok(round)
}

/// How long to wait before a stream that ended so is gone on with: as the server says, or where the connection broke.
fn pause_after(status: &Status) -> Option<Duration> {
    status.pause().or_else(|| status.source().map(|_| BROKEN))
}

/// Hears the events of one stream.
struct Listener<'a, T, F> {
    items: &'a [T],
    /// Items without an event so far; an item's place is its request's id.
    open: &'a mut BTreeSet<usize>,
    round: &'a mut Round,
    patience: &'a Patience,
    report: &'a mut Report<F>,
    /// Which items were answered, and whether by asking for their content.
    answers: mpsc::UnboundedSender<(usize, bool)>,
}

impl<T, F: FnMut(&T, &IngestResponse)> Listener<'_, T, F> {
    /// Hears them to the stream's end.
    async fn listen(&mut self, client: &Client, requests: mpsc::Receiver<IngestRequest>) -> Result<(), Status> {
        let mut events = client.ingest_service().ingest(ReceiverStream::new(requests)).await?.into_inner();
        while let Some(event) = events.message().await? {
            let index = event.request_id.parse().ok().filter(|index| self.open.contains(index));
            let Some(index) = index else { continue };
            let needed = event.status() == IngestStatus::ContentNeeded;
            // A loader that is done waits for no answer.
            let _ = self.answers.send((index, needed));
            if needed {
                self.patience.served();
                continue;
            }
            self.open.remove(&index);
            if event.error.as_ref().is_some_and(|error| error.pause().is_some()) {
                self.round.turned_away.push((index, event));
            } else {
                self.round.done += 1;
                self.patience.served();
                self.report.tell(self.items, index, &event);
            }
        }
        Ok(())
    }
}

/// The event of an item that failed on this side.
fn failed(reason: &str, message: &str) -> IngestResponse {
    let (reason, message) = (reason.to_owned(), message.to_owned());
    IngestResponse {
        status: IngestStatus::Failed.into(),
        error: Some(ItemError { reason, message, ..Default::default() }),
        ..Default::default()
    }
}

/// Loads items and sends them, one after the other.
struct Loader<T> {
    sender: mpsc::Sender<IngestRequest>,
    items: Arc<Vec<T>>,
    answered: mpsc::UnboundedReceiver<(usize, bool)>,
}

impl<T: Load> Loader<T> {
    /// Sends items: first what tells whether the content is needed, the content where it is, or at once where nothing
    /// tells. Gives back those that cannot be loaded.
    async fn send_all(mut self, indices: Vec<usize>) -> Vec<(usize, Error)> {
        let (mut unread, mut asked) = (Vec::new(), BTreeSet::new());
        let mut left = indices.into_iter();
        loop {
            // What is needed goes before what is not asked for yet, which may be thousands.
            let answer = self.answered.try_recv().ok();
            let (index, hash) = match answer {
                Some((index, needed)) if asked.remove(&index) && needed => (index, false),
                Some(_) => continue,
                None => match left.next() {
                    Some(index) => (index, true),
                    None if asked.is_empty() => break,
                    None => match self.answered.recv().await {
                        Some((index, needed)) if asked.remove(&index) && needed => (index, false),
                        Some(_) => continue,
                        None => break,
                    },
                },
            };
            match self.load(index, hash).await {
                Ok(None) => {}
                Ok(Some(item)) => {
                    if !item.content_hash.is_empty() {
                        asked.insert(index);
                    }
                    // The server ended the stream; its status tells why.
                    if send(&self.sender, IngestItem { request_id: index.to_string(), ..item }).await.is_err() {
                        break;
                    }
                }
                Err(error) => unread.push((index, error)),
            }
        }
        unread
    }

    /// An item, with the hash of its content if it is to be asked for and has one.
    async fn load(&self, index: usize, hash: bool) -> Result<Option<IngestItem>> {
        let items = Arc::clone(&self.items);
        let load = move || {
            let Some(item) = items.get(index) else { return Ok(None) };
            match if hash { item.hashed()? } else { None } {
                Some(hashed) => Ok(Some(hashed)),
                None => item.load().map(Some),
            }
        };
        spawn_blocking(load).await.unwrap_or_else(|_| Err(Error::of_item(UNREADABLE, "loading it panicked")))
    }
}

/// One item: with its content if it is small, followed by the content in chunks if it is not.
async fn send(
    sender: &mpsc::Sender<IngestRequest>,
    mut item: IngestItem,
) -> Result<(), mpsc::error::SendError<IngestRequest>> {
    let large = item.media.as_ref().and_then(chunked).cloned();
    if large.is_some()
        && let Some(media) = item.media.take()
    {
        item.media = Some(Media { content: None, ..media });
    }
    sender.send(request(Message::Item(item))).await?;
    for chunk in large.iter().flat_map(convert::chunks) {
        sender.send(request(Message::Chunk(chunk))).await?;
    }
    Ok(())
}

fn request(message: Message) -> IngestRequest {
    IngestRequest { message: Some(message) }
}

#[cfg(test)]
mod tests {
    use onespace_core::limits::CHUNK_BYTES;

    use super::*;
    use crate::media;

    async fn sent(content: Vec<u8>) -> Vec<Message> {
        let (sender, mut requests) = mpsc::channel(MESSAGES);
        let media = Media { media_type: "image/png".to_owned(), ..media::bytes(content) };
        send(&sender, IngestItem { media: Some(media), ..Default::default() }).await.unwrap();
        drop(sender);
        let mut messages = Vec::new();
        while let Some(request) = requests.recv().await {
            messages.push(request.message.unwrap());
        }
        messages
    }

    #[tokio::test]
    async fn large_content_follows_in_chunks() {
        let small = sent(vec![1; CHUNK_BYTES]).await;
        assert!(matches!(&small[..], [Message::Item(item)] if item.media.as_ref().unwrap().content.is_some()));
        let large = sent(vec![1; CHUNK_BYTES + 1]).await;
        let [Message::Item(item), Message::Chunk(first), Message::Chunk(last)] = &large[..] else {
            panic!("{large:?}")
        };
        let media = item.media.as_ref().unwrap();
        assert_eq!((&media.content, media.media_type.as_str()), (&None, "image/png"));
        assert_eq!((first.data.len(), first.last, last.data.len(), last.last), (CHUNK_BYTES, false, 1, true));
    }

    #[test]
    fn events_are_counted_by_what_became_of_their_items() {
        let event = |status: IngestStatus| IngestResponse { status: status.into(), modality: 1, ..Default::default() };
        let mut tally = Tally::default();
        for status in [IngestStatus::Stored, IngestStatus::Stored, IngestStatus::Updated, IngestStatus::Unspecified] {
            tally.count(&event(status));
        }
        tally.count(&failed(UNREADABLE, "gone"));
        assert_eq!(tally, Tally { stored: [("text", 2)].into(), updated: 1, unchanged: 0, failed: 2 });
    }
}
