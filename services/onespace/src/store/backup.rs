//! `onespace store backup`.

use std::path::Path;

use anyhow::{Context, Result};
use onespace_core::Reason;
use onespace_qdrant::{Backup, EmbeddedStore};

use super::{control, progress};

/// Has the server that has the directory open write a backup; writes it here where there is none.
pub async fn run(directory: &Path, to: &Path) -> Result<Backup> {
    anyhow::ensure!(directory.join("collections").is_dir(), "{} is no data directory", directory.display());
    let to = std::path::absolute(to).with_context(|| format!("{}", to.display()))?;
    match EmbeddedStore::open(directory) {
        Ok(store) => Ok(store.backup(&to, &progress).await?),
        Err(error) if error.reason == Reason::StoreUnavailable => {
            let asked = control::ask(directory, &to).await;
            asked.with_context(|| format!("{error}, and that was asked for a backup"))
        }
        Err(error) => Err(error.into()),
    }
}
