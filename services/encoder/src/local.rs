//! Towers in this process.

use std::{
    collections::BTreeMap,
    fmt,
    num::NonZeroUsize,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::future::join_all;
use onespace_bundle::{Bundle, TowerHead};
use onespace_core::{
    Deadline, EncodeReply, EncodeRequest, Encoder, EncoderInfo, Error, Modality, Note, NoteReason, Patience, Prepare,
    PrepareRequest, Prepared, Reason, Result, Room, Sample, TensorData, Timings, TowerInfo, Turn, limits,
};
use onespace_kit::admission::{Admission, Admitted};
use onespace_runtime::{Models, RequestPermits, Runtime, Stats};
use tokio::task;

use crate::{
    decoders::{Decoders, Decoding},
    figures::{count_notes, observer, record},
    golden,
    pipeline::{TowerOutput, TowerPipeline},
    pool::{Pool, PoolOutput, Weight, micros},
    pooling,
};

/// How towers are run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Workers and bounds of each tower's batcher.
    pub engine: onespace_runtime::Options,
    /// Threads that prepare media of one modality; as many as there are cores when it is not given.
    pub prepare_threads: Option<NonZeroUsize>,
    /// Where native code decodes.
    pub decoders: Decoders,
}

/// From bytes to samples.
struct PooledPreparer {
    preparer: Arc<dyn Prepare>,
    pool: Pool,
}

/// Any set of towers of one bundle, in this process.
pub struct LocalEncoder {
    info: EncoderInfo,
    decoding: Decoding,
    preparers: BTreeMap<Modality, PooledPreparer>,
    /// One for each tower that samples can be for: a video's audio goes to the audio tower.
    /// Towers whose samples can share a run share one.
    pipelines: BTreeMap<Modality, Arc<TowerPipeline>>,
    bytes: Admission,
}

impl fmt::Debug for LocalEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalEncoder").field("info", &self.info).finish_non_exhaustive()
    }
}

impl LocalEncoder {
    /// Loads the towers of `modalities` (all of the bundle that this build can serve, if none is named), checks each
    /// on its golden input and warms it up. It is ready to serve when it has returned.
    ///
    /// # Errors
    /// `MODALITY_NOT_SERVED` when a tower is named that the bundle or this build does not have; `BUNDLE_INVALID`
    /// naming the tower and the fault, too low a golden cosine included.
    pub async fn load(runtime: &Runtime, bundle: &Bundle, modalities: &[Modality], options: &Options) -> Result<Self> {
        let (runtime, owned, options) = (runtime.clone(), bundle.clone(), options.clone());
        let wanted = modalities.to_vec();
        let mut encoder = task::spawn_blocking(move || Self::assemble(&runtime, &owned, &wanted, &options))
            .await
            .map_err(|_| Error::internal("loading the towers panicked"))??;
        for head in bundle.manifest().towers.heads() {
            if encoder.preparers.contains_key(&head.modality) {
                let golden_cosine = golden::check(&encoder, bundle, &head).await?;
                encoder.info.towers.push(tower_info(&head, golden_cosine));
            }
        }
        if !modalities.is_empty() {
            encoder.preparers.retain(|modality, _| modalities.contains(modality));
            encoder.info.towers.retain(|tower| modalities.contains(&tower.modality));
        }
        Ok(encoder)
    }

    /// What each tower of a bundle that has no golden vectors yet gives for its golden input. The bundle's own vectors
    /// are not looked at.
    ///
    /// # Errors
    /// As [`load`](Self::load), less what golden vectors are for.
    pub async fn golden_vectors(
        runtime: &Runtime,
        bundle: &Bundle,
        options: &Options,
    ) -> Result<BTreeMap<Modality, Vec<f32>>> {
        let (runtime, owned, options) = (runtime.clone(), bundle.clone(), options.clone());
        let encoder = task::spawn_blocking(move || Self::assemble(&runtime, &owned, &[], &options))
            .await
            .map_err(|_| Error::internal("loading the towers panicked"))??;
        let mut vectors = BTreeMap::new();
        for head in bundle.manifest().towers.heads() {
            if encoder.preparers.contains_key(&head.modality) {
                vectors.insert(head.modality, golden::vector(&encoder, bundle, &head).await?);
            }
        }
        Ok(vectors)
    }

