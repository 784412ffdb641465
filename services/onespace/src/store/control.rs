//! How a backup is asked of a running server: a socket in its data directory.
//!
//! A backup writes files wherever it is told to, so nobody who merely reaches a port may ask for one. Whoever may open
//! this socket, its owner alone, may read the data directory anyway. One line of JSON asks, lines of JSON answer.

use std::{
    fs::{self, File, Permissions},
    io,
    os::{fd::AsRawFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use anyhow::{Context, Result, bail};
use onespace_qdrant::{Backup, EmbeddedStore};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::mpsc,
};

use super::progress;

/// The socket, within the data directory.
const SOCKET: &str = "control";
/// The longest line that asks: a path has 4096 bytes, and JSON may need six letters for each.
const ASKED_BYTES: u64 = 32 * 1024;

/// Answers whoever asks, as long as the store is open. Without a socket the server serves all the same.
pub fn listen(directory: &Path, store: &Arc<EmbeddedStore>) {
    match bind(directory) {
        Ok(listener) => drop(tokio::spawn(serve(listener, Arc::downgrade(store)))),
        Err(error) => tracing::warn!(%error, "no socket in the data directory: no backup can be asked for"),
    }
}

/// Asks the server that has a directory open for a backup, and waits for it.
pub async fn ask(directory: &Path, to: &Path) -> Result<Backup> {
    let to = to.to_str().context("the path of a backup is no UTF-8")?;
    let short = Short::of(directory)?;
    let mut stream = UnixStream::connect(&short.path).await.context("it does not answer on its socket")?;
    stream.write_all(format!("{}\n", json!({ "backup": to })).as_bytes()).await?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        let answer: Value = serde_json::from_str(&line)?;
        let said = |what: &str| answer.get(what).and_then(Value::as_str);
        if let Some(line) = said("progress") {
            progress(line);
        } else if let Some(error) = said("error") {
            bail!("{error}");
        } else {
            return Ok(serde_json::from_value(answer.get("done").cloned().unwrap_or_default())?);
        }
    }
    bail!("the server ended before the backup was whole")
}

async fn serve(listener: UnixListener, store: Weak<EmbeddedStore>) {
    loop {
        match listener.accept().await {
            // One after the other: a collection takes part in one backup at a time.
            Ok((stream, _)) => {
                let Some(store) = store.upgrade() else { return };
                if let Err(error) = answer(stream, &store).await {
                    tracing::warn!(%error, "whoever asked for a backup went away");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the socket in the data directory fails");
                return;
            }
        }
    }
}

async fn answer(stream: UnixStream, store: &EmbeddedStore) -> Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read.take(ASKED_BYTES)).read_line(&mut line).await?;
    let asked: Value = serde_json::from_str(&line)?;
    let to = asked.get("backup").and_then(Value::as_str).context("nothing that is known was asked for")?;
    tracing::info!(to, "a backup is being written");
    let (sender, mut lines) = mpsc::unbounded_channel();
    let backup = async move {
        let tell = |line: &str| drop(sender.send(line.to_owned()));
        store.backup(Path::new(to), &tell).await
    };
    let forward = async {
        while let Some(line) = lines.recv().await {
            // It comes to its end whether anybody waits for it or not.
            drop(write.write_all(format!("{}\n", json!({ "progress": line })).as_bytes()).await);
        }
    };
    let (outcome, ()) = tokio::join!(backup, forward);
    let last = match outcome {
        Ok(backup) => {
            tracing::info!(to, points = backup.points, bytes = backup.bytes, "a backup is written");
            json!({ "done": backup })
        }
        Err(error) => {
            tracing::warn!(to, %error, "a backup failed");
            json!({ "error": error.to_string() })
        }
    };
    Ok(write.write_all(format!("{last}\n").as_bytes()).await?)
}

fn bind(directory: &Path) -> io::Result<UnixListener> {
    let path = directory.join(SOCKET);
    // What a kill left; the directory is this process's own.
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&Short::of(directory)?.path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// A path of the socket that is short: those of sockets may have 107 bytes, those of directories many more.
struct Short {
    path: PathBuf,
    _directory: File,
}

impl Short {
    fn of(directory: &Path) -> io::Result<Self> {
        let directory = File::open(directory)?;
        Ok(Self { path: format!("/proc/self/fd/{}/{SOCKET}", directory.as_raw_fd()).into(), _directory: directory })
    }
}
