//! Looking into a bundle on disk.

use std::path::Path;

use anyhow::Result;
use onespace_bundle::{Bundle, Manifest, Precision, manifest_schema};
use onespace_core::{Error, Reason};
use onespace_encoder::{LocalEncoder, Options};
use serde_json::json;

use crate::{
    args::{BundleCommand, ModelArgs},
    client::lengths,
    output::{Outcome, Rows, print_line},
    pull, serve,
};

/// Runs a bundle command.
pub async fn run(command: BundleCommand, json: bool) -> Result<Outcome> {
    match command {
        BundleCommand::Inspect { directory } => inspect(&directory, json),
        BundleCommand::Verify { model } => verify(&model, json).await,
        BundleCommand::Pull(args) => pull::run(args, json).await,
        BundleCommand::Schema => {
            print_line(manifest_schema()?.trim_end());
            Ok(Outcome::AllWell)
        }
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
    print_line(&format!("{}, {}", bundle.space().name, manifest.terms()));
    let lengths = lengths(manifest.dimension, &manifest.matryoshka);
    print_line(&format!("space {}, dimension {lengths}", bundle.space().fingerprint));
    if let Some(origin) = origin(manifest) {
        print_line(&origin);
    }
    print_line(&format!("{} pairs of modalities calibrated", manifest.calibration.len()));
    print_line(&format!("{} files, {bytes} bytes, every digest as stated", manifest.files.len()));
    let mut rows = Rows::new(false, ["tower", "graphs", "native", "precision", "alignment", "logit scale", "heads"]);
    for head in manifest.towers.heads() {
        let forbidden: Vec<_> = head.forbid.iter().map(Precision::to_string).collect();
        let never = if forbidden.is_empty() { String::new() } else { format!(", never {}", forbidden.join(", ")) };
        let heads: Vec<_> = head.heads.iter().map(|(target, output)| format!("{target}: {output}")).collect();
        let cells = vec![
            head.modality.to_string(),
            head.models().collect::<Vec<_>>().join(" → "),
            head.native_dimension.to_string(),
            format!("{}{never}", head.precision),
            head.alignment.unwrap_or("none").to_owned(),
            head.logit_scale.to_string(),
            heads.join(", "),
        ];
        rows.push(cells, &json!(null));
    }
    rows.finish();
    Ok(Outcome::AllWell)
}

/// Where the weights come from, as far as the manifest says.
fn origin(manifest: &Manifest) -> Option<String> {
    let from = &manifest.provenance;
    let said = [
        ("checkpoint", &from.checkpoint),
        ("revision", &from.revision),
        ("exporter", &from.exporter),
        ("reference", &from.reference),
    ];
    let said: Vec<_> =
        said.into_iter().filter(|(_, what)| !what.is_empty()).map(|(key, what)| format!("{key} {what}")).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// Tells every fault of manifest and files; where these have none, of each tower.
async fn verify(model: &ModelArgs, json: bool) -> Result<Outcome> {
    let directory = model.bundle.clone();
    let bundle = match tokio::task::spawn_blocking(move || Bundle::verify(&directory)).await? {
        Ok(bundle) => bundle,
        Err(faults) => {
            faults.iter().for_each(|fault| tell(fault, json));
            return Ok(Outcome::of(faults.len()));
        }
    };
    let (runtime, mut faults) = (serve::runtime(&model.runtime)?, 0);
    let mut rows = Rows::new(json, ["tower", "golden cosine"]);
    for head in bundle.manifest().towers.heads() {
        // One at a time: a bundle may be larger than what fits in memory at once.
        let loaded = LocalEncoder::load(&runtime, &bundle, &[head.modality], &Options::default()).await;
        let cosine = match &loaded {
            Ok(encoder) => encoder.info().towers.iter().find(|tower| tower.modality == head.modality),
            // What this build has no decoder for is no fault of the bundle.
            Err(error) if error.reason == Reason::ModalityNotServed => None,
            Err(error) => {
                tell(error, json);
                faults += 1;
                continue;
            }
        };
        let cosine = cosine.map(|tower| tower.golden_cosine);
        let cell = cosine.map_or_else(|| "not served by this build".to_owned(), |cosine| format!("{cosine:.6}"));
        let object = json!({"tower": head.modality.name(), "golden_cosine": cosine});
        rows.push(vec![head.modality.to_string(), cell], &object);
    }
    rows.finish();
    Ok(Outcome::of(faults))
}

fn tell(fault: &Error, json: bool) {
    let line = fault.message.split_whitespace().collect::<Vec<_>>().join(" ");
    if json {
        print_line(&json!({"field": fault.field, "fault": line}).to_string());
    } else if fault.field.is_empty() {
        print_line(&line);
    } else {
        print_line(&format!("{}: {line}", fault.field));
    }
}
