//! `onespace up`: everything in one process.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use onespace_core::Encoder;
use onespace_gateway::{
    Gateway,
    ear::Ear,
    http::Http,
    services::{NAMES, Services},
};
use onespace_kit::{
    ready::Ready,
    serve::{Health, Server},
    signals,
};

use crate::{
    args::UpArgs,
    client,
    output::{Outcome, print_line},
    serve,
};

/// Listens, loads, serves, drains; `patience` is that of the demonstration with its own server.
pub async fn run(args: UpArgs, patience: Duration) -> Result<Outcome> {
    let shutdown = signals::shutdown()?;
    let ready = Ready::pending();
    let routes = Services::new(ready.clone()).routes();
    let server = Server::bind(args.listen.listen, NAMES, routes)
        .await
        .with_context(|| format!("--listen {}", args.listen.listen))?
        .with_arrival(Services::arrival());
    let http = Http::bind(args.listen.http).await.with_context(|| format!("--http {}", args.listen.http))?;
    let (grpc, page, health) = (server.address(), http.address(), server.health());
    print_line(&format!("listening grpc={grpc} http={page}"));

    // HTTP ends at the signal; gRPC goes on until it has drained.
    let web = http.run(ready.clone(), shutdown.clone());
    let serving = async {
        tokio::try_join!(async { Ok(server.run(shutdown, serve::finish(&ready)).await?) }, async { Ok(web.await?) })
            as Result<((), ())>
    };
    let work = async {
        let demo = args.demo.clone();
        let gateway = build(args).await?;
        let gateway = announce(&ready, gateway, &health).await;
        if let Some(folder) = demo {
            client::demo(&format!("http://{grpc}"), &folder, patience).await?;
            print_line(&format!(
                "\nServing on until Ctrl-C: gRPC on {grpc}, HTTP on http://{page} (/healthz /readyz /metrics \
                     /v1/space)."
            ));
        }
        serve::watch_store(gateway, health).await;
        anyhow::Ok(())
    };
    tokio::select! {
        result = serving => drop(result?),
        result = work => result?,
    }
    Ok(Outcome::AllWell)
}

async fn build(args: UpArgs) -> Result<Gateway> {
    let encoder: Arc<dyn Encoder> = Arc::new(serve::load(&args.model, &[]).await?);
    let transcriber = match &args.transcriber {
        Some(directory) => Some(serve::transcriber(directory, &args.model.runtime).await?),
        None => None,
    };
    let store = serve::store(args.store, args.key).await?;
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
    health.serving().await;
    serve::print_transcriber(gateway.transcriber().map(Ear::info));
    serve::print_ready(gateway.space(), gateway.license());
    gateway
}
