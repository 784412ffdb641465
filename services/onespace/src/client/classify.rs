//! `onespace classify`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use onespace_client::{Client, media};
use onespace_proto::v1;
use serde_json::json;

use super::source::FileKind;
use crate::output::{Outcome, Rows};

/// Tells which label fits.
pub async fn run(
    client: &Client,
    text: Option<String>,
    file: Option<PathBuf>,
    kind: &FileKind,
    labels: Vec<String>,
    templates: Vec<String>,
    json: bool,
) -> Result<Outcome> {
    let media = match (text, file) {
        (Some(text), _) => Some(media::text(text)),
        (None, Some(path)) => Some(kind.media(&path)?),
        (None, None) => None,
    };
    let labels = labels.iter().map(|text| label(text)).collect::<Result<_>>()?;
    let request = v1::ClassifyRequest { media, labels, templates, logit_scale: None };
    let response =
        client.call(request, async |client: Client, request| client.search_service().classify(request).await).await?;
    let mut rows = Rows::new(json, ["label", "probability", "score"]);
    for row in response.labels {
        let object = json!({"label": row.label, "probability": row.probability, "score": row.score});
        rows.push(vec![row.label, format!("{:.3}", row.probability), format!("{:.3}", row.score)], &object);
    }
    rows.finish();
    Ok(Outcome::AllWell)
}

/// A text, or `@FILE`.
fn label(text: &str) -> Result<v1::Label> {
    match text.strip_prefix('@') {
        Some(path) => {
            Ok(v1::Label { name: path.to_owned(), examples: vec![FileKind::default().media(Path::new(path))?] })
        }
        None => Ok(v1::Label { name: text.to_owned(), examples: vec![media::text(text)] }),
    }
}
