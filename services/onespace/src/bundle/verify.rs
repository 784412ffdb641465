//! `onespace bundle verify`.

use anyhow::Result;
use onespace_bundle::Bundle;
use onespace_core::{Error, Reason};
use onespace_encoder::{LocalEncoder, Options};
use serde_json::json;

use crate::{
    args::ModelArgs,
    output::{Outcome, Rows, print_line},
    serve,
};

/// Tells every fault of manifest and files; where these have none, of each tower.
pub async fn run(model: &ModelArgs, json: bool) -> Result<Outcome> {
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
