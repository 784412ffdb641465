//! onespace: one embedding space for text, images, audio, video and point clouds, served.

mod args;
mod bundle;
mod client;
mod filter;
mod key;
mod output;
mod serve;
mod store;
#[cfg(feature = "tools")]
mod tools;
mod word;

use std::{process::ExitCode, time::Duration};

use args::{Cli, Command, DecodeWorkerArgs};
use clap::{CommandFactory, FromArgMatches};
use onespace_client::{Config, TlsFiles};
use onespace_core::Speech;
use output::{Outcome, print_error};

/// How long the end waits for threads that are still in a decoder or load a graph. They must not hold it up for
/// long, but to end under a library that is at work in another thread crashes.
const LAST_WORK: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    // A process of one thread, which copies itself: it must come before any other thread.
    if let Some(args) = DecodeWorkerArgs::of_this_process() {
        return serve::decode_worker::run(&args);
    }
    // Before anything that might start a thread.
    onespace_encoder::forbid_telemetry();
    // Both forms are kept: the typed one, and the raw one that remembers the order of flags.
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    onespace_kit::telemetry::start(&cli.log, cli.log_json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            print_error(&format!("error: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(cli, &matches));
    runtime.shutdown_timeout(LAST_WORK);
    match outcome {
        Ok(Outcome::AllWell) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::FAILURE,
        Err(error) => match error.downcast::<clap::Error>() {
            Ok(wrong_usage) => wrong_usage.exit(),
            Err(error) => {
                print_error(&format!("error: {error:#}"));
                ExitCode::FAILURE
            }
        },
    }
}

async fn run(cli: Cli, matches: &clap::ArgMatches) -> anyhow::Result<Outcome> {
    let sub = matches.subcommand().map(|(_, sub)| sub);
    let patience = Duration::from_secs(cli.patience);
    let tls = TlsFiles { ca: cli.tls.ca, identity: cli.tls.client_cert.zip(cli.tls.client_key) };
    let server =
        Config { tenant: cli.tenant.clone(), key: cli.api_key, tls, ..client::config(&cli.endpoint, patience) };
    match cli.command {
        Command::Up(args) => serve::up::run(args, patience).await,
        Command::Encoder(args) => serve::encoder::run(args).await,
        Command::Transcriber(args) => serve::transcriber::run(args).await,
        Command::Gateway(args) => serve::gateway::run(args).await,
        Command::Key(command) => key::run(command, cli.tenant, cli.json),
        Command::Bundle(command) => bundle::run(command, cli.json, &server).await,
        Command::Store(command) => store::run(command, cli.json).await,
        Command::Client(command) => {
            client::warn_of_plaintext(&server);
            let kind = client::source::FileKind {
                modality: cli.file_modality,
                media_type: cli.media_type,
                speech: if cli.no_speech { Speech::Off } else { Speech::Auto(cli.language) },
            };
            client::run(command, sub, server, &kind, cli.json).await
        }
    }
}
