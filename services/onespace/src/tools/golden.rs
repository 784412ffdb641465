//! `onespace bundle golden`: the golden vectors of a bundle whose graphs its owner has changed, quantised for instance.

use std::fs;

use anyhow::{Context, Result, bail};
use onespace_bundle::{MANIFEST_FILE, file_digest};
use onespace_core::{bytes::le_bytes, vector};
use onespace_encoder::{LocalEncoder, Options};
use serde_json::json;
use toml::{Table, Value};

use super::write_whole;
use crate::{
    args::ModelArgs,
    output::{Outcome, Rows},
    serve,
};

/// What such vectors are worth. A reader of the manifest shall not take them for the authors'.
const SELF_MADE: &str = "none: golden vectors were computed by this bundle's own graphs; they guard against drift, \
     not against a wrong graph";

/// Writes what every tower gives for its golden input, and tells how far that is from what was there.
pub async fn run(model: &ModelArgs, json: bool) -> Result<Outcome> {
    let bundle = serve::open(&model.bundle).await?;
    if bundle.manifest().base.is_some() {
        bail!("{} is a composite: its golden vectors are those of its parts", model.bundle.display());
    }
    let vectors = LocalEncoder::golden_vectors(&serve::runtime(&model.runtime)?, &bundle, &Options::default()).await?;
    let manifest = bundle.path(MANIFEST_FILE);
    let mut table: Table = toml::from_str(&fs::read_to_string(&manifest)?)?;
    let mut rows = Rows::new(json, ["tower", "cosine to the vector before"]);
    for head in bundle.manifest().towers.heads() {
        let modality = head.modality;
        let now = vectors.get(&modality).with_context(|| format!("this build has no {modality} tower"))?;
        let before = bundle.vector(&head.golden.vector)?;
        let cosine = vector::cosine(now, &before);
        let path = bundle.path(&head.golden.vector);
        write_whole(&path, &le_bytes(now))?;
        let entry = table.get_mut("files").and_then(|files| files.get_mut(&head.golden.vector));
        let entry = entry.and_then(Value::as_table_mut).context("a golden vector is not listed")?;
        entry.insert("sha256".to_owned(), Value::String(file_digest(&path)?));
        let object = json!({"tower": modality.name(), "cosine": cosine});
        rows.push(vec![modality.to_string(), format!("{cosine:.6}")], &object);
    }
    // Bundles of format 1 say nothing of where they come from.
    if let Some(provenance) = table.get_mut("provenance").and_then(Value::as_table_mut) {
        provenance.insert("reference".to_owned(), Value::String(SELF_MADE.to_owned()));
    }
    write_whole(&manifest, toml::to_string(&table)?.as_bytes())?;
    rows.finish();
    Ok(Outcome::AllWell)
}
