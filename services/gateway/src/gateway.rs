//! The state behind every public service: the space, a road for each modality, the store.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use onespace_core::{
    CollectionInfo, CollectionRef, Deadline, EncodeReply, EncodeRequest, Encoder, EncoderInfo, Error, License,
    Modality, Reason, Result, Space, Timings, TowerInfo, VectorStore, limits,
};
use onespace_kit::{
    admission::{Admission, Admitted},
    shares::Client,
};
use tokio_util::task::TaskTracker;

use crate::{
    answer::AnswerHold,
    ear::{Ear, Listening},
    item_locks::ItemLocks,
    stored_items::StoredItems,
};

/// Everything a request needs.
pub struct Gateway {
    space: Space,
    license: License,
    towers: Vec<TowerInfo>,
    roads: BTreeMap<Modality, Arc<dyn Encoder>>,
    ear: Option<Ear>,
    store: Arc<dyn VectorStore>,
    requests: Admission,
    streams: Admission,
    unfinished: Admission,
    waiting: Admission,
    answers: Admission,
    listening: Listening,
    item_locks: ItemLocks,
    stored_items: StoredItems,
    tasks: TaskTracker,
}

impl Gateway {
    /// A gateway over encoders that all embed into one space, and a store.
    ///
    /// # Errors
    /// `SPACE_MISMATCH` when two encoders disagree about the space; `FIELD_REQUIRED` without any encoder;
    /// `MODALITY_NOT_SERVED` when an encoder is asked for a modality it does not have.
    pub fn new(encoders: Vec<(Modality, Arc<dyn Encoder>, EncoderInfo)>, store: Arc<dyn VectorStore>) -> Result<Self> {
        let mut encoders = encoders.into_iter().peekable();
        let Some((_, _, first)) = encoders.peek() else {
            return Err(Error::new(Reason::FieldRequired, "encoder", "a gateway needs at least one encoder"));
        };
        let (mut space, license) = (first.space.clone(), first.license.clone());
        let (mut towers, mut roads) = (Vec::new(), BTreeMap::new());
        for (modality, encoder, info) in encoders {
            space.ensure_same(&info.space.fingerprint, &format!("the {modality} encoder"))?;
            same_towers(&space, &info.space, modality)?;
            agree(&mut space, &info.space, modality);
            let tower = info.towers.into_iter().find(|tower| tower.modality == modality).ok_or_else(|| {
                Error::new(
                    Reason::ModalityNotServed,
                    "encoder",
                    format!("the encoder named for {modality} has no tower for it"),
                )
            })?;
            towers.push(tower);
            roads.insert(modality, encoder);
        }
        towers.sort_by_key(|tower| tower.modality);
        Ok(Self {
            space,
            license,
            towers,
            roads,
            ear: None,
            store,
            requests: Admission::requests("requests in flight", limits::GATEWAY_IN_FLIGHT),
            streams: Admission::requests("streams in flight (GATEWAY_STREAMS)", limits::GATEWAY_STREAMS),
            unfinished: Admission::bytes("bytes of unfinished files (UPLOADS_BYTES)", limits::UPLOADS_BYTES),
            waiting: Admission::bytes(
                "bytes of media that wait for the store (STORE_WAIT_BYTES)",
                limits::STORE_WAIT_BYTES,
            ),
            answers: Admission::bytes("bytes of answers (ANSWERS_BYTES)", limits::ANSWERS_BYTES),
            listening: Listening::default(),
            item_locks: ItemLocks::default(),
            stored_items: StoredItems::default(),
            tasks: TaskTracker::new(),
        })
    }

    /// The same, with a transcriber.
    ///
    /// # Errors
    /// `MODALITY_NOT_SERVED` without a tower for texts: transcripts go through it.
    pub fn with_ear(self, ear: Ear) -> Result<Self> {
        if !self.roads.contains_key(&Modality::Text) {
            let message = "a transcriber needs a tower for texts, and there is none";
            return Err(Error::new(Reason::ModalityNotServed, "transcriber", message));
        }
        Ok(Self { ear: Some(ear), ..self })
    }

