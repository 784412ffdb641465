//! The servers: config → build → run → drain.

pub mod decode_worker;
mod door;
pub mod encoder;
pub mod gateway;
mod guard;
pub mod transcriber;
pub mod up;

use std::{collections::BTreeMap, ffi::OsString, num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use onespace_bundle::Bundle;
use onespace_core::{License, Modality, Space, TranscriberInfo, UsageRestriction, VectorStore, limits::STUCK_MS};
use onespace_encoder::{Decoders, LocalEncoder, LocalTranscriber, Options, Runtime};
use onespace_gateway::{
    Gateway,
    services::{COLLECTION_NAME, SEARCH_NAME, modality_name},
};
use onespace_kit::{
    ready::Ready,
    serve::{Health, LIVENESS},
};
use onespace_qdrant::{EmbeddedStore, Replication, ServerStore};
use onespace_sandbox::Program;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{DECODE_WORKER, DecodersArg, ModelArgs, RuntimeArgs, StoreArgs, StoreKeyArgs, loader_environment},
    output::print_line,
    store::control,
};

/// How often towers are asked whether they live.
const TOWER_WATCH: Duration = Duration::from_secs(2);

/// How often the store is asked whether it answers.
const STORE_WATCH: Duration = Duration::from_secs(2);
/// How often it is looked whether the encoder of each modality answers.
const ENCODER_WATCH: Duration = Duration::from_millis(500);

/// Loads the towers of `modalities` (all that the bundle has and this build serves, where none is named) and proves
/// them on their golden inputs. Takes seconds.
pub async fn load(model: &ModelArgs, modalities: &[Modality]) -> Result<LocalEncoder> {
    let bundle = open(&model.bundle).await.with_context(|| format!("--bundle {}", model.bundle.display()))?;
    let encoder = towers(&bundle, &model.runtime, modalities).await?;
    print_line(&format!("decoders {}", encoder.decoding()));
    Ok(encoder)
}

/// Opens a bundle and checks every digest.
pub async fn open(directory: &Path) -> Result<Bundle> {
    let directory = directory.to_owned();
    Ok(tokio::task::spawn_blocking(move || Bundle::open(&directory)).await??)
}

/// Loads towers of a bundle that is open, as [`load`] does.
pub async fn towers(bundle: &Bundle, args: &RuntimeArgs, modalities: &[Modality]) -> Result<LocalEncoder> {
    let decoders = decoders(args, vec!["--bundle".into(), bundle.path(".").into()]);
    let options = Options { decoders, ..Options::default() };
    Ok(LocalEncoder::load(&runtime(args)?, bundle, modalities, &options).await?)
}

/// Loads a transcriber.
pub async fn transcriber(directory: &Path, args: &RuntimeArgs) -> Result<LocalTranscriber> {
    let loaded = LocalTranscriber::load(&runtime(args)?, directory, &decoders(args, Vec::new())).await;
    loaded.with_context(|| format!("--transcriber {}", directory.display()))
}

/// Where the flags have media decoded; `what` is what a process that decodes has to know beside their modalities.
fn decoders(args: &RuntimeArgs, what: Vec<OsString>) -> Decoders {
    match args.decoders {
        DecodersArg::InProcess => Decoders::InProcess,
        DecodersArg::Sandboxed => {
            let arguments = [OsString::from(DECODE_WORKER)].into_iter().chain(what).collect();
            Decoders::Sandboxed(Program { environment: loader_environment(), ..Program::itself(arguments) })
        }
    }
}

/// Says what writes down speech, or how that is had.
pub fn print_transcriber(info: Option<&TranscriberInfo>) {
    match info {
        Some(info) => print_line(&format!("speech transcriber=\"{}\" languages={}", info.name, info.languages.len())),
        None => print_line("speech is not written down: no --transcriber (`make speech` brings one)"),
    }
}

/// The ONNX Runtime that the flags name.
pub fn runtime(args: &RuntimeArgs) -> Result<Runtime> {
    Runtime::init(&args.onnxruntime, NonZeroUsize::new(args.threads)).context("--onnxruntime")
}

