//! `onespace space`.

use std::{collections::BTreeMap, fmt::Display};

use anyhow::{Context, Result};
use onespace_core::{Terms, Usage};
use onespace_proto::{space::restriction_in, v1};
use serde_json::json;

use super::{Client, modality_name};
use crate::output::{Outcome, Rows, print_line};

/// What the server says of its space.
///
/// # Errors
/// When the server does not answer, or says nothing of its space.
pub async fn get(client: &Client) -> Result<(v1::Space, v1::GetSpaceResponse)> {
    let answer = ask(client).await?;
    let space = answer.space.clone().context("the server says nothing of its space")?;
    Ok((space, answer))
}

async fn ask(client: &Client) -> Result<v1::GetSpaceResponse> {
    client.call(v1::GetSpaceRequest {}, async |client, request| client.space().get_space(request).await).await
}

/// Prints the server's space, towers, formats and limits.
pub async fn run(client: &Client, json: bool) -> Result<Outcome> {
    let (space, answer) = get(client).await?;
    if json {
        print_line(&as_json(&space, &answer).to_string());
        return Ok(Outcome::AllWell);
    }
    print_line(&format!("{} ({}), server {}", space.name, terms(&space), answer.version));
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

fn terms(space: &v1::Space) -> Terms {
    let license = space.license.clone().unwrap_or_default();
    // What this version does not know limits as much as anything can.
    let usage = restriction_in(license.restriction).unwrap_or(Usage::Research);
    Terms { licence: license.name, usage, notice: license.notice }
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

fn as_json(space: &v1::Space, answer: &v1::GetSpaceResponse) -> serde_json::Value {
    let terms = terms(space);
    json!({
        "space_fingerprint": space.space_fingerprint,
        "dimension": space.dimension,
        "name": space.name,
        "license": { "name": terms.licence, "restriction": terms.usage.name(), "notice": terms.notice },
        "version": answer.version,
        "dimensions": space.dimensions,
        "calibration": space.calibration.iter().map(|pair| json!({
            "query": modality_name(pair.query), "item": modality_name(pair.item), "mean": pair.mean, "std": pair.std,
        })).collect::<Vec<_>>(),
        "towers": space.towers.iter().map(|tower| json!({
            "modality": modality_name(tower.modality), "model": tower.model, "logit_scale": tower.logit_scale,
            "golden_cosine": tower.golden_cosine, "space_fingerprint": tower.space_fingerprint,
            "heads": heads(tower).collect::<BTreeMap<_, _>>(),
        })).collect::<Vec<_>>(),
        "formats": answer.formats.iter().map(|format| json!({
            "modality": modality_name(format.modality), "name": format.name, "media_type": format.media_type,
        })).collect::<Vec<_>>(),
        "limits": answer.limits.iter().map(|limit| json!({
            "name": limit.name, "value": limit.value, "unit": limit.unit, "about": limit.about,
        })).collect::<Vec<_>>(),
    })
}
