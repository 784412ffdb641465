//! `onespace collection export` and `import`: items with their vectors, one JSON line each.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use onespace_client::Client;
use onespace_core::limits::{ITEMS_PER_REQUEST, MESSAGE_BYTES};
use onespace_proto::v1;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::{explain, record::Record};
use crate::output::{Outcome, print_error, print_line};

/// What stands in the first line of a file.
const FORMAT: &str = "onespace collection 1";
/// One line: an item of 64 segments in each of several tracks of 4,096 values has less than a tenth of it.
const LINE_BYTES: u64 = 64 << 20;
/// Items asked for at once.
const PAGE: u32 = 256;
/// Bytes of one import's items; what lies above holds the message itself.
const IMPORT_BYTES: usize = MESSAGE_BYTES / 4;

/// The first line of a file: of which collection the others are.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    format: String,
    collection: String,
    space_fingerprint: String,
    dimension: u32,
    indexed: BTreeMap<String, i32>,
}

impl Header {
    async fn of(client: &Client, name: &str) -> Result<Self> {
        let request = v1::GetCollectionRequest { name: name.to_owned() };
        let get = async |client: Client, request| client.collection_service().get_collection(request).await;
        let collection = client.call(request, get).await?.collection.unwrap_or_default();
        Ok(Self {
            format: FORMAT.to_owned(),
            collection: collection.name,
            space_fingerprint: collection.space_fingerprint,
            dimension: collection.dimension,
            indexed: collection.indexed.into_iter().collect(),
        })
    }
}

/// What an export has written so far, beside the file until it is whole.
struct Partial {
    file: File,
    /// The file until it is whole.
    path: PathBuf,
    /// Where the next page starts, and how long the file is before it.
    mark: PathBuf,
    token: String,
    items: u64,
}

impl Partial {
    /// Goes on with what was begun, if it is of the same collection; begins anew otherwise.
    fn open(to: &Path, header: &Header) -> Result<Self> {
        let beside = |end: &str| {
            let mut name = to.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        let (path, mark) = (beside(".part"), beside(".page"));
        if let Some((file, token, items)) = resumed(&path, &mark, header) {
            return Ok(Self { file, path, mark, token, items });
        }
        let mut file = File::create(&path).with_context(|| path.display().to_string())?;
        writeln!(file, "{}", serde_json::to_string(header)?)?;
        Ok(Self { file, path, mark, token: String::new(), items: 0 })
    }

    /// Writes a page, and where the next one starts.
    fn write(&mut self, page: v1::ListItemsResponse) -> Result<()> {
        let mut lines = String::new();
        for item in page.items {
            lines += &serde_json::to_string(&Record::of(item)?)?;
            lines.push('\n');
            self.items += 1;
        }
        self.file.write_all(lines.as_bytes())?;
        self.file.sync_data()?;
        self.token = page.next_page_token;
        let at = self.file.stream_position()?;
        Ok(fs::write(&self.mark, format!("{at} {} {}", self.items, self.token))?)
    }
}

fn resumed(path: &Path, mark: &Path, header: &Header) -> Option<(File, String, u64)> {
    let mark = fs::read_to_string(mark).ok()?;
    let mut words = mark.split_whitespace();
    let (at, items, token) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?);
    let mut file = File::options().read(true).write(true).open(path).ok()?;
    let mut first = String::new();
    BufReader::new(&file).take(LINE_BYTES).read_line(&mut first).ok()?;
    let same = serde_json::from_str::<Header>(&first).ok()? == *header;
    if !same || file.metadata().ok()?.len() < at {
        return None;
    }
    file.set_len(at).ok()?;
    file.seek(SeekFrom::Start(at)).ok()?;
    Some((file, token.to_owned(), items))
}

/// Writes a collection to a file. Cut short, the same command goes on.
pub async fn export(client: &Client, name: &str, to: &Path, json: bool) -> Result<Outcome> {
    if to.exists() {
        bail!("{}: is there already", to.display());
    }
    let header = Header::of(client, name).await?;
    let request = v1::CountItemsRequest { collection: name.to_owned(), filter: None };
    let count = async |client: Client, request| client.collection_service().count_items(request).await;
    let bar = bar("exporting", client.call(request, count).await?.items);
    let mut partial = Partial::open(to, &header)?;
    if !partial.token.is_empty() {
        print_error(&format!("going on after {} items", partial.items));
    }
    let view = v1::ItemView {
        segments: Some(true),
        vectors: Some(true),
        encoding: v1::VectorEncoding::Float32.into(),
        metadata: None,
    };
    let list = async |client: Client, request| client.collection_service().list_items(request).await;
    loop {
        bar.set_position(partial.items);
        let request = v1::ListItemsRequest {
            collection: name.to_owned(),
            filter: None,
            page_size: PAGE,
            page_token: partial.token.clone(),
            view: Some(view),
        };
        partial.write(client.call(request, list).await?)?;
        if partial.token.is_empty() {
            break;
        }
    }
    bar.finish_and_clear();
    fs::rename(&partial.path, to).with_context(|| to.display().to_string())?;
    fs::remove_file(&partial.mark)?;
    let items = partial.items;
    let said = serde_json::json!({"collection": header.collection, "file": to, "items": items});
    print_line(&if json { said.to_string() } else { format!("exported {items} items to {}", to.display()) });
    Ok(Outcome::AllWell)
}

