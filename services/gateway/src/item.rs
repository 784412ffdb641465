//! What becomes one vector: a media, or several with their weights.

use std::{future::Future, time::Duration};

use futures::future::try_join_all;
use onespace_core::{
    ContentHash, Deadline, EmbedOptions, Embedding, EncodeReply, EncodeRequest, Error, Fingerprint, Fusion, Modality,
    NoteReason, Reason, Result, Segments, Space, Speech, Timings, Track, Turn, WeightedModality,
    limits::DEADLINE_MAX_MS, vector,
};
use onespace_proto::{convert, v1};

use crate::{Gateway, ear::Ear};

/// A media whose modality is known, or several of them.
#[derive(Clone, Debug)]
pub struct Item {
    parts: Vec<Part>,
}

/// One of its media.
#[derive(Clone, Debug)]
struct Part {
    request: EncodeRequest,
    weight: f32,
}

impl Item {
    /// Reads a media from the wire and tells the modality of each of its parts from the content.
    ///
    /// # Errors
    /// `MEDIA_*`, `MODALITY_*`, `FIELD_*`, naming the part.
    pub fn read(media: v1::Media) -> Result<Self> {
        let parts = convert::media_in(media)?;
        let several = parts.len() > 1;
        let part = |(index, (media, weight)): (usize, (onespace_core::Media, f32))| {
            let under = |error: Error| if several { error.under(&format!("parts[{index}].media")) } else { error };
            let media_type = media.media_type.clone();
            let (bytes, modality) = media.resolve().map_err(under)?;
            Ok(Part { request: EncodeRequest { media_type, ..EncodeRequest::new(modality, bytes) }, weight })
        };
        let parts: Vec<Part> = parts.into_iter().enumerate().map(part).collect::<Result<_>>()?;
        match parts.as_slice() {
            [Part { weight, .. }] if *weight <= 0.0 => {
                let message = format!("{weight}: the weight of the only part must be more than 0");
                Err(Error::new(Reason::FieldInvalid, "parts[0].weight", message))
            }
            _ => Ok(Self { parts }),
        }
    }

    /// A text.
    #[must_use]
    pub fn of_text(text: impl Into<bytes::Bytes>) -> Self {
        let request = EncodeRequest::new(Modality::Text, text.into());
        Self { parts: vec![Part { request, weight: 1.0 }] }
    }

    /// The same, which has asked for its turn.
    #[must_use]
    pub fn with_turn(mut self) -> Self {
        self.parts.iter_mut().for_each(|part| part.request.turn = Turn::Has);
        self
    }

    /// Whether it is several media.
    #[must_use]
    pub const fn has_parts(&self) -> bool {
        self.parts.len() > 1
    }

    /// The text, if it is one alone.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part { request, .. }] if request.modality == Modality::Text => str::from_utf8(&request.bytes).ok(),
            _ => None,
        }
    }

    /// The modality of its first part, by which it is listed and filtered.
    #[must_use]
    pub fn modality(&self) -> Modality {
        self.parts.first().map_or(Modality::Text, |part| part.request.modality)
    }

    /// The modality of each part.
    pub fn modalities(&self) -> impl Iterator<Item = Modality> {
        self.parts.iter().map(|part| part.request.modality)
    }

    /// The modalities and weights of its parts.
    #[must_use]
    pub fn weighted_modalities(&self) -> Vec<WeightedModality> {
        self.parts.iter().map(|part| (part.request.modality, part.weight)).collect()
    }

    /// What its media hold.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.request.bytes.len()).sum()
    }

    /// The digest of its content.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        let hashes: Vec<ContentHash> =
            self.parts.iter().map(|part| ContentHash::of(part.request.modality, &part.request.bytes)).collect();
        match hashes.as_slice() {
            [one] => one.clone(),
            several => ContentHash::of_parts(several.iter().zip(&self.parts).map(|(hash, part)| (hash, part.weight))),
        }
    }

    /// The added towers of a space that its parts pass through.
    pub fn added_towers<'a>(&'a self, space: &'a Space) -> impl Iterator<Item = &'a Fingerprint> {
        self.modalities().flat_map(|modality| space.added_on_the_way(modality))
    }

    /// The transcriber that it has a track of its own for: one of several parts has none.
    ///
    /// # Errors
    /// As [`Gateway::ear`].
    pub fn ear<'a>(&self, gateway: &'a Gateway, speech: Speech) -> Result<Option<&'a Ear>> {
        match self.parts.as_slice() {
            [part] => gateway.ear(part.request.modality, speech),
            _ => Ok(None),
        }
    }
}