    /// Everything but the proof that it works. A tower comes with those for whose tracks it is: the audio tower with
    /// the video tower. It gets its own preparer until it is proven.
    fn assemble(runtime: &Runtime, bundle: &Bundle, wanted: &[Modality], options: &Options) -> Result<Self> {
        let towers = &bundle.manifest().towers;
        let mut wanted = wanted.to_vec();
        if wanted.is_empty() {
            let heads = towers.heads().into_iter().filter(|head| head.unavailable.is_none());
            wanted = heads.map(|head| head.modality).collect();
        }
        let through = wanted.iter().flat_map(|modality| modality.tracks()).map(|(_, tower)| *tower);
        let other: Vec<Modality> =
            through.filter(|tower| towers.head(*tower).is_some() && !wanted.contains(tower)).collect();
        wanted.extend(other);
        let cores = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = options.prepare_threads.map_or_else(cores, NonZeroUsize::get);
        let room = Room::new(limits::DECODING_BYTES);
        let mut preparers = BTreeMap::new();
        let mut pipelines: BTreeMap<Modality, Arc<TowerPipeline>> = BTreeMap::new();
        let mut models = Models::new(runtime);
        for modality in wanted {
            let preparer = bundle.preparer(modality)?;
            let head = towers.head(modality).ok_or_else(|| Error::internal("a tower is prepared for and not there"))?;
            let mut twins = towers.heads().into_iter().filter(|other| other.same_pipeline(&head));
            let pipeline = match twins.find_map(|twin| pipelines.get(&twin.modality).cloned()) {
                Some(pipeline) => pipeline,
                None => {
                    let mut engine = options.engine.clone();
                    engine.observer.get_or_insert_with(|| observer(modality));
                    Arc::new(TowerPipeline::load(&mut models, bundle, &head, &engine)?)
                }
            };
            pipelines.insert(modality, pipeline);
            preparers.insert(modality, preparer);
        }
        let decoding = options.decoders.confine(&mut preparers);
        let pooled = |(modality, preparer): (Modality, _)| {
            (modality, PooledPreparer { preparer, pool: Pool::new(modality.name(), threads).within(&room) })
        };
        let preparers = preparers.into_iter().map(pooled).collect();
        Ok(Self {
            decoding,
            info: EncoderInfo {
                space: bundle.space().clone(),
                license: bundle.manifest().license(),
                towers: Vec::new(),
            },
            preparers,
            pipelines,
            bytes: Admission::bytes("bytes of media (MEDIA_IN_FLIGHT_BYTES)", limits::MEDIA_IN_FLIGHT_BYTES),
        })
    }

    /// What it serves; every golden cosine has been measured.
    #[must_use]
    pub fn info(&self) -> &EncoderInfo {
        &self.info
    }

    /// Where media are decoded.
    #[must_use]
    pub const fn decoding(&self) -> Decoding {
        self.decoding
    }

    /// Whether it has a tower for this modality.
    ///
    /// # Errors
    /// `MODALITY_NOT_SERVED` naming those it has.
    pub fn expect(&self, modality: Modality) -> Result<()> {
        self.preparer(modality).map(drop)
    }

    /// The counters of each tower's batcher.
    #[must_use]
    pub fn stats(&self) -> Vec<(Modality, Stats)> {
        self.pipelines.iter().map(|(modality, pipeline)| (*modality, pipeline.engine.stats())).collect()
    }

    /// Whether every inference thread is there and none is stuck, in a run that takes longer than `patience` and many
    /// times as long as it should: what a liveness probe asks.
    #[must_use]
    pub fn alive(&self, patience: Duration) -> bool {
        self.pipelines.values().all(|pipeline| pipeline.engine.alive(patience))
    }

