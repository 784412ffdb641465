//! The commands that talk to a server.

mod busy;
pub mod choice;
mod classify;
mod collection;
mod demo;
mod embed;
mod entry;
mod folder_state;
mod health;
mod ingest;
mod item;
mod manifest;
mod rank;
mod record;
mod report;
mod search;
pub mod source;
mod space;
mod sync;
mod transfer;
mod watch;

use std::{error::Error as _, iter, net::IpAddr, sync::Arc, time::Duration};

use anyhow::{Error, Result, anyhow};
use clap::ArgMatches;
use onespace_client::{Client, Config, EmbedOptions, Scope};

use crate::{
    args::ClientCommand,
    output::{Outcome, print_error},
};

use busy::BusyLine;
use source::FileKind;

pub use onespace_proto::convert::modality_name;

pub use demo::run as demo;
#[cfg(feature = "tools")]
pub use embed::options;
pub use space::lengths;
#[cfg(feature = "tools")]
pub use space::space_of;

/// A server's URL, for whoever asks it as its default tenant.
pub fn config(endpoint: &str, patience: Duration) -> Config {
    Config { patience, ..Config::new(endpoint) }
}

/// Says so where a key would travel unencrypted beyond this machine. It is sent all the same: a mesh may encrypt it.
pub fn warn_of_plaintext(server: &Config) {
    let host = server.endpoint.strip_prefix("http://").map(|rest| rest.rsplit_once(':').map_or(rest, |(host, _)| host));
    let here = |host: &str| {
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    };
    if server.key.is_some() && host.is_some_and(|host| !here(host)) {
        print_error("warning: the key travels unencrypted; use an https endpoint where the network is not your own");
    }
}

/// Connects; whoever waits is told so on the terminal.
///
/// # Errors
/// When the server does not answer, naming it and how to start one.
pub async fn connect(config: Config) -> Result<Client> {
    let endpoint = config.endpoint.clone();
    let client = Client::connect(config).await.map_err(|error| no_connection(&error, &endpoint))?;
    Ok(client.watched_by(Arc::new(BusyLine::default())))
}

/// A connection that failed, in the words of the command line: which flag is to blame, or how to start a server.
fn no_connection(error: &onespace_client::Error, endpoint: &str) -> Error {
    let said = match error.field.as_str() {
        "" => format!("{error}; start one with `onespace up`, or name another with --endpoint"),
        "endpoint" => format!("--endpoint {endpoint} is not a URL such as http://127.0.0.1:50051"),
        _ => format!("--{error}"),
    };
    let causes = iter::successors(error.source(), |cause| (**cause).source()).map(ToString::to_string);
    anyhow!("{}", iter::once(said).chain(causes).collect::<Vec<_>>().join(": "))
}

/// Runs a client command.
pub async fn run(
    command: ClientCommand,
    matches: Option<&ArgMatches>,
    server: Config,
    kind: &FileKind,
    json: bool,
) -> Result<Outcome> {
    if let ClientCommand::Health { service } = command {
        return health::run(server, service).await;
    }
    let client = connect(server).await?;
    match command {
        ClientCommand::Embed { text, files, segments, dimension } => {
            let options = EmbedOptions { speech: kind.speech(), ..embed::options(segments, dimension) };
            embed::run(&client, text, files, kind, &options, json).await
        }
        ClientCommand::Ingest(args) if args.watch => watch::run(&client, args, kind, json).await,
        ClientCommand::Ingest(args) => ingest::run(&client, args, kind, json).await,
        ClientCommand::Sync(args) => sync::run(&client, args, kind, json).await,
        ClientCommand::Search(args) => search::run(&client, args, kind, matches, json).await,
        ClientCommand::Rank { query, files, no_calibrate } => {
            let calibrate = search::calibrate(no_calibrate);
            rank::run(&client, search::parts(query, Vec::new(), kind, matches)?, files, kind, calibrate, json).await
        }
        ClientCommand::Classify { text, file, label, template } => {
            classify::run(&client, text, file, kind, label, template, json).await
        }
        ClientCommand::Collection(command) => collection::run(&client, command, json).await,
        ClientCommand::Item(command) => item::run(&client, command, json).await,
        ClientCommand::Space => space::run(&client, json).await,
        ClientCommand::Health { .. } => Ok(Outcome::AllWell),
    }
}

/// Why a media has no answer, in a line: an item's failure with its reason, before the sentence that explains it.
pub fn explain(error: &onespace_client::Error) -> String {
    match error.scope {
        Scope::Item => format!("{}: {}", error.reason, error.message),
        Scope::Connection | Scope::Call => error.to_string(),
    }
}
