//! `onespace store verify`.

use std::path::PathBuf;

use anyhow::Result;
use onespace_qdrant::{Fault, verify};
use serde_json::json;

use super::progress;
use crate::output::{Outcome, print_line};

/// Items that a line for people names.
const NAMED: usize = 20;

/// Tells every fault of a data directory.
pub async fn run(directory: PathBuf, json: bool) -> Result<Outcome> {
    let faults = tokio::task::spawn_blocking(move || verify(&directory, &mut progress)).await??;
    for fault in &faults {
        print_line(&if json { line_for_programs(fault) } else { line_for_people(fault) });
    }
    if faults.is_empty() && !json {
        print_line("no faults");
    }
    Ok(Outcome::of(faults.len()))
}

fn line_for_programs(fault: &Fault) -> String {
    let Fault { collection, kind, what, points, items } = fault;
    json!({"collection": collection, "kind": kind, "fault": what, "lost_points": points, "lost_items": items})
        .to_string()
}

fn line_for_people(fault: &Fault) -> String {
    let Fault { collection, kind, what, points, items } = fault;
    let place = if collection.is_empty() { "the store" } else { collection };
    format!("{place}: {kind}: {what}{}", lost(*points, items))
}

/// What is lost, in words; nothing where nothing is.
fn lost(points: usize, items: &[String]) -> String {
    if points == 0 {
        return String::new();
    }
    let named: Vec<_> = items.iter().take(NAMED).map(|item| format!("{item:?}")).collect();
    let more = items.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let of = if items.is_empty() { "items that nothing names".to_owned() } else { named.join(", ") + &more };
    format!("; lost: {points} points, of {of}")
}
