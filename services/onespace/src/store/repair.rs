//! `onespace store repair`.

use std::path::PathBuf;

use anyhow::Result;
use onespace_qdrant::{Repaired, repair};
use serde_json::json;

use super::progress;
use crate::output::{Outcome, print_line};

/// Repairs what is damaged, and tells which items are gone.
pub async fn run(directory: PathBuf, collection: Option<String>, json: bool) -> Result<Outcome> {
    let work = move || repair(&directory, collection.as_deref(), &mut progress);
    let repaired = tokio::task::spawn_blocking(work).await??;
    for one in &repaired {
        tell(one, json);
    }
    if repaired.is_empty() && !json {
        print_line("nothing is damaged");
    }
    Ok(Outcome::AllWell)
}

fn tell(repaired: &Repaired, json: bool) {
    let Repaired { collection, kept, lost, items, remarks, quarantine } = repaired;
    if json {
        let line = json!({
            "collection": collection, "kept_points": kept, "lost_points": lost, "lost_items": items,
            "remarks": remarks, "quarantine": quarantine,
        });
        print_line(&line.to_string());
        return;
    }
    print_line(&format!("{collection}: {kept} points are sound, {lost} are lost; before: {}", quarantine.display()));
    remarks.iter().for_each(|remark| print_line(&format!("  {remark}")));
    items.iter().for_each(|item| print_line(&format!("  lost: {item}")));
}
