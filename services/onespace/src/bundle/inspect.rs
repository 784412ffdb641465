//! `onespace bundle inspect`.

use std::path::Path;

use anyhow::Result;
use onespace_bundle::{Bundle, Manifest, Precision};
use serde_json::json;

use crate::{
    client::lengths,
    output::{Outcome, Rows, print_line},
};

/// Prints what a bundle is made of.
pub fn run(directory: &Path, json: bool) -> Result<Outcome> {
    let bundle = Bundle::open(directory)?;
    let (manifest, space) = (bundle.manifest(), bundle.space());
    if json {
        let whole = json!({"space_fingerprint": space.fingerprint, "added": space.added, "manifest": manifest});
        print_line(&whole.to_string());
        return Ok(Outcome::AllWell);
    }
    let bytes: u64 = manifest.files.values().map(|file| file.bytes).sum();
    print_line(&format!("{}, {}", space.name, manifest.license()));
    let lengths = lengths(manifest.dimension, &manifest.matryoshka);
    print_line(&format!("space {}, dimension {lengths}", space.fingerprint));
    for (modality, fingerprint) in &space.added {
        print_line(&format!("{modality} was added to {}: its vectors carry {fingerprint}", bundle.base().name));
    }
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
