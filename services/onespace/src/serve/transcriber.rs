//! `onespace transcriber`: speech to text, as one microservice.

use anyhow::{Context, Result};
use onespace_encoder::transcriber_service;
use onespace_kit::{ready::Ready, serve::Server, signals, tls::Protocol};

use super::guard;
use crate::{
    args::TranscriberArgs,
    output::{Outcome, print_line},
    serve,
};

/// Listens, loads, serves, drains.
pub async fn run(args: TranscriberArgs) -> Result<Outcome> {
    let shutdown = signals::shutdown()?;
    guard::check(args.listen, &args.tls, args.tls.tls_client_ca.is_some()).context("--listen")?;
    let ready = Ready::pending();
    let routes = transcriber_service::routes(ready.clone());
    let server = Server::bind(args.listen, transcriber_service::NAMES, routes).await;
    let server = server.with_context(|| format!("--listen {}", args.listen))?;
    let server = server.with_tls(guard::tls(&args.tls, Protocol::Http2)?);
    print_line(&format!("listening grpc={}", server.address()));

    let health = server.health();
    let serving = server.run(shutdown, std::future::ready(()));
    let work = async {
        let transcriber = ready.fill(serve::transcriber(&args.transcriber, &args.runtime).await?);
        health.serving().await;
        serve::print_transcriber(Some(transcriber.info()));
        print_line("ready");
        std::future::pending::<anyhow::Result<()>>().await
    };
    tokio::select! {
        result = serving => result?,
        result = work => result?,
    }
    Ok(Outcome::AllWell)
}
