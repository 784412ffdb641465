//! The boundary between the gateway and whatever turns media into embeddings.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    embedding::Embedding,
    error::{Error, Reason, Result},
    license::License,
    limits,
    modality::Modality,
    note::Note,
    options::{Purpose, Segments},
    scoring::Scoring,
    space::Space,
    turn::Turn,
    vector,
};

/// The instant after which nobody waits for the answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline `budget` from now, cut to what the server allows.
    #[must_use]
    pub fn after(budget: Duration) -> Self {
        Self(Instant::now() + budget.min(Duration::from_millis(limits::DEADLINE_MAX_MS as u64)))
    }

    /// A deadline `budget` from now, cut to what listening to one recording may take.
    #[must_use]
    pub fn of_speech(budget: Duration) -> Self {
        Self(Instant::now() + budget.min(Duration::from_millis(limits::SPEECH_DEADLINE_MS as u64)))
    }

    /// The time left, zero when it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The instant itself.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.0
    }

    /// The error of a request whose deadline has passed, naming where.
    #[must_use]
    pub fn exceeded(at: &str) -> Error {
        Error::new(Reason::DeadlineExceeded, "", format!("the deadline passed {at}"))
    }

    /// Refuses work that nobody waits for.
    ///
    /// # Errors
    /// `DEADLINE_EXCEEDED` once the deadline has passed.
    pub fn check(self, at: &str) -> Result<()> {
        if self.remaining().is_zero() { Err(Self::exceeded(at)) } else { Ok(()) }
    }
}

impl Default for Deadline {
    fn default() -> Self {
        Self::after(Duration::from_millis(limits::DEADLINE_DEFAULT_MS as u64))
    }
}

/// One media to embed. Its modality is known by now.
#[derive(Clone, Debug)]
pub struct EncodeRequest {
    /// Which tower.
    pub modality: Modality,
    /// The file's bytes, or the text's.
    pub bytes: Bytes,
    /// The sender's media type, a hint only.
    pub media_type: Option<String>,
    /// The segments of a long media that are wanted beside the whole.
    pub segments: Segments,
    /// What the vector will be compared with, where that is known: it chooses among the heads of a tower that has
    /// several, and means nothing to others.
    pub target: Option<Modality>,
    /// What the vector is for.
    pub purpose: Purpose,
    /// Whether it still has to ask for its turn.
    pub turn: Turn,
}

impl EncodeRequest {
    /// A media that asks, compared with anything, without its segments.
    #[must_use]
    pub fn new(modality: Modality, bytes: Bytes) -> Self {
        let (segments, purpose, turn) = (Segments::Off, Purpose::Query, Turn::Asks);
        Self { modality, bytes, media_type: None, segments, target: None, purpose, turn }
    }
}

/// Where the time went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Waiting for a turn.
    pub queue_us: u64,
    /// Decoding and preprocessing.
    pub prepare_us: u64,
    /// In the graph, the batch it shared included.
    pub inference_us: u64,
    /// In the vector store.
    pub store_us: u64,
    /// From arrival to answer.
    pub total_us: u64,
}

impl Timings {
    /// Keeps the larger of each part: how parallel work adds up for the one who waits.
    pub fn merge(&mut self, other: &Self) {
        self.queue_us = self.queue_us.max(other.queue_us);
        self.prepare_us = self.prepare_us.max(other.prepare_us);
        self.inference_us = self.inference_us.max(other.inference_us);
        self.store_us = self.store_us.max(other.store_us);
        self.total_us = self.total_us.max(other.total_us);
    }
}

/// What one media became.
#[derive(Clone, Debug, Default)]
pub struct EncodeReply {
    /// The whole first, then its segments where they were asked for; videos have one whole for each track.
    pub embeddings: Vec<Embedding>,
    /// What they lack, and why.
    pub notes: Vec<Note>,
    /// Where the time went.
    pub timings: Timings,
    /// Tokens that its text came to, those that a tower adds included; 0 of what is no text.
    pub tokens: u64,
}

impl EncodeReply {
    /// Cuts every vector to its leading `length` values, scaled to unit length.
    ///
    /// # Errors
    /// `MODEL_FAILED` for a vector of which nothing is left.
    pub fn shorten(&mut self, length: usize) -> Result<()> {
        self.embeddings.iter_mut().try_for_each(|embedding| vector::shorten(&mut embedding.vector, length))
    }
}

/// What a tower says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct TowerInfo {
    /// What it takes.
    pub modality: Modality,
    /// Its model file.
    pub model: String,
    /// What its cosines against text are multiplied with before they become probabilities.
    pub logit_scale: f32,
    /// How they become probabilities.
    pub scoring: Scoring,
    /// The head (graph output) for each modality that its vectors are compared with; any other modality, and all
    /// where this is empty, has the default one.
    pub heads: BTreeMap<Modality, String>,
    /// What a label is made into for classification, `{label}` standing for it; empty: nothing.
    pub templates: Vec<String>,
    /// The cosine of its golden check at load, the readiness proof.
    pub golden_cosine: f32,
}

impl TowerInfo {
    /// The head that a vector is taken from which will be compared with `target`; none: the default one.
    #[must_use]
    pub fn head(&self, target: Option<Modality>) -> Option<&str> {
        self.heads.get(&target?).map(String::as_str)
    }
}

/// What an encoder says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct EncoderInfo {
    /// The space it embeds into.
    pub space: Space,
    /// The terms of its bundle.
    pub license: License,
    /// Its towers.
    pub towers: Vec<TowerInfo>,
}

/// Media in, unit vectors out; in this process or far away, the caller cannot tell.
#[async_trait]
pub trait Encoder: Send + Sync {
    /// Embeds one media.
    ///
    /// # Errors
    /// `MEDIA_*` for bad bytes, `QUEUE_FULL`, `DEADLINE_EXCEEDED`, `ENCODER_UNAVAILABLE`, `MODEL_FAILED`.
    async fn encode(&self, request: EncodeRequest, deadline: Deadline) -> Result<EncodeReply>;

    /// How many of so many media of a modality that come now have their turn in time, at least one: asked once for all
    /// that come together, of which the first then have it ([`Turn::Has`]). An encoder that is far away is not asked,
    /// and decides for each.
    ///
    /// # Errors
    /// `QUEUE_FULL` with a pause, `DEADLINE_EXCEEDED`, `MODALITY_NOT_SERVED`.
    fn turn(&self, _modality: Modality, media: usize, _deadline: Deadline) -> Result<usize> {
        Ok(media)
    }

    /// What it serves.
    ///
    /// # Errors
    /// `ENCODER_UNAVAILABLE` when it does not answer.
    async fn describe(&self) -> Result<EncoderInfo>;

    /// Whether it would embed media of a modality now; tells at once what is known.
    ///
    /// # Errors
    /// `ENCODER_UNAVAILABLE` when it would not.
    async fn ready(&self, modality: Modality) -> Result<()>;
}
