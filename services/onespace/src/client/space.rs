//! `onespace space`.

use std::{collections::BTreeMap, fmt::Display};

use anyhow::Result;
use onespace_core::{Terms, Usage};
use onespace_proto::{space::usage_in, v1};
use serde_json::json;

use super::{Client, modality_name};
use crate::output::{Outcome, Rows, print_line};

/// What the server says of its space.
pub async fn get(client: &Client) -> Result<v1::GetSpaceResponse> {
    client.call(v1::GetSpaceRequest {}, async |client, request| client.space().get_space(request).await).await
}

/// Prints the server's space, towers, formats and limits.
pub async fn run(client: &Client, json: bool) -> Result<Outcome> {
    let space = get(client).await?;
    if json {
        print_line(&as_json(&space).to_string());
        return Ok(Outcome::AllWell);
    }
    print_line(&format!("{} ({}), server {}", space.name, terms(&space), space.version));
    print_line(&format!("space {}, dimension {}", space.fingerprint, lengths(space.dimension, &space.matryoshka)));
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
    for tower in space.towers.iter().filter(|tower| tower.vectors != space.fingerprint) {
        print_line(&format!("{} was added: its vectors carry {}", modality_name(tower.modality), tower.vectors));
    }
    if !space.calibration.is_empty() {
        calibration(&space.calibration).finish();
    }
    let mut formats = Rows::new(false, ["modality", "format", "media type"]);
    for format in &space.formats {
        formats.push(
            vec![modality_name(format.modality).to_owned(), format.name.clone(), format.media_type.clone()],
            &json!(null),
        );
    }
    formats.finish();
    let mut limits = Rows::new(false, ["limit", "value", "unit", "about"]);
    for limit in &space.limits {
        limits.push(
            vec![limit.name.clone(), limit.value.to_string(), limit.unit.clone(), limit.about.clone()],
            &json!(null),
        );
    }
    limits.finish();
    Ok(Outcome::AllWell)
}

/// A dimension, and what vectors may be cut to.
pub fn lengths<T: Display>(dimension: T, matryoshka: &[T]) -> String {
    let shorter: Vec<String> = matryoshka.iter().map(ToString::to_string).collect();
    if shorter.is_empty() { dimension.to_string() } else { format!("{dimension} (or {})", shorter.join(", ")) }
}

fn terms(space: &v1::GetSpaceResponse) -> Terms {
    // What this version does not know limits as much as anything can.
    let usage = usage_in(space.usage).unwrap_or(Usage::Research);
    Terms { licence: space.licence.clone(), usage, notice: space.notice.clone() }
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

fn as_json(space: &v1::GetSpaceResponse) -> serde_json::Value {
    json!({
        "fingerprint": space.fingerprint,
        "dimension": space.dimension,
        "name": space.name,
        "licence": space.licence,
        "usage": terms(space).usage.name(),
        "notice": space.notice,
        "version": space.version,
        "matryoshka": space.matryoshka,
        "calibration": space.calibration.iter().map(|pair| json!({
            "query": modality_name(pair.query), "item": modality_name(pair.item), "mean": pair.mean, "std": pair.std,
        })).collect::<Vec<_>>(),
        "towers": space.towers.iter().map(|tower| json!({
            "modality": modality_name(tower.modality), "model": tower.model,
            "logit_scale": tower.logit_scale, "golden_cosine": tower.golden_cosine, "vectors": tower.vectors,
            "heads": heads(tower).collect::<BTreeMap<_, _>>(),
        })).collect::<Vec<_>>(),
        "formats": space.formats.iter().map(|format| json!({
            "modality": modality_name(format.modality), "name": format.name, "media_type": format.media_type,
        })).collect::<Vec<_>>(),
        "limits": space.limits.iter().map(|limit| json!({
            "name": limit.name, "value": limit.value, "unit": limit.unit, "about": limit.about,
        })).collect::<Vec<_>>(),
    })
}
