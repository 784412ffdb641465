//! Folders that become collections.

use std::path::PathBuf;

use clap::Args;
use globset::Glob;
use serde_json::Value;

use super::stored::field;
use crate::client::choice::pattern;

/// `onespace ingest`.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Files and folders.
    #[arg(required_unless_present = "manifest", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// A list of files with what is said of each. JSON lines: {"path", "item_id", "uri", "title", "metadata": {…}}; or
    /// CSV (.csv) with a column "path", these, and a column for each metadata field. May be repeated.
    #[arg(long, value_name = "FILE")]
    pub manifest: Vec<PathBuf>,
    /// Write a JSON line about each file to this file. Where it is there already, files that it says are stored are not
    /// sent again unless they have changed: a run that was cut short goes on.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Keep the collection in step with the folders until this is stopped: files that come, change, move and leave.
    #[arg(long, conflicts_with_all = ["manifest", "report"])]
    pub watch: bool,
    /// The collection; made if it is not there.
    #[arg(long, short, value_name = "C")]
    pub collection: String,
    #[command(flatten)]
    pub files: FileArgs,
}

/// `onespace sync`.
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// The folder.
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// The collection; made if it is not there.
    #[arg(long, short, value_name = "C")]
    pub collection: String,
    /// Delete the items of files that left without asking.
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Change nothing; say what would be stored, updated and deleted.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub files: FileArgs,
}

/// Which files of a folder are taken, and what is said of them.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// Of folders, only files that match, such as "*.jpg" or "2023/**"; hidden files and sidecars as well. May be
    /// repeated. Upper and lower case are the same.
    #[arg(long, value_name = "GLOB", value_parser = pattern)]
    pub include: Vec<Glob>,
    /// Of folders, no file and no folder that matches. May be repeated. Without --include, hidden files and sidecars
    /// (.xmp, .json of a photo, .mtl, .thm, .aae, …) are left out as well.
    #[arg(long, value_name = "GLOB", value_parser = pattern)]
    pub exclude: Vec<Glob>,
    /// Metadata of every item, as NAME=VALUE.
    #[arg(long, value_name = "NAME=VALUE", value_parser = field)]
    pub metadata: Vec<(String, Value)>,
    /// Do not read what files and their sidecars say of themselves (EXIF, XMP, ID3, Google Takeout, …) into metadata.
    #[arg(long)]
    pub no_media_metadata: bool,
}