/// How items are embedded for one caller.
#[derive(Clone, Copy)]
pub struct Embedder<'a> {
    /// What embeds.
    pub gateway: &'a Gateway,
    /// What the caller chose.
    pub options: EmbedOptions,
    /// How long it is waited for.
    pub deadline: Deadline,
    /// What it does where a queue is full.
    pub waits: Waits,
}

/// What work does where a queue is full: that is not the item's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// It is turned away.
    Never,
    /// It waits its turn until its deadline.
    Turn,
    /// As [`Waits::Turn`], and a recording waits as long as it takes until it is listened to, for as long as that may
    /// take.
    Bulk,
}

impl<'a> Embedder<'a> {
    /// For a caller who is told at once where a queue is full.
    #[must_use]
    pub const fn new(gateway: &'a Gateway, options: EmbedOptions, deadline: Deadline) -> Self {
        Self { gateway, options, deadline, waits: Waits::Never }
    }

    /// The embeddings of an item: of one media as its tower and the options say, of several the one vector of all.
    ///
    /// # Errors
    /// As [`Gateway::encode`]; `QUERY_CANCELS_OUT` where the parts do.
    pub async fn embed(&self, item: &Item) -> Result<EncodeReply> {
        match item.parts.as_slice() {
            [part] => self.embed_part(part, self.options.segments).await,
            parts => self.sum(parts).await,
        }
    }

    /// The one vector of an item: by how it looks or sounds, whatever is said in it.
    ///
    /// # Errors
    /// As [`Self::embed`].
    pub async fn whole(&self, item: &Item) -> Result<(Vec<f32>, Timings)> {
        let options = EmbedOptions { segments: Segments::Off, speech: Speech::Off, ..self.options };
        let reply = Self { options, ..*self }.embed(item).await?;
        let timings = reply.timings;
        Ok((whole(reply)?.vector, timings))
    }

    /// The vectors that stand for an item as a whole: that of [`Self::whole`], and what is said in it.
    ///
    /// # Errors
    /// As [`Self::embed`].
    pub async fn wholes(&self, item: &Item) -> Result<(Vec<Embedding>, Timings)> {
        let options = EmbedOptions { segments: Segments::Off, ..self.options };
        let mut reply = Self { options, ..*self }.embed(item).await?;
        let timings = reply.timings;
        let said = reply.embeddings.iter().position(|one| one.track == Track::Speech);
        let said = said.map(|place| reply.embeddings.remove(place));
        Ok(([whole(reply)?].into_iter().chain(said).collect(), timings))
    }

    async fn embed_part(&self, part: &Part, segments: Segments) -> Result<EncodeReply> {
        let EmbedOptions { purpose, target, fusion, speech, .. } = self.options;
        let request = EncodeRequest { segments, purpose, target, ..part.request.clone() };
        let ear = self.gateway.ear(request.modality, speech).map_err(|error| error.under("options"))?;
        let Some(ear) = ear else { return fused(self.encode(request).await?, fusion) };
        let (reply, talks) = self.sound(ear, &request).await?;
        let said = self.speech_track(ear, &request, talks).await?;
        Ok(with_speech(fused(reply, fusion)?, said))
    }

    /// Embeds one media, waiting as this caller does.
    ///
    /// # Errors
    /// As [`Gateway::encode`].
    pub async fn encode(&self, request: EncodeRequest) -> Result<EncodeReply> {
        self.patiently(self.deadline, || self.gateway.encode(request.clone(), self.deadline)).await
    }

    /// The same, whose time begins now where it is bulk work.
    #[must_use]
    pub fn renewed(&self) -> Self {
        match self.waits {
            Waits::Bulk => Self { deadline: Deadline::after(Duration::from_millis(DEADLINE_MAX_MS as u64)), ..*self },
            Waits::Never | Waits::Turn => *self,
        }
    }

