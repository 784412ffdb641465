//! `POST /predict`: what a library of Immich asks of its machine learning for a search by words. `GET /ping` before it.

use axum::{
    Json as Answer,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use onespace_core::{Error, Modality, Reason, Result, limits::TEXT_BYTES};
use onespace_kit::arrival::Arrived;
use onespace_proto::{convert::modality_out, v1};
use serde_json::{Value, json};

use crate::{call::Call, embed, form, input::Input, json::invalid, purpose};

/// `GET /ping`.
///
/// # Errors
/// None.
pub async fn ping(_: Call) -> Result<Response> {
    Ok("pong".into_response())
}

/// Answers the vector of an image or of a text, as JSON within JSON.
///
/// # Errors
/// `FIELD_*`; `MODALITY_NOT_SERVED` for what is not CLIP; whatever the media gives.
pub async fn predict(mut call: Call) -> Result<Response> {
    let arrived: Arrived = call.extension().unwrap_or_default();
    let form = read(&mut call).await?;
    let _arrived = arrived.take();
    let (field, media, purpose) = match (form.image, form.text) {
        (Some(image), None) if form.task == "visual" => {
            let (content, modality) = (Some(v1::media::Content::Data(image)), modality_out(Modality::Image));
            ("image", v1::Media { content, modality, ..v1::Media::default() }, v1::Purpose::Document)
        }
        (None, Some(text)) if form.task == "textual" => {
            let content = Some(v1::media::Content::Text(text));
            ("text", v1::Media { content, ..v1::Media::default() }, v1::Purpose::Query)
        }
        _ => {
            let message = "with entries of clip.visual comes an image, with entries of clip.textual a text";
            return Err(Error::new(Reason::FieldRequired, "image", message));
        }
    };
    let inputs = [Input { path: field.to_owned(), media }];
    let options = v1::EmbedOptions { purpose: purpose.into(), ..purpose::silent() };
    let vectors = embed::all(&call, &inputs, &options).await?;
    let values: Vec<String> =
        vectors.iter().flat_map(|vector| vector.values()).map(|value| value.to_string()).collect();
    Ok(Answer(json!({"clip": format!("[{}]", values.join(","))})).into_response())
}

/// What a form holds.
#[derive(Default)]
struct Form {
    task: String,
    image: Option<Bytes>,
    text: Option<String>,
}

async fn read(call: &mut Call) -> Result<Form> {
    let (mut parts, mut read) = (form::parts(call)?, Form::default());
    while let Some(part) = parts.next_field().await.map_err(form::broken)? {
        match part.name() {
            Some("entries") => read.task = task(&form::bytes(part, "entries", TEXT_BYTES).await?)?,
            Some("image") => read.image = Some(form::bytes(part, "image", Modality::Image.max_bytes()).await?),
            Some("text") => read.text = Some(form::text(part, "text", TEXT_BYTES).await?),
            _ => {}
        }
    }
    Ok(read)
}

/// `visual` or `textual`: what is asked of CLIP. Faces and letters are not looked for here.
fn task(entries: &[u8]) -> Result<String> {
    let entries: Value = serde_json::from_slice(entries).map_err(|error| invalid("entries", error.to_string()))?;
    let tasks = || entries.as_object().into_iter().flatten();
    match tasks().next() {
        Some((model, of_it)) if model == "clip" && tasks().count() == 1 => {
            let task = of_it.as_object().into_iter().flatten().next();
            task.map(|(task, _)| task.clone())
                .ok_or_else(|| invalid("entries", "clip.visual or clip.textual is missing"))
        }
        other => {
            let named = other.map_or("nothing", |(model, _)| model.as_str());
            let message = format!("only \"clip\" is served here, not {named:.40?}");
            Err(Error::new(Reason::ModalityNotServed, "entries", message))
        }
    }
}
