//! Lists of files with what is said of each: JSON lines or CSV.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use onespace_tags::Folder;
use serde::Deserialize;
use serde_json::Value;

use super::{
    entry::{Entry, Own, Stated},
    source::FoundFile,
};
use crate::word::Word;

/// A list at most: a million files with a line of 256 bytes each.
const MANIFEST_BYTES: u64 = 256 << 20;

/// One line.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    path: PathBuf,
    #[serde(default)]
    item_id: String,
    uri: Option<String>,
    title: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, Value>,
}

/// The files of a list. Paths are relative to the list's own folder.
///
/// # Errors
/// Names the list, the line and the cause.
pub fn read(list: &Path, stated: &Arc<Stated>) -> Result<Vec<Entry>> {
    let named = || list.display().to_string();
    if fs::metadata(list).with_context(named)?.len() > MANIFEST_BYTES {
        bail!("{}: more than {MANIFEST_BYTES} bytes", list.display());
    }
    let text = fs::read_to_string(list).with_context(named)?;
    let csv = list.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv"));
    let lines = if csv { csv_lines(&text) } else { json_lines(&text) }.with_context(named)?;
    let mut folders: BTreeMap<PathBuf, Arc<Folder>> = BTreeMap::new();
    let entry = |line: Line| {
        let path = list.parent().unwrap_or(Path::new("")).join(line.path);
        let parent = path.parent().unwrap_or(Path::new("")).to_owned();
        let folder = folders.entry(parent).or_insert_with_key(|parent| Arc::new(Folder::read(parent))).clone();
        let Line { item_id, uri, title, metadata, .. } = line;
        let own = Own { item_id, uri, title, metadata };
        Entry { found: FoundFile { path, folder }, own, stated: Arc::clone(stated) }
    };
    Ok(lines.into_iter().map(entry).collect())
}

fn json_lines(text: &str) -> Result<Vec<Line>> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(number, line)| serde_json::from_str(line).with_context(|| format!("line {number}"))).collect()
}

/// Columns that are not the others' are metadata; a value means what it means in --metadata, an empty one nothing.
fn csv_lines(text: &str) -> Result<Vec<Line>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers()?.clone();
    if !columns.iter().any(|column| column == "path") {
        bail!("line 1 names no column \"path\"");
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record?;
        let mut line = Line::default();
        for (column, value) in columns.iter().zip(&record).filter(|(_, value)| !value.is_empty()) {
            match column {
                "path" => line.path = value.into(),
                "item_id" => value.clone_into(&mut line.item_id),
                "uri" => line.uri = Some(value.to_owned()),
                "title" => line.title = Some(value.to_owned()),
                field => drop(line.metadata.insert(field.to_owned(), Word::written(value).json())),
            }
        }
        if line.path.as_os_str().is_empty() {
            bail!("line {}: no path", record.position().map_or(0, csv::Position::line));
        }
        lines.push(line);
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_read_in_both_forms() {
        let folder = tempfile::tempdir().unwrap();
        let read = |name: &str, text: &str| {
            let list = folder.path().join(name);
            fs::write(&list, text).unwrap();
            let entries = read(&list, &Arc::default())?;
            let own =
                |entry: Entry| (entry.found.path.strip_prefix(folder.path()).unwrap().display().to_string(), entry.own);
            Ok::<_, anyhow::Error>(entries.into_iter().map(own).collect::<Vec<_>>())
        };
        let json = concat!(
            r#"{"path": "a/b.jpg", "item_id": "b", "title": "B, the \"second\"", "#,
            r#""metadata": {"year": 1999, "zip": "01234"}}"#,
            "\n\n  {\"path\": \"c.txt\"}",
        );
        let csv = "path,item_id,title,year,zip\na/b.jpg,b,\"B, the \"\"second\"\"\",1999,01234\nc.txt,,,,\n";
        let metadata = BTreeMap::from([("year".to_owned(), json!(1999)), ("zip".to_owned(), json!("01234"))]);
        let title = Some("B, the \"second\"".to_owned());
        let first = Own { item_id: "b".to_owned(), title, metadata, uri: None };
        let expected = vec![("a/b.jpg".to_owned(), first), ("c.txt".to_owned(), Own::default())];
        assert_eq!(read("list.jsonl", json).unwrap(), expected);
        assert_eq!(read("list.CSV", csv).unwrap(), expected);
        for (name, text, says) in [
            ("list.jsonl", "{\"path\": \"a\"}\n{\"paths\": \"b\"}", "line 2"),
            ("list.jsonl", "{}", "path"),
            ("list.csv", "file\na.txt\n", "no column \"path\""),
            ("list.csv", "path,year\n,1999\n", "line 2: no path"),
            ("list.csv", "path,year\na\n", "line: 2"),
        ] {
            let error = format!("{:#}", read(name, text).unwrap_err());
            assert!(error.contains(says) && error.contains(name), "{error}");
        }
    }
}
