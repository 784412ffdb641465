//! What makes bundles: none of it is needed to serve one.

pub mod compose;
pub mod fit;
mod golden;
mod media;
mod pull;
mod report;
mod space;

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result};

use crate::{args::ToolCommand, output::Outcome};

/// Runs a command that makes bundles.
pub async fn run(command: ToolCommand, json: bool, patience: Duration) -> Result<Outcome> {
    match command {
        ToolCommand::Golden { model } => golden::run(&model, json).await,
        ToolCommand::Pull(args) => pull::run(args, json).await,
        ToolCommand::Fit(args) => fit::run(*args, json, patience).await,
        ToolCommand::Compose(args) => compose::run(args, json).await,
    }
}

/// Writes a file that is there whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    written.inspect_err(|_| drop(fs::remove_file(&partial))).with_context(|| path.display().to_string())
}
