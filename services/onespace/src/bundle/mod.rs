//! Bundles on disk: looked into and checked; with the feature `tools` also made.

mod inspect;
mod verify;

use anyhow::Result;
use onespace_bundle::manifest_schema;
use onespace_client::Config;

#[cfg(feature = "tools")]
use crate::tools;
use crate::{
    args::BundleCommand,
    output::{Outcome, print_line},
};

/// Runs a bundle command; one that talks to a server does so as `server` says how.
#[cfg_attr(not(feature = "tools"), expect(unused_variables, reason = "only tools talk to servers"))]
pub async fn run(command: BundleCommand, json: bool, server: &Config) -> Result<Outcome> {
    match command {
        BundleCommand::Inspect { directory } => inspect::run(&directory, json),
        BundleCommand::Verify { model } => verify::run(&model, json).await,
        #[cfg(feature = "tools")]
        BundleCommand::Tool(command) => tools::run(command, json, server).await,
        BundleCommand::Schema => {
            print_line(manifest_schema()?.trim_end());
            Ok(Outcome::AllWell)
        }
    }
}