/// Says that a space is served now, and on which terms where they limit anybody.
pub fn print_ready(space: &Space, license: &License) {
    if license.restriction != UsageRestriction::Any || !license.notice.is_empty() {
        print_line(&format!("terms: {license}"));
    }
    print_line(&format!("ready space={} dimension={} name=\"{}\"", space.fingerprint, space.dimension, space.name));
}

/// Opens the store that the flags name; a folder beside the caller where they name none.
pub async fn store(args: StoreArgs, key: StoreKeyArgs) -> Result<Arc<dyn VectorStore>> {
    if !args.qdrant.is_empty() {
        let factor = key.qdrant_replication;
        let replication = Replication { factor, ..Replication::default() };
        return Ok(Arc::new(ServerStore::connect(&args.qdrant, key.qdrant_api_key.as_deref(), replication)?));
    }
    let directory = args.data.unwrap_or_else(|| ".onespace".into());
    let store = Arc::new(EmbeddedStore::open(&directory)?);
    control::listen(&directory, &store);
    Ok(store)
}

/// Waits until every item that was received is stored.
pub async fn finish(gateway: &Ready<Gateway>) {
    if let Ok(gateway) = gateway.get() {
        gateway.finish().await;
    }
}

/// Keeps the health name of liveness true: whoever asks whether this process lives asks the threads that run graphs.
pub async fn watch_towers(encoder: &LocalEncoder, health: &Health) {
    let patience = Duration::from_millis(STUCK_MS as u64);
    let mut living = true;
    loop {
        tokio::time::sleep(TOWER_WATCH).await;
        if encoder.alive(patience) != living {
            living = !living;
            health.service(LIVENESS, living).await;
            if living {
                tracing::info!("the towers work again");
            } else {
                tracing::error!("a tower is stuck in one run (STUCK_MS), or its thread has ended");
            }
        }
    }
}

/// Keeps the health of the services that need the store true: searching to whether it answers, collections also to
/// whether it takes writes.
pub async fn watch_store(gateway: Arc<Gateway>, health: Health) {
    let (mut searching, mut writing) = (true, true);
    loop {
        tokio::time::sleep(STORE_WATCH).await;
        let ready = gateway.store().ready().await;
        let writable = if ready.is_ok() { gateway.store().writable().await } else { ready.clone() };
        if ready.is_ok() != searching {
            searching = ready.is_ok();
            health.service(SEARCH_NAME, searching).await;
            match &ready {
                Ok(()) => tracing::info!("the store answers again"),
                Err(error) => tracing::warn!(%error, "the store does not answer"),
            }
        }
        if writable.is_ok() != writing {
            writing = writable.is_ok();
            health.service(COLLECTION_NAME, writing).await;
            match &writable {
                Ok(()) => tracing::info!("the store takes writes again"),
                Err(error) => tracing::warn!(%error, "the store takes no writes"),
            }
        }
    }
}

/// Keeps the health of each modality that is served true to whether its encoder answers, until the server stops.
pub async fn watch_encoders(gateway: Arc<Gateway>, health: Health, shutdown: CancellationToken) {
    let mut told: BTreeMap<Modality, bool> = gateway.modalities().map(|modality| (modality, true)).collect();
    while shutdown.run_until_cancelled(tokio::time::sleep(ENCODER_WATCH)).await.is_some() {
        for (modality, serving) in &mut told {
            let ready = gateway.encoder_ready(*modality).await;
            if ready.is_ok() == *serving {
                continue;
            }
            *serving = ready.is_ok();
            health.service(modality_name(*modality), *serving).await;
            match &ready {
                Ok(()) => tracing::info!(%modality, "its encoder answers again"),
                Err(error) => tracing::warn!(%modality, %error, "no encoder of this modality answers"),
            }
        }
    }
    for modality in told.into_keys() {
        health.service(modality_name(modality), false).await;
    }
}
