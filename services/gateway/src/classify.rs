//! Zero-shot classification and ranking: nothing is trained, nothing is stored.

use std::time::Instant;

use futures::future::{join_all, try_join_all};
use onespace_core::{
    Deadline, Error, Modality, Reason, Result, Timings,
    limits::ITEMS_PER_REQUEST,
    vector::{self, dot},
};
use onespace_proto::{convert, status::item_error, v1};

use crate::{Gateway, calibrate, gateway::timed, query};

/// Where a prompt template takes the label's text.
const SLOT: &str = "{}";

/// Templates of one request.
const TEMPLATES: usize = 16;

/// Which of the labels fits a media.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`; whatever embedding the media or a label gives, named by its field.
pub async fn classify(
    gateway: &Gateway,
    request: v1::ClassifyRequest,
    deadline: Deadline,
) -> Result<v1::ClassifyResponse> {
    let started = Instant::now();
    check_count("labels", request.labels.len(), 2)?;
    check_templates(&request.templates)?;
    let media = request.media.ok_or_else(|| Error::new(Reason::FieldRequired, "media", "must be set"))?;
    let media = async { query::whole(gateway, media, deadline).await.map_err(|error| error.under("media")) };
    let labels = try_join_all(request.labels.into_iter().enumerate().map(|(index, label)| {
        let templates = &request.templates;
        async move {
            let under = |error: Error| error.under(&format!("labels[{index}]"));
            prototype(gateway, label, templates, deadline).await.map_err(under)
        }
    }));
    let ((vector, modality, mut timings), labels) = tokio::try_join!(media, labels)?;
    labels.iter().for_each(|label| timings.merge(&label.timings));

    let scale = match request.logit_scale {
        Some(scale) if scale.is_finite() && scale > 0.0 => scale,
        Some(scale) => {
            return Err(Error::new(Reason::FieldInvalid, "logit_scale", format!("{scale} is not a positive number")));
        }
        // A temperature belongs to the pair with text; of two towers that are not text, the media's counts.
        None if modality == Modality::Text => labels.first().map_or(1.0, |label| gateway.logit_scale(label.modality)),
        None => gateway.logit_scale(modality),
    };
    let cosines: Vec<f32> = labels.iter().map(|label| dot(&vector, &label.vector)).collect();
    let shares = vector::softmax(&cosines, scale);
    let rows = labels.into_iter().zip(cosines).zip(shares);
    let mut rows: Vec<_> = rows
        .map(|((label, score), probability)| v1::LabelProbability { label: label.name, probability, score })
        .collect();
    rows.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(v1::ClassifyResponse { labels: rows, timings: Some(convert::timings_out(&timed(started, timings))) })
}

struct Prototype {
    name: String,
    vector: Vec<f32>,
    modality: Modality,
    timings: Timings,
}

/// The unit mean of a label's examples; a text example stands in every template.
async fn prototype(gateway: &Gateway, label: v1::Label, templates: &[String], deadline: Deadline) -> Result<Prototype> {
    if label.examples.is_empty() && label.name.is_empty() {
        return Err(Error::new(Reason::FieldRequired, "examples", "a label needs a name or an example"));
    }
    let first_text = label.examples.iter().find_map(text_of).map(ToOwned::to_owned);
    let name = if label.name.is_empty() { first_text.unwrap_or_else(|| "(unnamed)".to_owned()) } else { label.name };
    let examples = if label.examples.is_empty() { vec![text_media(name.clone())] } else { label.examples };
    let prompts: Vec<v1::Media> = examples.into_iter().flat_map(|example| filled(example, templates)).collect();
    check_count("examples", prompts.len(), 1)?;
    let embedded = try_join_all(prompts.into_iter().enumerate().map(|(index, prompt)| async move {
        query::whole(gateway, prompt, deadline).await.map_err(|error| error.under(&format!("examples[{index}]")))
    }))
    .await?;
    let mut timings = Timings::default();
    embedded.iter().for_each(|(_, _, part)| timings.merge(part));
    let vector = vector::mean(embedded.iter().map(|(vector, _, _)| vector.as_slice()))?;
    let modality = embedded.first().map_or(Modality::Text, |(_, modality, _)| *modality);
    Ok(Prototype { name, vector, modality, timings })
}

