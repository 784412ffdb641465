//! `onespace encoder`: one microservice.

use anyhow::{Context, Result};
use onespace_encoder::service;
use onespace_kit::{ready::Ready, serve::Server, signals, tls::Protocol};

use super::guard;
use crate::{
    args::EncoderArgs,
    output::{Outcome, print_line},
    serve,
};

/// Listens, loads, serves, drains.
pub async fn run(args: EncoderArgs) -> Result<Outcome> {
    let shutdown = signals::shutdown()?;
    guard::check(args.listen, &args.tls, args.tls.tls_client_ca.is_some()).context("--listen")?;
    let ready = Ready::pending();
    let server = Server::bind(args.listen, service::NAMES, service::routes(ready.clone())).await;
    let server = server.with_context(|| format!("--listen {}", args.listen))?;
    let server = server.with_tls(guard::tls(&args.tls, Protocol::Http2)?);
    print_line(&format!("listening grpc={}", server.address()));

    let health = server.health();
    let serving = server.run(shutdown, std::future::ready(()));
    let work = async {
        let encoder = ready.fill(serve::load(&args.model, &args.modality).await?);
        health.serving().await;
        serve::print_ready(&encoder.info().space, &encoder.info().license);
        serve::watch_towers(&encoder, &health).await;
        anyhow::Ok(())
    };
    tokio::select! {
        result = serving => result?,
        result = work => result?,
    }
    Ok(Outcome::AllWell)
}
