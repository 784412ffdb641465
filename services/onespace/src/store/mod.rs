//! `onespace store`: what is done with a data directory beside serving it.

mod backup;
pub mod control;
mod faults;
mod repair;

use anyhow::Result;
use onespace_qdrant::Backup;
use serde_json::json;

use crate::{
    args::StoreCommand,
    output::{Outcome, print_error, print_line},
};

/// Runs a store command.
pub async fn run(command: StoreCommand, json: bool) -> Result<Outcome> {
    match command {
        StoreCommand::Verify { directory } => faults::run(directory, json).await,
        StoreCommand::Repair { directory, collection } => repair::run(directory, collection, json).await,
        StoreCommand::Backup { directory, to } => {
            let backup = backup::run(&directory, &to).await?;
            tell("backed up", &backup, json);
            Ok(Outcome::of(usize::from(backup.damaged > 0) + backup.unavailable.len()))
        }
        StoreCommand::Restore { from, directory } => {
            let restored = onespace_qdrant::restore(&from, &directory, &progress).await?;
            tell("restored and verified", &restored, json);
            Ok(Outcome::AllWell)
        }
    }
}

/// Tells what long work is at.
fn progress(line: &str) {
    print_error(line);
}

fn tell(what: &str, backup: &Backup, json: bool) {
    if json {
        print_line(&json!(backup).to_string());
        return;
    }
    let Backup { collections, points, bytes, damaged, unavailable } = backup;
    print_line(&format!("{what}: {collections} collections, {points} points, {bytes} bytes"));
    if *damaged > 0 {
        print_line(&format!("not in it: {damaged} points that are damaged; `onespace store verify` names them"));
    }
    for collection in unavailable {
        print_line(&format!("not in it: collection {collection}, which cannot be opened; the server's log says why"));
    }
}
