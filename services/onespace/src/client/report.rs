//! A report of what became of each file, by which a run that was cut short goes on.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Write as _},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use serde_json::Value;

/// A JSON line for each file.
pub struct ReportFile {
    file: File,
    /// Files that are stored, and what they were then.
    done: BTreeMap<String, Stamp>,
}

/// What a file is, as far as it tells without being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: u64,
}

impl Stamp {
    /// What a file is now; nothing where it cannot be looked at.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        Some(Self { bytes: metadata.len(), modified: u64::try_from(modified).ok()? })
    }

    /// Whether it was written within so long a time before now.
    pub fn is_younger(self, than: Duration) -> bool {
        let written = UNIX_EPOCH + Duration::from_nanos(self.modified);
        SystemTime::now().duration_since(written).is_ok_and(|age| age < than)
    }
}

impl ReportFile {
    /// Opens a report, or begins one. A line that was cut short says nothing.
    ///
    /// # Errors
    /// Names the file and the cause.
    pub fn open(path: &Path) -> Result<Self> {
        let open = || File::options().read(true).append(true).create(true).open(path);
        let mut file = open().with_context(|| path.display().to_string())?;
        let mut done = BTreeMap::new();
        let mut whole = true;
        for line in BufReader::new(&file).split(b'\n') {
            let line = line.with_context(|| path.display().to_string())?;
            let read: Option<Value> = serde_json::from_slice(&line).ok();
            whole = read.is_some();
            if let Some((source, stamp)) =
                read.as_ref().and_then(|line| Some((line.get("source")?.as_str()?, stamp(line))))
            {
                match stamp {
                    Some(stamp) => done.insert(source.to_owned(), stamp),
                    None => done.remove(source),
                };
            }
        }
        if !whole {
            file.write_all(b"\n")?;
        }
        Ok(Self { file, done })
    }

    /// Whether a file is stored, and has not changed since.
    pub fn has(&self, path: &Path) -> bool {
        let before = self.done.get(&path.display().to_string());
        before.is_some_and(|before| Stamp::of(path).as_ref() == Some(before))
    }

    /// Writes down what became of a file.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&mut self, path: &Path, mut line: Value) -> io::Result<()> {
        if let (Some(stamp), Some(line)) = (Stamp::of(path), line.as_object_mut()) {
            line.insert("bytes".to_owned(), stamp.bytes.into());
            line.insert("modified_ns".to_owned(), stamp.modified.into());
        }
        writeln!(self.file, "{line}")
    }
}

/// What a file was that a line says is stored.
fn stamp(line: &Value) -> Option<Stamp> {
    let number = |name| line.get(name).and_then(Value::as_u64);
    let stored = line.get("status").and_then(Value::as_str).is_some_and(|status| status != "failed");
    stored.then_some(Stamp { bytes: number("bytes")?, modified: number("modified_ns")? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_stored_is_done_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let report = at("report.jsonl");
        for name in ["a", "b", "c"] {
            fs::write(at(name), name).unwrap();
        }
        let line = |name: &str, status: &str| json!({"source": at(name), "status": status});
        let mut first = ReportFile::open(&report).unwrap();
        first.write(&at("a"), line("a", "stored")).unwrap();
        first.write(&at("b"), line("b", "failed")).unwrap();
        first.write(&at("c"), line("c", "unchanged")).unwrap();
        assert!(!first.has(&at("a")), "it is asked about what was done before");
        // A run that was killed leaves half a line.
        fs::write(&report, fs::read_to_string(&report).unwrap() + "{\"source\": \"x").unwrap();
        fs::write(at("c"), "changed").unwrap();
        let mut second = ReportFile::open(&report).unwrap();
        assert_eq!(["a", "b", "c"].map(|name| second.has(&at(name))), [true, false, false]);
        second.write(&at("b"), line("b", "updated")).unwrap();
        let third = ReportFile::open(&report).unwrap();
        assert_eq!(["a", "b", "c"].map(|name| third.has(&at(name))), [true, true, false]);
        fs::remove_file(at("a")).unwrap();
        assert!(!third.has(&at("a")));
    }
}