fn text_of(media: &v1::Media) -> Option<&str> {
    match &media.content {
        Some(v1::media::Content::Text(text)) => Some(text),
        _ => None,
    }
}

fn text_media(text: String) -> v1::Media {
    v1::Media { content: Some(v1::media::Content::Text(text)), ..Default::default() }
}

fn filled(example: v1::Media, templates: &[String]) -> Vec<v1::Media> {
    match text_of(&example) {
        Some(text) if !templates.is_empty() => {
            templates.iter().map(|template| text_media(template.replace(SLOT, text))).collect()
        }
        _ => vec![example],
    }
}

fn check_templates(templates: &[String]) -> Result<()> {
    if templates.len() > TEMPLATES {
        return Err(Error::new(Reason::TooMany, "templates", format!("{}, the limit is {TEMPLATES}", templates.len())));
    }
    match templates.iter().position(|template| !template.contains(SLOT)) {
        Some(index) => {
            Err(Error::new(Reason::FieldInvalid, format!("templates[{index}]"), "has no \"{}\" for the label"))
        }
        None => Ok(()),
    }
}

fn check_count(field: &str, found: usize, least: usize) -> Result<()> {
    if found < least {
        return Err(Error::new(Reason::FieldRequired, field, format!("{found} given, at least {least} are needed")));
    }
    if found > ITEMS_PER_REQUEST {
        return Err(Error::new(Reason::TooMany, field, format!("{found}, the limit is {ITEMS_PER_REQUEST}")));
    }
    Ok(())
}

/// Orders candidates by a question. A candidate that fails comes last, with its reason.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`; `NOT_CALIBRATED`; whatever a part of the question gives.
pub async fn rank(gateway: &Gateway, request: v1::RankRequest, deadline: Deadline) -> Result<v1::RankResponse> {
    use v1::ranked_candidate::Outcome;
    let started = Instant::now();
    check_count("candidates", request.candidates.len(), 1)?;
    let question = query::ask(gateway, None, request.parts, deadline);
    let candidates = join_all(request.candidates.into_iter().map(|media| query::whole(gateway, media, deadline)));
    let (question, candidates) = tokio::join!(question, candidates);
    let question = question?;
    let answers = candidates.iter().flatten().map(|(_, modality, _)| *modality);
    let scales = calibrate::scales(&gateway.space().calibration, &question.modalities, answers, request.calibrate)?;
    let mut timings = question.timings;
    let ranked = candidates.into_iter().zip(0u32..).map(|(candidate, index)| {
        let (outcome, calibrated_score) = match candidate {
            Ok((vector, modality, part)) => {
                timings.merge(&part);
                let cosine = dot(&question.vector, &vector);
                (Outcome::Score(cosine), calibrate::score(scales.as_ref(), modality, cosine))
            }
            Err(error) => (Outcome::Error(item_error(&error.under(&format!("candidates[{index}]")))), None),
        };
        v1::RankedCandidate { index, outcome: Some(outcome), calibrated_score }
    });
    let mut ranked: Vec<_> = ranked.collect();
    let place = |candidate: &v1::RankedCandidate| match candidate.outcome {
        Some(Outcome::Score(cosine)) => candidate.calibrated_score.unwrap_or(cosine),
        _ => f32::NEG_INFINITY,
    };
    ranked.sort_by(|a, b| place(b).total_cmp(&place(a)));
    Ok(v1::RankResponse { candidates: ranked, timings: Some(convert::timings_out(&timed(started, timings))) })
}
