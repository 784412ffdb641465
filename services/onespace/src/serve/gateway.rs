//! `onespace gateway`: the public door over encoders elsewhere.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Result;
use onespace_client::TlsFiles;
use onespace_core::Modality;
use onespace_gateway::{Gateway, connect};
use onespace_kit::{ready::Ready, signals};

use super::{door::Door, up::announce};
use crate::{
    args::{EncoderTlsArgs, GatewayArgs},
    output::Outcome,
    serve,
};

/// Listens, waits for every encoder, serves, drains.
pub async fn run(args: GatewayArgs) -> Result<Outcome> {
    let shutdown = signals::shutdown()?;
    let ready = Ready::pending();
    let door = Door::open(args.door, &ready).await?;
    let health = door.health();
    let serving = door.serve(shutdown.clone());
    let work = async {
        let tls = Arc::new(tls_files(args.tls));
        let mut roads: BTreeMap<Modality, Vec<String>> = BTreeMap::new();
        args.encoder.into_iter().for_each(|road| roads.entry(road.modality).or_default().push(road.url));
        let encoders = connect::encoders(roads.into_iter().collect(), &tls).await?;
        let mut gateway = Gateway::new(encoders, serve::store(args.store, args.key).await?)?;
        if !args.transcriber.is_empty() {
            gateway = gateway.with_ear(connect::transcriber(&args.transcriber, &tls).await?)?;
        }
        let gateway = announce(&ready, gateway, &health).await;
        tokio::join!(
            serve::watch_store(gateway.clone(), health.clone()),
            serve::watch_encoders(gateway, health, shutdown)
        );
        anyhow::Ok(())
    };
    tokio::select! {
        result = serving => result?,
        result = work => result?,
    }
    Ok(Outcome::AllWell)
}

fn tls_files(args: EncoderTlsArgs) -> TlsFiles {
    TlsFiles { ca: args.encoder_ca, identity: args.encoder_cert.zip(args.encoder_key) }
}
