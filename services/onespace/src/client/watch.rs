//! `onespace ingest --watch`: a folder and its collection are kept in step.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use onespace_client::Client;
use onespace_core::limits::ITEMS_PER_REQUEST;
use onespace_proto::v1;
use tokio::time::sleep;

use super::{
    choice::Choice,
    entry::Entry,
    folder_state::FolderState,
    ingest::{Ingest, Sent, summary},
    source::{self, FileKind, FoundFile},
};
use crate::{
    args::IngestArgs,
    output::{Outcome, print_error, print_line},
};

/// A file is taken once nothing was written to it for so long: one that is being written is not read by halves.
const QUIET: Duration = Duration::from_millis(500);
/// How long after a look the next one comes. The system's own events would be sooner, and are lost where there are
/// many, on file systems of other machines, and where watches run out; a look is right everywhere.
const PAUSE: Duration = Duration::from_secs(1);
/// Looking takes at most one part of so many of the time: a million files take seconds.
const SHARE: u32 = 20;
/// How long after a server was not there it is asked again.
const AGAIN: Duration = Duration::from_secs(5);

/// Stores folders, and then whatever changes in them, until it is stopped.
pub async fn run(client: &Client, args: IngestArgs, kind: &FileKind, json: bool) -> Result<Outcome> {
    let choice = Choice::new(&args.files.include, &args.files.exclude)?;
    let mut ingest = Ingest::new(client, args.collection, &args.files, kind, json);
    let roots: Vec<PathBuf> = args.paths.iter().map(|path| folder(path)).collect::<Result<_>>()?;
    let mut state = FolderState::new(QUIET);
    loop {
        let began = Instant::now();
        let looked = look(&roots, &choice, &mut state);
        let pause = PAUSE.max(began.elapsed() * SHARE);
        let pause = match follow(&mut ingest, looked?, &mut state).await {
            Ok(()) => pause,
            Err(error) => {
                print_error(&format!("{error:#}; trying again"));
                AGAIN
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            _ = tokio::signal::ctrl_c() => return Ok(Outcome::AllWell),
        }
    }
}

/// A folder by its whole path, so that its items say the same wherever this is run.
///
/// # Errors
/// Names what is no folder.
pub fn folder(path: &Path) -> Result<PathBuf> {
    let whole = path.canonicalize().with_context(|| path.display().to_string())?;
    if !whole.is_dir() {
        bail!("{}: is no folder", path.display());
    }
    Ok(whole)
}

/// A folder that is gone as a whole was unmounted or moved away: nothing is deleted for that.
fn gone(roots: &[PathBuf]) -> Result<()> {
    match roots.iter().find(|root| !root.is_dir()) {
        Some(root) => bail!("{}: the folder is gone; its items stay", root.display()),
        None => Ok(()),
    }
}

/// One look: the files that are to be sent.
fn look(roots: &[PathBuf], choice: &Choice, state: &mut FolderState) -> Result<Vec<FoundFile>> {
    gone(roots)?;
    let found = source::walk(roots, choice)?;
    gone(roots)?;
    Ok(state.look(found))
}

/// What follows of a look.
async fn follow(ingest: &mut Ingest<'_>, send: Vec<FoundFile>, state: &mut FolderState) -> Result<()> {
    let mut sent = Sent::default();
    if !send.is_empty() {
        let entries = send.iter().map(|file| Entry::new(file.clone(), &ingest.stated)).collect();
        let outcome = ingest.send(entries, &[]).await;
        outcome.as_ref().err().into_iter().for_each(|_| send.iter().for_each(|file| state.forget(&file.path)));
        sent = outcome?;
        if !ingest.json {
            print_line(&summary(&sent.tally));
        }
    }
    let left = state.settle(sent.items);
    let deleted = delete(ingest.client, &ingest.collection, &left).await?;
    state.deleted();
    if deleted > 0 {
        let said = serde_json::json!({"deleted": deleted}).to_string();
        print_line(&if ingest.json { said } else { format!("deleted: {deleted}") });
    }
    Ok(())
}

/// Deletes items.
pub async fn delete(client: &Client, collection: &str, items: &[String]) -> Result<u64> {
    let call = async |client: Client, request| client.collection_service().delete_items(request).await;
    let mut deleted = 0;
    for items in items.chunks(ITEMS_PER_REQUEST) {
        let (collection, item_ids) = (collection.to_owned(), items.to_vec());
        let request = v1::DeleteItemsRequest { collection, item_ids, filter: None };
        deleted += client.call(request, call).await?.deleted;
    }
    Ok(deleted)
}