    /// The transcriber, where there is one.
    #[must_use]
    pub const fn transcriber(&self) -> Option<&Ear> {
        self.ear.as_ref()
    }

    /// The space of every vector that passes here.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The license of the bundle.
    #[must_use]
    pub fn license(&self) -> &License {
        &self.license
    }

    /// The towers that are served.
    #[must_use]
    pub fn towers(&self) -> &[TowerInfo] {
        &self.towers
    }

    /// Where vectors are kept.
    #[must_use]
    pub fn store(&self) -> &dyn VectorStore {
        self.store.as_ref()
    }

    pub(crate) fn item_locks(&self) -> &ItemLocks {
        &self.item_locks
    }

    /// How many items tenants have stored.
    pub(crate) fn stored_items(&self) -> &StoredItems {
        &self.stored_items
    }

    /// What files that are still being sent may hold together, as far as a client may take of it.
    pub(crate) fn unfinished(&self, client: Option<&Client>) -> Admission {
        self.unfinished.shared_by(client)
    }

    /// What accounts for an answer to a client.
    pub(crate) fn answer_to(&self, client: Option<&Client>) -> AnswerHold {
        AnswerHold::of(self.answers(client))
    }

    /// What answers to a client may hold, from before they are made until they are read.
    #[must_use]
    pub fn answers(&self, client: Option<&Client>) -> Admission {
        self.answers.shared_by(client)
    }

    /// What media may hold that wait for a store that is away.
    pub(crate) fn waiting(&self) -> &Admission {
        &self.waiting
    }

    /// What recordings that are being stored may take of the transcriber.
    pub(crate) fn listening(&self) -> &Listening {
        &self.listening
    }

    /// The work of streams: it is waited for when the server stops.
    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Waits until every item that was received is stored. No call may come any more.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Admits one request of a client.
    ///
    /// # Errors
    /// `QUEUE_FULL`.
    pub fn admit(&self, client: Option<&Client>) -> Result<Admitted> {
        self.requests.shared_by(client).enter()
    }

    /// Admits one streaming call of a client.
    ///
    /// # Errors
    /// `QUEUE_FULL`.
    pub fn admit_stream(&self, client: Option<&Client>) -> Result<Admitted> {
        self.streams.shared_by(client).enter()
    }

    /// The tower of a modality, where it is served.
    #[must_use]
    pub fn tower(&self, modality: Modality) -> Option<&TowerInfo> {
        self.towers.iter().find(|tower| tower.modality == modality)
    }

    /// The modalities that are served.
    pub fn modalities(&self) -> impl Iterator<Item = Modality> {
        self.roads.keys().copied()
    }

    /// Whether the encoder of a modality answers now.
    ///
    /// # Errors
    /// `ENCODER_UNAVAILABLE`, `MODALITY_NOT_SERVED`.
    pub async fn encoder_ready(&self, modality: Modality) -> Result<()> {
        self.encoder(modality)?.ready(modality).await
    }

    fn encoder(&self, modality: Modality) -> Result<&Arc<dyn Encoder>> {
        self.roads.get(&modality).ok_or_else(|| {
            let served: Vec<_> = self.roads.keys().map(|modality| modality.name()).collect();
            let message = format!("{modality} is not served here, only {}", served.join(", "));
            Error::new(Reason::ModalityNotServed, "modality", message)
        })
    }

    /// How many of so many media of a modality that come now have their turn in time.
    ///
    /// # Errors
    /// As [`Encoder::turn`].
    pub fn turn(&self, modality: Modality, media: usize, deadline: Deadline) -> Result<usize> {
        self.encoder(modality)?.turn(modality, media, deadline)
    }

    /// Counts what became of a media.
    pub fn count(&self, modality: Modality, outcome: &'static str) {
        metrics::counter!("onespace_embed_total", "modality" => modality.name(), "outcome" => outcome).increment(1);
    }

