//! Looking into a bundle on disk.

use std::path::Path;

use anyhow::Result;
use onespace_bundle::Bundle;
use serde_json::json;

use crate::{
    args::{BundleCommand, ModelArgs},
    client::lengths,
    output::{Outcome, Rows, print_line},
    serve,
};

/// Runs a bundle command.
pub async fn run(command: BundleCommand, json: bool) -> Result<Outcome> {
    match command {
        BundleCommand::Inspect { directory } => inspect(&directory, json),
        BundleCommand::Verify { model } => verify(&model, json).await,
    }
}

fn inspect(directory: &Path, json: bool) -> Result<Outcome> {
    let bundle = Bundle::open(directory)?;
    let manifest = bundle.manifest();
    if json {
        let whole = json!({"fingerprint": bundle.space().fingerprint, "manifest": manifest});
        print_line(&whole.to_string());
        return Ok(Outcome::AllWell);
    }
    let bytes: u64 = manifest.files.values().map(|file| file.bytes).sum();
    print_line(&format!("{}, {}", bundle.space().name, manifest.licence));
    let lengths = lengths(manifest.dimension, &manifest.matryoshka);
    print_line(&format!("space {}, dimension {lengths}", bundle.space().fingerprint));
    print_line(&format!("{} pairs of modalities calibrated", manifest.calibration.len()));
    print_line(&format!("{} files, {bytes} bytes, every digest as stated", manifest.files.len()));
    let mut rows = Rows::new(false, ["tower", "model", "native", "alignment", "logit scale"]);
    for head in manifest.towers.heads() {
        let cells = vec![
            head.modality.to_string(),
            head.model.to_owned(),
            head.native_dimension.to_string(),
            head.alignment.unwrap_or("none").to_owned(),
            head.logit_scale.to_string(),
        ];
        rows.push(cells, &json!(null));
    }
    rows.finish();
    Ok(Outcome::AllWell)
}

async fn verify(model: &ModelArgs, json: bool) -> Result<Outcome> {
    let encoder = serve::load(model, &[]).await?;
    let mut rows = Rows::new(json, ["tower", "golden cosine"]);
    for tower in &encoder.info().towers {
        let cells = vec![tower.modality.to_string(), format!("{:.6}", tower.golden_cosine)];
        rows.push(cells, &json!({"tower": tower.modality.name(), "golden_cosine": tower.golden_cosine}));
    }
    rows.finish();
    Ok(Outcome::AllWell)
}
