//! Lists of media on disk, one pair or one text a line.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

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
    fn parse(written: &str, folder: &Path) -> Self {
        written.strip_prefix('@').map_or_else(|| Self::Text(written.to_owned()), |path| Self::File(folder.join(path)))
    }
}

/// Reads a list of pairs, one a line: `source<TAB>target` (`.tsv`) or `{"source": …, "target": …}` (`.jsonl`). What
/// begins with `@` is a file, named from the list's own folder; anything else is a text.
///
/// # Errors
/// Names the list, and the line that holds no pair.
pub fn pairs(list: &Path) -> Result<Vec<(Item, Item)>> {
    let folder = list.parent().unwrap_or(Path::new("."));
    let json = list.extension().is_some_and(|extension| extension != "tsv");
    let pair = |line: &str| {
        let (source, target) = if json { json_pair(line)? } else { tab_pair(line)? };
        anyhow::Ok((Item::parse(&source, folder), Item::parse(&target, folder)))
    };
    read_lines(list, pair)
}

/// Reads a list of texts, one a line.
///
/// # Errors
/// Names the list where it cannot be read.
pub fn texts(list: &Path) -> Result<Vec<Item>> {
    read_lines(list, |line| Ok(Item::Text(line.to_owned())))
}

/// Reads the names of classes, one class a line, its names between tabs.
///
/// # Errors
/// Names the list, and the line that holds no name.
pub fn classes(list: &Path) -> Result<Vec<Vec<Item>>> {
    let text = fs::read_to_string(list).with_context(|| list.display().to_string())?;
    let names = |(at, line): (usize, &str)| {
        let names = line.split('\t').map(str::trim).filter(|name| !name.is_empty());
        let names: Vec<Item> = names.map(|name| Item::Text(name.to_owned())).collect();
        if names.is_empty() {
            bail!("{}, line {}: a class without a name", list.display(), at + 1);
        }
        Ok(names)
    };
    text.lines().enumerate().map(names).collect()
}

fn read_lines<T>(list: &Path, read: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
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
