//! `onespace space`.

use std::fmt::Display;

use anyhow::{Context, Result};
use onespace_client::Client;
use onespace_proto::{
    report::{SpaceReport, license},
    v1,
};
use serde_json::json;

use super::modality_name;
use crate::output::{Outcome, Rows, print_line};

/// The space that a server's answer describes.
///
/// # Errors
/// When it says nothing of it.
pub fn space_of(answer: &v1::GetSpaceResponse) -> Result<&v1::Space> {
    answer.space.as_ref().context("the server says nothing of its space")
}

/// Prints the server's space, towers, formats and limits.
pub async fn run(client: &Client, json: bool) -> Result<Outcome> {
    let answer = client.get_space().await?;
    let space = space_of(&answer)?;
    if json {
        print_line(&serde_json::to_string(&SpaceReport::from(answer))?);
        return Ok(Outcome::AllWell);
    }
    print_line(&format!("{} ({}), server {}", space.name, license(space), answer.version));
    print_line(&format!(
        "space {}, dimension {}",
        space.space_fingerprint,
        lengths(space.dimension, &space.dimensions)
    ));
    let mut towers = Rows::new(false, ["tower", "model", "logit scale", "golden cosine", "heads"]);
    for tower in &space.towers {
        let cells = vec![
            modality_name(tower.modality).to_owned(),
            tower.model.clone(),
            format!("{:.2}", tower.logit_scale),
            format!("{:.6}", tower.golden_cosine),
            heads(tower).map(|(target, head)| format!("{target}: {head}")).collect::<Vec<_>>().join(", "),
        ];
        towers.push(cells, &json!(null));
    }
    towers.finish();
    for tower in space.towers.iter().filter(|tower| tower.space_fingerprint != space.space_fingerprint) {
        let carried = &tower.space_fingerprint;
        print_line(&format!("{} was added: its vectors carry {carried}", modality_name(tower.modality)));
    }
    if let Some(transcriber) = &answer.transcriber {
        let v1::Transcriber { name, languages, .. } = transcriber;
        print_line(&format!("speech is written down by {name}, in {} languages", languages.len()));
    } else {
        print_line("speech is not written down: this server has no transcriber");
    }
    if !space.calibration.is_empty() {
        calibration(&space.calibration).finish();
    }
    let mut formats = Rows::new(false, ["modality", "format", "media type"]);
    for format in &answer.formats {
        formats.push(
            vec![modality_name(format.modality).to_owned(), format.name.clone(), format.media_type.clone()],
            &json!(null),
        );
    }
    formats.finish();
    let mut limits = Rows::new(false, ["limit", "value", "unit", "about"]);
    for limit in &answer.limits {
        limits.push(
            vec![limit.name.clone(), limit.value.to_string(), limit.unit.clone(), limit.about.clone()],
            &json!(null),
        );
    }
    limits.finish();
    Ok(Outcome::AllWell)
}

/// A dimension, and what vectors may be cut to.
pub fn lengths<T: Display>(dimension: T, dimensions: &[T]) -> String {
    let shorter: Vec<String> = dimensions.iter().map(ToString::to_string).collect();
    if shorter.is_empty() { dimension.to_string() } else { format!("{dimension} (or {})", shorter.join(", ")) }
}

fn heads(tower: &v1::Tower) -> impl Iterator<Item = (&'static str, &str)> {
    tower.heads.iter().map(|head| (modality_name(head.target), head.name.as_str()))
}

fn calibration(pairs: &[v1::Calibration]) -> Rows {
    let mut rows = Rows::new(false, ["asks", "answers", "unrelated cosine", "deviation"]);
    for pair in pairs {
        let cells = vec![
            modality_name(pair.query).to_owned(),
            modality_name(pair.item).to_owned(),
            format!("{:.3}", pair.mean),
            format!("{:.3}", pair.std),
        ];
        rows.push(cells, &json!(null));
    }
    rows
}
