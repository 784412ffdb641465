//! `onespace gateway`: the public door over encoders elsewhere.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use onespace_core::Modality;
use onespace_gateway::{
    Gateway, connect,
    http::Http,
    services::{NAMES, Services},
};
use onespace_kit::{ready::Ready, serve::Server, signals};

use super::up::announce;
use crate::{
    args::GatewayArgs,
    output::{Outcome, print_line},
    serve,
};

/// Listens, waits for every encoder, serves, drains.
pub async fn run(args: GatewayArgs) -> Result<Outcome> {
    let shutdown = signals::shutdown()?;
    let ready = Ready::pending();
    let routes = Services::new(ready.clone()).routes();
    let server = Server::bind(args.listen.listen, NAMES, routes)
        .await
        .with_context(|| format!("--listen {}", args.listen.listen))?
        .with_arrival(Services::arrival());
    let http = Http::bind(args.listen.http).await.with_context(|| format!("--http {}", args.listen.http))?;
    print_line(&format!("listening grpc={} http={}", server.address(), http.address()));

    let health = server.health();
    // HTTP ends at the signal; gRPC goes on until it has drained.
    let web = http.run(ready.clone(), shutdown.clone());
    let serving = async {
        tokio::try_join!(async { Ok(server.run(shutdown, serve::finish(&ready)).await?) }, async { Ok(web.await?) })
            as Result<((), ())>
    };
    let work = async {
        let mut roads: BTreeMap<Modality, Vec<String>> = BTreeMap::new();
        args.encoder.into_iter().for_each(|road| roads.entry(road.modality).or_default().push(road.url));
        let encoders = connect::encoders(roads.into_iter().collect()).await?;
        let mut gateway = Gateway::new(encoders, serve::store(args.store, args.key).await?)?;
        if !args.transcriber.is_empty() {
            gateway = gateway.with_ear(connect::transcriber(&args.transcriber).await?)?;
        }
        let gateway = announce(&ready, gateway, &health).await;
        serve::watch_store(gateway, health).await;
        anyhow::Ok(())
    };
    tokio::select! {
        result = serving => drop(result?),
        result = work => result?,
    }
    Ok(Outcome::AllWell)
}
