//! What makes bundles: none of it is needed to serve one.

pub mod compose;
mod conse;
mod expect;
pub mod fit;
mod golden;
mod media;
mod pull;
mod report;
mod space;

use std::{fs, path::Path};

use anyhow::{Context, Result};
use onespace_client::Config;

use crate::{
    args::{ToolCommand, usage},
    output::Outcome,
};
use fit::Way;

/// Runs a command that makes bundles.
pub async fn run(command: ToolCommand, json: bool, server: &Config) -> Result<Outcome> {
    match command {
        ToolCommand::Golden { model } => golden::run(&model, json).await,
        ToolCommand::Pull(args) => pull::run(args, json).await,
        ToolCommand::Expect(args) => expect::run(&args, json).await,
        ToolCommand::Fit(args) => match (args.method, args.classes.clone()) {
            (Way::Pairs(method), None) => fit::run(*args, method, json, server).await,
            (Way::Conse, Some(classes)) => conse::run(&args, &classes, json, server).await,
            (Way::Conse, None) => Err(usage("--method conse needs --classes, and no pairs")),
            (Way::Pairs(method), Some(_)) => Err(usage(&format!("--method {method} is fitted to --pairs"))),
        },
        ToolCommand::Compose(args) => compose::run(args, json).await,
    }
}

/// Writes a file that is there whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    written.inspect_err(|_| drop(fs::remove_file(&partial))).with_context(|| path.display().to_string())
}
