//! `onespace bundle fit --method conse`: a classifier into a space that reads texts.

use std::path::Path;

use anyhow::{Context, Result, bail};
use onespace_alignment::Alignment;
use onespace_client::Config;
use onespace_fit::{
    Named, conse,
    list::{self, Item},
};
use serde_json::json;

use super::{
    fit::{FitArgs, record},
    media,
    space::Space,
    write_whole,
};
use crate::output::{Outcome, print_line};

/// Embeds the names, writes the map, and says which two classes it tells apart least.
pub async fn run(args: &FitArgs, file: &Path, json: bool, server: &Config) -> Result<Outcome> {
    let source = Space::open(&args.source, server).await.context("--source")?;
    let mut target = Space::open(&args.target, server).await.context("--target")?;
    let classes = list::classes(file).context("--classes")?;
    if classes.len() != source.dimension {
        bail!("--classes: {} classes, the source tells {} apart", classes.len(), source.dimension);
    }
    let names: Vec<Item> = classes.iter().flatten().cloned().collect();
    let vectors = media::vectors(&mut target, &names, &args.runtime, "names of classes").await.context("--classes")?;
    let mut left = vectors.iter().map(Vec::as_slice);
    let of_classes: Vec<Vec<&[f32]>> = classes.iter().map(|names| left.by_ref().take(names.len()).collect()).collect();
    let Named { map, nearest: (first, second, cosine) } = conse(&of_classes).context("--classes")?;
    let called = |class: usize| classes.get(class).and_then(|names| names.first()).map(Item::to_string);
    let nearest = [called(first), called(second)].map(Option::unwrap_or_default);
    let report = json!({
        "method": "conse", "classes": classes.len(), "names": names.len(), "nearest": nearest, "cosine": cosine,
    });
    let record = record(args, &source, &target, report.clone());
    write_whole(&args.out, &Alignment::of(map).to_safetensors(Some(&record.to_string()))?)?;
    if json {
        print_line(&json!({ "report": report, "written": args.out.display().to_string() }).to_string());
    } else {
        let [one, other] = nearest;
        print_line(&format!("{} classes by {} names", classes.len(), names.len()));
        print_line(&format!("told apart least: {one} and {other}, cosine {cosine:.3}"));
        print_line(&format!("written: {}", args.out.display()));
    }
    Ok(Outcome::AllWell)
}
