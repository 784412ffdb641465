//! `onespace sync`: a collection is made to hold what a folder holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, BufRead as _, ErrorKind, IsTerminal as _},
    path::Path,
};

use anyhow::{Result, bail};
use onespace_client::{Client, Load as _, media};
use onespace_core::Reason;
use onespace_proto::v1;
use serde_json::json;

use super::{
    choice::Choice,
    entry::Entry,
    ingest::{Ingest, summary},
    source::{self, FileKind, Found},
    watch,
};
use crate::{
    args::SyncArgs,
    output::{Outcome, print_error, print_line},
};

/// Items asked for at once.
const PAGE: u32 = 1000;

/// Runs the command.
pub async fn run(client: &Client, args: SyncArgs, kind: &FileKind, json: bool) -> Result<Outcome> {
    let folder = watch::folder(&args.folder)?;
    let choice = Choice::new(&args.files.include, &args.files.exclude)?;
    let mut ingest = Ingest::new(client, args.collection, &args.files, kind, json);
    let found = source::walk(std::slice::from_ref(&folder), &choice)?;
    if args.dry_run {
        return dry_run(&ingest, &folder, found).await;
    }
    let sent: BTreeSet<String> = found.files.iter().map(|file| file.path.display().to_string()).collect();
    let entries = found.files.into_iter().map(|file| Entry::new(file, &ingest.stated)).collect();
    let result = ingest.send(entries, &found.unread).await?;
    let stored: BTreeMap<String, String> =
        result.items.into_iter().map(|(path, item)| (path.display().to_string(), item)).collect();
    if !json {
        print_line(&summary(&result.tally));
    }
    let held: BTreeSet<&String> = stored.values().collect();
    let mut left = Vec::new();
    for (item, source) in listed(client, &ingest.collection, &folder).await? {
        // A file that could not be stored keeps what stood for it.
        let replaced = sent.contains(&source) && stored.contains_key(&source);
        if !held.contains(&item) && (replaced || is_gone(&source)) {
            left.push((item, source));
        }
    }
    if !left.is_empty() && (args.yes || confirmed(&left)?) {
        let items: Vec<String> = left.into_iter().map(|(item, _)| item).collect();
        let deleted = watch::delete(client, &ingest.collection, &items).await?;
        print_line(&if json { json!({"deleted": deleted}).to_string() } else { format!("deleted: {deleted}") });
    }
    Ok(Outcome::of(result.tally.failed))
}

/// The items whose source lies in a folder, and their sources.
async fn listed(client: &Client, collection: &str, folder: &Path) -> Result<Vec<(String, String)>> {
    let list = async |client: Client, request| client.collection_service().list_items(request).await;
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let view = Some(v1::ItemView { metadata: Some(false), ..Default::default() });
        let collection = collection.to_owned();
        let request = v1::ListItemsRequest { collection, filter: None, page_size: PAGE, page_token, view };
        let page = match client.call(request, list).await {
            Err(error) if error.known_reason() == Some(Reason::CollectionNotFound) => return Ok(all),
            page => page?,
        };
        let within = page.items.into_iter().filter(|item| Path::new(&item.uri).starts_with(folder));
        all.extend(within.map(|item| (item.item_id, item.uri)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(all);
        }
    }
}

/// Whether a file is surely not there: one that cannot be looked at may be.
fn is_gone(source: &str) -> bool {
    fs::symlink_metadata(source)
        .is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory))
}

fn confirmed(left: &[(String, String)]) -> Result<bool> {
    const SHOWN: usize = 10;
    for (item, source) in left.iter().take(SHOWN) {
        print_error(&format!("left: {source} ({item})"));
    }
    if left.len() > SHOWN {
        print_error(&format!("and {} more", left.len() - SHOWN));
    }
    if !io::stdin().is_terminal() {
        bail!("{} items stand for files that left: --yes deletes them, --dry-run shows them", left.len());
    }
    print_error(&format!("delete these {} items? [y/N]", left.len()));
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Says what would be done, by what the items of files are called that nobody named.
async fn dry_run(ingest: &Ingest<'_>, folder: &Path, found: Found) -> Result<Outcome> {
    let items = listed(ingest.client, &ingest.collection, folder).await?;
    let there: BTreeMap<&String, &String> = items.iter().map(|(item, source)| (item, source)).collect();
    let tell = |source: &str, status: &str| {
        let line = json!({"source": source, "status": status}).to_string();
        print_line(&if ingest.json { line } else { format!("{status}: {source}") });
    };
    let mut held = BTreeSet::new();
    for file in found.files {
        let source = file.path.display().to_string();
        let item = Entry::new(file, &ingest.stated).load();
        let hash = item.ok().and_then(|item| media::hashed(item.media.as_ref()?));
        let Some(item) = hash.map(|(_, hash)| hash.item().to_string()) else {
            tell(&source, "would fail");
            // What stands for it stays.
            held.extend(items.iter().filter(|(_, one)| *one == source).map(|(item, _)| item.clone()));
            continue;
        };
        match there.get(&item) {
            Some(before) if **before == source => {}
            Some(_) => tell(&source, "would update"),
            None => tell(&source, "would store"),
        }
        held.insert(item);
    }
    items.iter().filter(|(item, _)| !held.contains(item)).for_each(|(_, source)| tell(source, "would delete"));
    Ok(Outcome::AllWell)
}
