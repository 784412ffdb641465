//! Commands about collections and the items in them.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use onespace_proto::v1::{FieldKind, Filter, field_condition::Key};
use serde_json::Value;

use crate::word::Word;

/// `onespace collection`.
#[derive(Debug, Subcommand)]
pub enum CollectionCommand {
    /// List collections.
    List,
    /// Make a collection.
    Create {
        /// Its name.
        name: String,
        /// An indexed metadata field, as NAME=keyword|integer|float|bool.
        #[arg(long, value_name = "NAME=KIND", value_parser = index)]
        index: Vec<(String, FieldKind)>,
        /// Store vectors of this many values, one of the lengths that `onespace space` lists. Default: whole ones.
        #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "N")]
        dimension: u32,
    },
    /// Index metadata fields of a collection, of what is stored already too.
    Index {
        /// Its name.
        name: String,
        /// Fields, as NAME=keyword|integer|float|bool.
        #[arg(required = true, value_name = "NAME=KIND", value_parser = index)]
        index: Vec<(String, FieldKind)>,
    },
    /// Give a collection another name.
    Rename {
        /// Its name.
        name: String,
        /// Its new name.
        new_name: String,
    },
    /// Lead another name to a collection, wherever it led before; or take one away.
    Alias {
        /// The other name.
        alias: String,
        /// The collection.
        #[arg(required_unless_present = "remove", conflicts_with = "remove")]
        collection: Option<String>,
        /// Take it away.
        #[arg(long)]
        remove: bool,
    },
    /// Write a collection with its vectors to a file: a JSON line for each item. Cut short, the same command goes on.
    Export {
        /// Its name.
        name: String,
        /// A file that is not there yet.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Store what `export` has written, vectors and all; the space must be the same. Nothing is embedded.
    Import {
        /// What `export` has written.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The collection; made if it is not there. Default: as it was called.
        name: Option<String>,
    },
    /// Remove a collection with all that is in it.
    Delete {
        /// Its name.
        name: String,
    },
}

/// `onespace item`.
#[derive(Debug, Subcommand)]
pub enum ItemCommand {
    /// List the items of a collection.
    List {
        /// The collection.
        #[arg(long, short, value_name = "C")]
        collection: String,
        /// Conditions, as for search.
        #[arg(long, value_name = "EXPR", value_parser = crate::filter::parse)]
        filter: Option<Filter>,
    },
    /// Show an item: what is said of it, and what stands for it.
    Get {
        /// The collection.
        #[arg(long, short, value_name = "C")]
        collection: String,
        /// The item's id.
        item_id: String,
        /// Its vectors as well; only with --json.
        #[arg(long)]
        vectors: bool,
    },
    /// The values of a field, and how many items have each.
    Facets {
        /// The collection.
        #[arg(long, short, value_name = "C")]
        collection: String,
        /// A metadata field, or one of ours with a leading dot: .modality
        #[arg(value_name = "FIELD", value_parser = crate::filter::parse_key)]
        field: Key,
        /// Conditions, as for search.
        #[arg(long, value_name = "EXPR", value_parser = crate::filter::parse)]
        filter: Option<Filter>,
        /// Values, the most frequent first.
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: u32,
    },
    /// Count the items of a collection.
    Count {
        /// The collection.
        #[arg(long, short, value_name = "C")]
        collection: String,
        /// Conditions, as for search.
        #[arg(long, value_name = "EXPR", value_parser = crate::filter::parse)]
        filter: Option<Filter>,
    },
    /// Change what is said of items; nothing is embedded.
    Update {
        /// The collection.
        #[arg(long, short, value_name = "C")]
        collection: String,
        /// Item ids.
        #[arg(required_unless_present = "filter", conflicts_with = "filter", value_name = "ITEM_ID")]
        item_ids: Vec<String>,
        /// Conditions, as for search: every item that meets them.
        #[arg(long, value_name = "EXPR", value_parser = crate::filter::parse)]
        filter: Option<Filter>,
        /// Where it came from; empty: nothing is said of that any more.
        #[arg(long, value_name = "URI")]
        uri: Option<String>,
        /// A line for people; empty: none.
        #[arg(long, value_name = "TITLE")]
        title: Option<String>,
        /// A metadata field to write, as NAME=VALUE; others stay.
        #[arg(long, value_name = "NAME=VALUE", value_parser = field)]
        metadata: Vec<(String, Value)>,
        /// A metadata field to take away.
        #[arg(long, value_name = "NAME")]
        remove: Vec<String>,
    },
    /// Remove items, by their ids or by a filter.
    Delete {
        /// The collection.
        #[arg(long, short, value_name = "C")]
        collection: String,
        /// Item ids.
        #[arg(required_unless_present = "filter", conflicts_with = "filter", value_name = "ITEM_ID")]
        item_ids: Vec<String>,
        /// Conditions, as for search: every item that meets them.
        #[arg(long, value_name = "EXPR", value_parser = crate::filter::parse)]
        filter: Option<Filter>,
    },
}

/// `NAME=VALUE`; the value means what it means in a filter.
pub fn field(pair: &str) -> Result<(String, Value)> {
    let (name, value) = pair.split_once('=').context("it is not of the form NAME=VALUE")?;
    Ok((name.to_owned(), Word::written(value).json()))
}

/// `NAME=KIND`.
fn index(pair: &str) -> Result<(String, FieldKind)> {
    let (name, kind) = pair.split_once('=').context("it is not of the form NAME=KIND")?;
    let kind = match kind {
        "keyword" => FieldKind::Keyword,
        "integer" => FieldKind::Integer,
        "float" => FieldKind::Float,
        "bool" => FieldKind::Bool,
        other => bail!("\"{other}\" is none of keyword, integer, float, bool"),
    };
    Ok((name.to_owned(), kind))
}