    /// Room for the bytes of one media, waited for a bounded time: whoever receives it piece by piece takes the room
    /// first, and hands it on with [`encode_admitted`](Self::encode_admitted).
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE`; `QUEUE_FULL` with a pause when there is no room in time.
    pub async fn admit(&self, modality: Modality, bytes: usize) -> Result<Admitted> {
        modality.check_bytes("bytes", bytes)?;
        self.bytes.wait_bytes(bytes).await
    }

    /// As [`Encoder::encode`], for a media whose bytes have been admitted.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub async fn encode_admitted(
        &self,
        request: EncodeRequest,
        deadline: Deadline,
        bytes: Admitted,
    ) -> Result<EncodeReply> {
        let arrived = Instant::now();
        let modality = request.modality;
        modality.check_bytes("bytes", request.bytes.len())?;
        let preparer = self.preparer(modality)?;
        deadline.check("on arrival")?;
        // What is refused is refused before anything is done for it, and what is taken on is finished.
        if request.turn == Turn::Asks {
            self.turn(modality, 1, deadline)?;
        }
        // The file's bytes go when its samples are there; those are counted in their turn.
        let file: RequestPermits = Arc::new(bytes);
        let (target, segments) = (request.target, request.segments);
        let PoolOutput { value: prepared, waited, took } = preparer.prepare(request, deadline, file).await?;
        let Prepared { samples, mut notes } = prepared;
        let tokens = samples.iter().map(Sample::tokens).sum();
        let permits: RequestPermits = Arc::new(self.bytes.wait_bytes(samples.iter().map(sample_bytes).sum()).await?);
        let (output, more) = self.run((modality, target), samples, deadline, &permits).await?;
        let TowerOutput { parts, queue_us, inference_us } = output;
        notes.extend(more);
        count_notes(&notes);
        let timings = Timings {
            queue_us: queue_us + micros(waited),
            prepare_us: micros(took),
            inference_us,
            store_us: 0,
            total_us: micros(arrived.elapsed()),
        };
        record(modality.name(), &timings);
        Ok(EncodeReply { embeddings: pooling::embeddings(modality, &parts, segments)?, notes, timings, tokens })
    }

    fn preparer(&self, modality: Modality) -> Result<&PooledPreparer> {
        self.preparers.get(&modality).ok_or_else(|| {
            let here: Vec<&str> = self.preparers.keys().map(|modality| modality.name()).collect();
            let message = format!("{modality} is not served here: the towers here are {}", here.join(", "));
            Error::new(Reason::ModalityNotServed, "modality", message)
        })
    }

    /// How many media are being prepared, or will be, of which a tower will get samples.
    fn on_the_way(&self, tower: Modality) -> usize {
        let preparers = self.preparers.iter().filter(|(modality, _)| passes(**modality, tower));
        preparers.map(|(_, preparer)| preparer.pool.inside()).sum()
    }

    /// Sends samples to the towers they are for, all at once, each to the head for `target`. A track that another
    /// modality's tower makes nothing of (digital silence can have no direction) does not take the others with it, and
    /// a note says so. Whatever may pass does: half an answer would be stored for good.
    async fn run(
        &self,
        (modality, target): (Modality, Option<Modality>),
        samples: Vec<Sample>,
        deadline: Deadline,
        permits: &RequestPermits,
    ) -> Result<(TowerOutput, Vec<Note>)> {
        let mut by_tower: BTreeMap<Modality, Vec<Sample>> = BTreeMap::new();
        for sample in samples {
            by_tower.entry(sample.tower).or_default().push(sample);
        }
        let own = by_tower.remove(&modality).unwrap_or_default();
        let own = self.run_one((modality, target), own, deadline, permits);
        let others = by_tower.into_iter().map(|(tower, samples)| async move {
            (tower, self.run_one((tower, target), samples, deadline, permits).await)
        });
        let (own, others) = futures::join!(own, join_all(others));
        let (mut own, mut notes) = (own?, Vec::new());
        for (tower, other) in others {
            match other {
                Ok(other) => own.add(other),
                Err(error) if error.reason == Reason::ModelFailed => {
                    let message = format!("the {tower} tower makes no vector of this {modality}'s track: {error}");
                    notes.push(Note::new(NoteReason::TrackNotEmbedded, message));
                }
                Err(error) => return Err(error),
            }
        }
        Ok((own, notes))
    }

    async fn run_one(
        &self,
        (tower, target): (Modality, Option<Modality>),
        samples: Vec<Sample>,
        deadline: Deadline,
        permits: &RequestPermits,
    ) -> Result<TowerOutput> {
        let pipeline = self
            .pipelines
            .get(&tower)
            .ok_or_else(|| Error::internal(format!("samples for the {tower} tower, which is not loaded")))?;
        if samples.is_empty() || samples.iter().any(|sample| sample.tower != tower) {
            return Err(Error::internal(format!("a preparer gave no samples, or some of another tower than {tower}")));
        }
        pipeline.run(samples, target, deadline, Arc::clone(permits)).await
    }
}

impl PooledPreparer {
    async fn prepare(
        &self,
        request: EncodeRequest,
        deadline: Deadline,
        permits: RequestPermits,
    ) -> Result<PoolOutput<Prepared>> {
        let preparer = Arc::clone(&self.preparer);
        let EncodeRequest { bytes, media_type, purpose, segments, .. } = request;
        let is_light = preparer.is_light(bytes.len());
        let work = move |patience: &Patience| {
            let media_type = media_type.as_deref();
            let patience = patience.clone();
            preparer.prepare(&PrepareRequest { bytes: &bytes, media_type, purpose, segments, patience })
        };
        let weight = if is_light { Weight::Light } else { Weight::Heavy };
        self.pool.run((Turn::Has, deadline), permits, weight, work).await
    }
}

#[async_trait]
impl Encoder for LocalEncoder {
    async fn encode(&self, request: EncodeRequest, deadline: Deadline) -> Result<EncodeReply> {
        request.modality.check_bytes("bytes", request.bytes.len())?;
        let admitted = self.bytes.wait_bytes(request.bytes.len()).await?;
        self.encode_admitted(request, deadline, admitted).await
    }

    async fn describe(&self) -> Result<EncoderInfo> {
        Ok(self.info.clone())
    }

    fn turn(&self, modality: Modality, media: usize, deadline: Deadline) -> Result<usize> {
        let mut fit = self.preparer(modality)?.pool.check_turn(media, deadline)?;
        for (tower, pipeline) in &self.pipelines {
            if passes(modality, *tower) {
                fit = pipeline.engine.check_turn(self.on_the_way(*tower), fit, deadline)?;
            }
        }
        Ok(fit)
    }

    async fn ready(&self, modality: Modality) -> Result<()> {
        self.expect(modality)?;
        let patience = Duration::from_millis(limits::STUCK_MS as u64);
        let turns = |pipeline: &Arc<TowerPipeline>| pipeline.engine.alive(patience);
        if self.pipelines.get(&modality).is_none_or(turns) {
            return Ok(());
        }
        let message = "an inference thread has ended, or has been in one run for longer than anybody waits";
        Err(Error::new(Reason::EncoderUnavailable, "", message))
    }
}

/// Whether media of a modality have samples for a tower.
fn passes(modality: Modality, tower: Modality) -> bool {
    modality == tower || modality.tracks().iter().any(|(_, other)| *other == tower)
}

/// What a tower that has been proven says of itself.
fn tower_info(head: &TowerHead<'_>, golden_cosine: f32) -> TowerInfo {
    TowerInfo {
        modality: head.modality,
        model: head.model.to_owned(),
        logit_scale: head.logit_scale,
        scoring: head.scoring,
        heads: head.heads.clone(),
        templates: head.templates.to_vec(),
        golden_cosine,
    }
}

fn sample_bytes(sample: &Sample) -> usize {
    let bytes = |data: &TensorData| match data {
        TensorData::F32(values) => size_of_val(values.as_slice()),
        TensorData::I64(values) => size_of_val(values.as_slice()),
    };
    sample.tensors.iter().map(|tensor| bytes(&tensor.data)).sum()
}
