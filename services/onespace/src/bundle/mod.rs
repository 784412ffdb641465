//! Bundles on disk: looked into and checked; with the feature `tools` also made.

mod inspect;
mod verify;

use std::time::Duration;

use anyhow::Result;
use onespace_bundle::manifest_schema;

#[cfg(feature = "tools")]
use crate::tools;
use crate::{
    args::BundleCommand,
    output::{Outcome, print_line},
};

/// Runs a bundle command; one that talks to a server has so much patience with it.
#[cfg_attr(not(feature = "tools"), expect(unused_variables, reason = "only tools talk to servers"))]
pub async fn run(command: BundleCommand, json: bool, patience: Duration) -> Result<Outcome> {
    match command {
        BundleCommand::Inspect { directory } => inspect::run(&directory, json),
        BundleCommand::Verify { model } => verify::run(&model, json).await,
        #[cfg(feature = "tools")]
        BundleCommand::Tool(command) => tools::run(command, json, patience).await,
        BundleCommand::Schema => {
            print_line(manifest_schema()?.trim_end());
            Ok(Outcome::AllWell)
        }
    }
}
