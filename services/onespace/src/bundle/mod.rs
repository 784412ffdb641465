//! Bundles on disk: looked into, checked, brought together.

pub mod compose;
pub mod fit;
mod golden;
mod inspect;
mod media;
mod report;
mod space;
mod vectors;
mod verify;

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};
use onespace_bundle::manifest_schema;

use crate::{
    args::BundleCommand,
    output::{Outcome, print_line},
    pull,
};

/// Runs a bundle command.
pub async fn run(command: BundleCommand, json: bool, patience: Duration) -> Result<Outcome> {
    match command {
        BundleCommand::Inspect { directory } => inspect::run(&directory, json),
        BundleCommand::Verify { model } => verify::run(&model, json).await,
        BundleCommand::Golden { model } => golden::run(&model, json).await,
        BundleCommand::Pull(args) => pull::run(args, json).await,
        BundleCommand::Schema => {
            print_line(manifest_schema()?.trim_end());
            Ok(Outcome::AllWell)
        }
        BundleCommand::Fit(args) => fit::run(*args, json, patience).await,
        BundleCommand::Compose(args) => compose::run(args, json).await,
    }
}

/// Writes a file that is there whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    written.inspect_err(|_| drop(fs::remove_file(&partial))).with_context(|| path.display().to_string())
}