/// Stores what a file holds. What is there already is not written again, so that the same command goes on.
pub async fn import(client: &Client, from: &Path, name: Option<String>, json: bool) -> Result<Outcome> {
    let file = File::open(from).with_context(|| from.display().to_string())?;
    let size = file.metadata()?.len();
    let mut lines = Lines { reader: BufReader::new(file), number: 0 };
    let first = lines.next()?.unwrap_or_default();
    let header: Header =
        serde_json::from_str(&first).ok().filter(|header: &Header| header.format == FORMAT).with_context(|| {
            format!("{}: its first line is not what `onespace collection export` writes", from.display())
        })?;
    let served = client.get_space().await?.space.unwrap_or_default().space_fingerprint;
    if served != header.space_fingerprint {
        let (theirs, ours) = (&header.space_fingerprint, &served);
        bail!("{}: its vectors are of space {theirs}, the server's are of {ours}", from.display());
    }
    let name = name.unwrap_or(header.collection);
    create(client, &name, header.dimension, header.indexed).await?;
    let bar = bar("importing", size);
    let mut tally = BTreeMap::<&str, u64>::new();
    let mut batch = Vec::new();
    let mut bytes = 0;
    while let Some(line) = lines.next()? {
        let record = serde_json::from_str::<Record>(&line).map_err(anyhow::Error::from).and_then(Record::item);
        let item = record.with_context(|| format!("{}: line {}", from.display(), lines.number))?;
        let length = item.encoded_len();
        if batch.len() == ITEMS_PER_REQUEST || bytes + length > IMPORT_BYTES && !batch.is_empty() {
            send(client, &name, std::mem::take(&mut batch), &mut tally).await?;
            bytes = 0;
        }
        bytes += length;
        batch.push(item);
        bar.inc(line.len() as u64 + 1);
    }
    if !batch.is_empty() {
        send(client, &name, batch, &mut tally).await?;
    }
    bar.finish_and_clear();
    let count = |status| tally.get(status).copied().unwrap_or_default();
    let (stored, updated, unchanged, failed) = (count("stored"), count("updated"), count("unchanged"), count("failed"));
    let said = serde_json::json!({
        "collection": name, "stored": stored, "updated": updated, "unchanged": unchanged, "failed": failed,
    });
    let table = format!("stored: {stored}; updated: {updated}; unchanged: {unchanged}; failed: {failed}");
    print_line(&if json { said.to_string() } else { table });
    Ok(Outcome::of(usize::try_from(failed)?))
}

async fn create(client: &Client, name: &str, dimension: u32, indexed: BTreeMap<String, i32>) -> Result<()> {
    let indexed = indexed.into_iter().collect();
    let request = v1::CreateCollectionRequest { name: name.to_owned(), indexed, exist_ok: true, dimension };
    let call = async |client: Client, request| client.collection_service().create_collection(request).await;
    client.call(request, call).await?;
    Ok(())
}

async fn send(
    client: &Client,
    collection: &str,
    items: Vec<v1::Item>,
    tally: &mut BTreeMap<&'static str, u64>,
) -> Result<()> {
    let request = v1::ImportItemsRequest { collection: collection.to_owned(), items };
    let call = async |client: Client, request| client.collection_service().import_items(request).await;
    for result in client.call(request, call).await?.results {
        *tally.entry(super::ingest::status_name(result.status())).or_default() += 1;
        if let Some(error) = result.error {
            print_error(&format!("{}: {}", result.item_id, explain(&error.into())));
        }
    }
    Ok(())
}

/// Lines of a file, each bounded.
struct Lines {
    reader: BufReader<File>,
    number: usize,
}

impl Lines {
    fn next(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        self.number += 1;
        let read = self.reader.by_ref().take(LINE_BYTES).read_line(&mut line)?;
        if read as u64 == LINE_BYTES && !line.ends_with('\n') {
            bail!("line {} has more than {LINE_BYTES} bytes", self.number);
        }
        line.truncate(line.trim_end().len());
        Ok((read > 0).then_some(line))
    }
}

fn bar(what: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:40} {percent}% {eta} left");
    let bar = ProgressBar::new(length).with_prefix(what.to_owned());
    if let Ok(style) = style { bar.with_style(style) } else { bar }
}