    /// Embeds one media on the encoder of its modality. Its bytes were accounted for when they arrived.
    ///
    /// # Errors
    /// `MEDIA_*`, `MODALITY_*`, `QUEUE_FULL`, `DEADLINE_EXCEEDED`, `ENCODER_UNAVAILABLE`.
    pub async fn encode(&self, request: EncodeRequest, deadline: Deadline) -> Result<EncodeReply> {
        deadline.check("before the media was embedded")?;
        let (started, modality) = (Instant::now(), request.modality);
        let result = self.encoder(modality)?.encode(request, deadline).await;
        self.count(modality, result.as_ref().map_or_else(|error| error.reason.name(), |_| "OK"));
        metrics::histogram!("onespace_embed_seconds", "modality" => modality.name())
            .record(started.elapsed().as_secs_f64());
        result
    }

    /// The collection of a name, which must be of this server's space.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `SPACE_MISMATCH` naming both spaces, `STORE_*`.
    pub async fn collection(&self, collection: &CollectionRef) -> Result<CollectionInfo> {
        let info = self.store.collection(collection).await?;
        self.space.ensure_same(&info.space, &format!("the collection \"{collection}\""))?;
        Ok(info)
    }
}

/// Two encoders of one base may have been composed with other towers; vectors of both would mix.
fn same_towers(space: &Space, other: &Space, modality: Modality) -> Result<()> {
    if space.added == other.added {
        return Ok(());
    }
    let told = |space: &Space| {
        let towers: Vec<_> = space.added.iter().map(|(tower, print)| format!("{tower} {}", print.short())).collect();
        if towers.is_empty() { "none".to_owned() } else { towers.join(", ") }
    };
    let message = format!(
        "the {modality} encoder's bundle has other added towers ({}) than the others' ({}): serve the same bundle \
             everywhere",
        told(other),
        told(space)
    );
    Err(Error::new(Reason::SpaceMismatch, "space", message))
}

/// Of what the fingerprint does not cover, encoders of one space may know different things while their bundles are
/// being replaced: only what all of them say counts.
fn agree(space: &mut Space, other: &Space, modality: Modality) {
    let (same, talk) = (space.matryoshka == other.matryoshka, space.talk == other.talk);
    if same && talk && space.calibration == other.calibration {
        return;
    }
    tracing::warn!(%modality, "this encoder's bundle lists another calibration, matryoshka or talk than the others'");
    space.matryoshka.retain(|length| other.matryoshka.contains(length));
    space.calibration.intersect(&other.calibration);
    if !talk {
        space.talk = None;
    }
}

/// Microseconds since an instant.
pub fn micros(since: Instant) -> u64 {
    since.elapsed().as_micros().try_into().unwrap_or(u64::MAX)
}

/// Timings of a request as a whole: the parts as merged, the total by the clock.
pub fn timed(started: Instant, mut timings: Timings) -> Timings {
    timings.total_us = micros(started);
    timings
}

#[cfg(test)]
mod tests {
    use onespace_core::{Calibration, Fingerprint, Scale};

    use super::*;

    #[test]
    fn of_what_encoders_disagree_about_only_the_common_counts() {
        let space = |matryoshka: &[usize], stds: &[(Modality, f32)]| {
            let mut calibration = Calibration::default();
            for (item, std) in stds {
                calibration.insert(Modality::Text, *item, Scale::new(0.0, *std).unwrap()).unwrap();
            }
            let (fingerprint, name) = (Fingerprint::of(b"one"), "one 1".to_owned());
            let (matryoshka, added) = (matryoshka.to_vec(), BTreeMap::new());
            Space { fingerprint, dimension: 8, name, matryoshka, calibration, talk: None, added }
        };
        let (image, audio) = (Modality::Image, Modality::Audio);
        let mut agreed = space(&[4, 2], &[(image, 0.1), (audio, 0.2)]);
        agree(&mut agreed, &space(&[4, 2], &[(image, 0.1), (audio, 0.2)]), audio);
        assert_eq!(agreed, space(&[4, 2], &[(image, 0.1), (audio, 0.2)]));
        agree(&mut agreed, &space(&[6, 2], &[(image, 0.1), (audio, 0.3)]), audio);
        assert_eq!(agreed, space(&[2], &[(image, 0.1)]));
    }
}
