//! `onespace up`: everything in one process.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Result;
use onespace_core::Encoder;
use onespace_gateway::{Gateway, ear::Ear, services::modality_name};
use onespace_kit::{ready::Ready, serve::Health, signals};

use super::door::Door;
use crate::{
    args::{ModelArgs, StoreArgs, StoreKeyArgs, UpArgs},
    client,
    output::{Outcome, print_line},
    serve,
};

/// Listens, loads, serves, drains; `patience` is that of the demonstration with its own server.
pub async fn run(args: UpArgs, patience: Duration) -> Result<Outcome> {
    let shutdown = signals::shutdown()?;
    let ready = Ready::pending();
    let UpArgs { model, store, key, transcriber, door, demo } = args;
    let door = Door::open(door, &ready).await?;
    let ((grpc, page), health) = (door.addresses(), door.health());
    let serving = door.serve(shutdown.clone());
    let work = async {
        let encoder = Arc::new(serve::load(&model, &[]).await?);
        let gateway = build(&model, store, key, transcriber.as_deref(), encoder.clone()).await?;
        let gateway = announce(&ready, gateway, &health).await;
        if let Some(folder) = demo {
            client::demo(&format!("http://{grpc}"), &folder, patience).await?;
            print_line(&format!(
                "\nServing on until Ctrl-C: gRPC on {grpc}, HTTP on http://{page} (/healthz /readyz /metrics \
                     /v1/space)."
            ));
        }
        tokio::join!(
            serve::watch_store(gateway.clone(), health.clone()),
            serve::watch_encoders(gateway, health.clone(), shutdown),
            serve::watch_towers(&encoder, &health)
        );
        anyhow::Ok(())
    };
    tokio::select! {
        result = serving => result?,
        result = work => result?,
    }
    Ok(Outcome::AllWell)
}

async fn build(
    model: &ModelArgs,
    store: StoreArgs,
    key: StoreKeyArgs,
    transcriber: Option<&Path>,
    encoder: Arc<dyn Encoder>,
) -> Result<Gateway> {
    let transcriber = match transcriber {
        Some(directory) => Some(serve::transcriber(directory, &model.runtime).await?),
        None => None,
    };
    let store = serve::store(store, key).await?;
    let info = encoder.describe().await?;
    let roads = info.towers.iter().map(|tower| (tower.modality, encoder.clone(), info.clone())).collect();
    let gateway = Gateway::new(roads, store)?;
    let Some(transcriber) = transcriber else { return Ok(gateway) };
    let info = transcriber.info().clone();
    Ok(gateway.with_ear(Ear::new(Arc::new(transcriber), info))?)
}

/// Fills the state, turns health to SERVING and says so.
pub async fn announce(ready: &Ready<Gateway>, gateway: Gateway, health: &Health) -> Arc<Gateway> {
    let gateway = ready.fill(gateway);
    for modality in gateway.modalities() {
        health.service(modality_name(modality), true).await;
    }
    health.serving().await;
    serve::print_transcriber(gateway.transcriber().map(Ear::info));
    serve::print_ready(gateway.space(), gateway.license());
    gateway
}