    /// Tries work again that is turned away for a moment, as this caller waits and as long as there is time until
    /// `deadline`.
    ///
    /// # Errors
    /// What the work gives.
    pub async fn patiently<T, F>(&self, deadline: Deadline, work: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        loop {
            match work().await {
                Err(Error { reason: Reason::QueueFull, retry_after: Some(pause), .. })
                    if self.waits != Waits::Never && deadline.remaining() > pause =>
                {
                    tokio::time::sleep(pause).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn sum(&self, parts: &[Part]) -> Result<EncodeReply> {
        let replies = try_join_all(parts.iter().enumerate().map(|(index, part)| async move {
            let silent = Self { options: EmbedOptions { speech: Speech::Off, ..self.options }, ..*self };
            let reply = silent.embed_part(part, Segments::Off).await;
            reply.map_err(|error| error.under(&format!("parts[{index}].media")))
        }))
        .await?;
        let mut sum = EncodeReply::default();
        let mut wholes = Vec::with_capacity(parts.len());
        for (mut reply, part) in replies.into_iter().zip(parts) {
            sum.timings.merge(&reply.timings);
            sum.tokens += reply.tokens;
            sum.notes.append(&mut reply.notes);
            wholes.push((whole(reply)?, part.weight));
        }
        let vector = vector::weighted_sum(wholes.iter().map(|(whole, weight)| (whole.vector.as_slice(), *weight)))?;
        let modality = parts.first().map_or(Modality::Text, |part| part.request.modality);
        let parts = wholes.iter().flat_map(|(whole, weight)| shares(&whole.towers(), *weight)).collect();
        sum.embeddings.push(Embedding {
            vector,
            modality,
            track: Track::Parts,
            segment: 0,
            span: None,
            parts,
            transcript: None,
        });
        Ok(sum)
    }
}

/// The towers of a vector that is itself part of a sum: their weights come to that of the vector.
#[must_use]
pub fn shares(towers: &[WeightedModality], weight: f32) -> Vec<WeightedModality> {
    let total: f32 = towers.iter().map(|(_, share)| share.abs()).sum();
    towers.iter().map(|(tower, share)| (*tower, weight * share / total.max(f32::MIN_POSITIVE))).collect()
}

/// The embedding that stands for a whole media: of a video the fused one, where it was asked for, else its pictures.
fn whole(reply: EncodeReply) -> Result<Embedding> {
    let wholes = reply.embeddings.into_iter().filter(|embedding| embedding.segment == 0);
    let best = wholes.min_by_key(|embedding| embedding.track != Track::Fused);
    best.ok_or_else(|| Error::internal("an encoder answered without an embedding"))
}

/// The wholes first, what is said after what is seen and heard, then the segments in the same order.
fn with_speech(mut reply: EncodeReply, said: EncodeReply) -> EncodeReply {
    let wholes = reply.embeddings.iter().take_while(|embedding| embedding.segment == 0).count();
    let (said_as_a_whole, passages): (Vec<_>, Vec<_>) =
        said.embeddings.into_iter().partition(|embedding| embedding.segment == 0);
    reply.embeddings.splice(wholes..wholes, said_as_a_whole);
    reply.embeddings.extend(passages);
    // A video that has no sound says so already.
    let silent = [NoteReason::NoAudioTrack, NoteReason::AudioCodecUnsupported];
    let silent = reply.notes.iter().any(|note| silent.contains(&note.reason));
    reply.notes.extend(said.notes.into_iter().filter(|note| !silent || note.reason != NoteReason::NoSpeech));
    reply.timings.merge(&said.timings);
    reply
}

/// Adds the sum of a video's tracks to its wholes, where it is wanted.
fn fused(mut reply: EncodeReply, fusion: Option<Fusion>) -> Result<EncodeReply> {
    if let Some(fusion) = fusion {
        fuse(&mut reply, fusion)?;
    }
    Ok(reply)
}

/// Of a video that has no audio track the sum is its visual one.
fn fuse(reply: &mut EncodeReply, fusion: Fusion) -> Result<()> {
    let whole = |track: Track| reply.embeddings.iter().find(|one| one.track == track && one.segment == 0);
    let Some(visual) = whole(Track::Visual) else { return Ok(()) };
    let (vector, parts) = match whole(Track::Audio) {
        Some(audio) => {
            let summands = [(visual.vector.as_slice(), fusion.visual), (audio.vector.as_slice(), fusion.audio)];
            let sum = vector::weighted_sum(summands).map_err(|error| error.under("options.fusion"))?;
            (sum, fusion.parts().to_vec())
        }
        None => (visual.vector.clone(), vec![(Modality::Video, 1.0)]),
    };
    let fused = Embedding { vector, track: Track::Fused, parts, ..visual.clone() };
    let wholes = reply.embeddings.iter().take_while(|embedding| embedding.segment == 0).count();
    reply.embeddings.insert(wholes, fused);
    Ok(())
}
