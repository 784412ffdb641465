//! The servers: config → build → run → drain.

mod door;
pub mod encoder;
pub mod gateway;
mod guard;
pub mod transcriber;
pub mod up;

use std::{num::NonZeroUsize, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use onespace_bundle::Bundle;
use onespace_core::{License, Modality, Space, TranscriberInfo, UsageRestriction, VectorStore};
use onespace_encoder::{LocalEncoder, LocalTranscriber, Options, Runtime};
use onespace_gateway::{
    Gateway,
    services::{COLLECTION_NAME, SEARCH_NAME},
};
use onespace_kit::{ready::Ready, serve::Health};
use onespace_qdrant::{EmbeddedStore, Replication, ServerStore};

use crate::{
    args::{ModelArgs, RuntimeArgs, StoreArgs, StoreKeyArgs},
    output::print_line,
};

/// How often the store is asked whether it answers.
const STORE_WATCH: Duration = Duration::from_secs(2);

/// Loads the towers of `modalities` (all that the bundle has and this build serves, where none is named) and proves
/// them on their golden inputs. Takes seconds.
pub async fn load(model: &ModelArgs, modalities: &[Modality]) -> Result<LocalEncoder> {
    let bundle = open(&model.bundle).await.with_context(|| format!("--bundle {}", model.bundle.display()))?;
    towers(&bundle, &model.runtime, modalities).await
}

/// Opens a bundle and checks every digest.
pub async fn open(directory: &Path) -> Result<Bundle> {
    let directory = directory.to_owned();
    Ok(tokio::task::spawn_blocking(move || Bundle::open(&directory)).await??)
}

/// Loads towers of a bundle that is open, as [`load`] does.
pub async fn towers(bundle: &Bundle, args: &RuntimeArgs, modalities: &[Modality]) -> Result<LocalEncoder> {
    Ok(LocalEncoder::load(&runtime(args)?, bundle, modalities, &Options::default()).await?)
}

/// Loads a transcriber.
pub async fn transcriber(directory: &Path, args: &RuntimeArgs) -> Result<LocalTranscriber> {
    let loaded = LocalTranscriber::load(&runtime(args)?, directory).await;
    loaded.with_context(|| format!("--transcriber {}", directory.display()))
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
    if let Some(url) = args.qdrant {
        let factor = key.qdrant_replication;
        let replication = Replication { factor, ..Replication::default() };
        return Ok(Arc::new(ServerStore::connect(&url, key.qdrant_api_key.as_deref(), replication)?));
    }
    let directory = args.data.unwrap_or_else(|| ".onespace".into());
    Ok(Arc::new(EmbeddedStore::open(&directory)?))
}

/// Waits until every item that was received is stored.
pub async fn finish(gateway: &Ready<Gateway>) {
    if let Ok(gateway) = gateway.get() {
        gateway.finish().await;
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
