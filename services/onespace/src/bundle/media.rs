//! Lists of media on disk, and their vectors.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, stream};
use onespace_core::{Media, Modality};
use serde_json::Value;

use super::{report::Bar, space::Space};
use crate::{args::RuntimeArgs, client::source, output::print_error};

/// Media that are embedded at once.
const AT_ONCE: usize = 8;

/// One media: `@FILE` in a list, or a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// The text itself.
    Text(String),
    /// A file of any modality.
    File(PathBuf),
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Item {
    fn of(written: &str, folder: &Path) -> Self {
        written.strip_prefix('@').map_or_else(|| Self::Text(written.to_owned()), |path| Self::File(folder.join(path)))
    }

    fn media(&self) -> Result<Media> {
        match self {
            Self::Text(text) => Ok(Media::text(text.clone())),
            Self::File(path) => Ok(Media::bytes(source::read(path)?)),
        }
    }
}

/// Reads a list of pairs, one a line: `source<TAB>target` (`.tsv`) or `{"source": …, "target": …}` (`.jsonl`). What
/// begins with `@` is a file, named from the list's own folder; anything else is a text.
pub fn pairs(list: &Path) -> Result<Vec<(Item, Item)>> {
    let folder = list.parent().unwrap_or(Path::new("."));
    let json = list.extension().is_some_and(|extension| extension != "tsv");
    let pair = |line: &str| {
        let (source, target) = if json { json_pair(line)? } else { tab_pair(line)? };
        anyhow::Ok((Item::of(&source, folder), Item::of(&target, folder)))
    };
    numbered(list, pair)
}

/// Reads a list of texts, one a line.
pub fn texts(list: &Path) -> Result<Vec<Item>> {
    numbered(list, |line| Ok(Item::Text(line.to_owned())))
}

fn numbered<T>(list: &Path, read: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
    let text = fs::read_to_string(list).with_context(|| list.display().to_string())?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| read(line).with_context(|| format!("{}, line {}", list.display(), at + 1))).collect()
}

fn tab_pair(line: &str) -> Result<(String, String)> {
    match line.split('\t').collect::<Vec<_>>()[..] {
        [source, target] => Ok((source.trim().to_owned(), target.trim().to_owned())),
        ref fields => bail!("{} fields between tabs, a pair has 2", fields.len()),
    }
}

fn json_pair(line: &str) -> Result<(String, String)> {
    let value: Value = serde_json::from_str(line)?;
    let side = |name: &str| {
        let text = value.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        text.with_context(|| format!("there is no text \"{name}\""))
    };
    Ok((side("source")?, side("target")?))
}

/// The vectors of media in a space, in their order; what is named twice is embedded once.
///
/// # Errors
/// When any cannot be embedded; each is named on stderr with its reason.
pub async fn vectors(space: &mut Space, items: &[Item], runtime: &RuntimeArgs, what: &str) -> Result<Vec<Vec<f32>>> {
    if items.is_empty() {
        bail!("there are no {what}");
    }
    let distinct: BTreeSet<&Item> = items.iter().collect();
    let mut failures = 0;
    let mut modalities: BTreeSet<Modality> = BTreeSet::new();
    for item in &distinct {
        match item.media().and_then(|media| Ok(media.resolve()?.1)) {
            Ok(modality) => drop(modalities.insert(modality)),
            Err(error) => failures += told(item, &error),
        }
    }
    if failures == 0 {
        space.ready(runtime, &modalities).await?;
        let bar = Bar::new(&format!("embedding {what}"), distinct.len());
        let (space, mut known) = (&*space, BTreeMap::new());
        let embed = |item: &'_ Item| {
            let item = item.clone();
            async move {
                let vector = match item.media() {
                    Ok(media) => space.embed(media).await,
                    Err(error) => Err(error),
                };
                (item, vector)
            }
        };
        let mut answers = stream::iter(distinct.iter().map(|item| embed(item))).buffered(AT_ONCE);
        while let Some((item, vector)) = answers.next().await {
            bar.step();
            match vector {
                Ok(vector) => drop(known.insert(item, vector)),
                Err(error) => failures += bar.aside(|| told(&item, &error)),
            }
        }
        if failures == 0 {
            return Ok(items.iter().filter_map(|item| known.get(item).cloned()).collect());
        }
    }
    bail!("{failures} of {} {what} cannot be embedded, each named above: leave them out", distinct.len())
}

/// Says what is wrong with one media: one failure.
fn told(item: &Item, error: &anyhow::Error) -> usize {
    print_error(&format!("{item}: {error:#}"));
    1
}
