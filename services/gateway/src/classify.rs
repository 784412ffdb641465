//! Zero-shot classification: nothing is trained, nothing is stored.

use std::time::Instant;

use futures::{StreamExt, TryStreamExt, stream};
use onespace_core::{
    Deadline, EmbedOptions, Error, Modality, Reason, Result, Scoring, Timings,
    limits::{
        CLASSIFY_PROMPTS, ITEMS_PER_REQUEST, LABEL_BYTES, PROMPTS_IN_FLIGHT, TEMPLATE_BYTES, TEMPLATES, TEXT_BYTES,
        check_text,
    },
    vector::{self, dot},
};
use onespace_proto::{convert, v1};

use crate::{
    Gateway,
    gateway::timed,
    item::{Embedder, Item},
    query,
};

/// Where a caller's template takes the label's text.
const SLOT: &str = "{}";

/// Where a bundle's template takes it.
const LABEL: &str = "{label}";

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
    let media = Item::read(media).map_err(|error| error.under("media"))?;
    let templates = templates(gateway, &request.templates);
    let labels = request
        .labels
        .into_iter()
        .enumerate()
        .map(|(index, label)| LabelExamples::new(label).map_err(|error| error.under(&format!("labels[{index}]"))));
    let labels: Vec<LabelExamples> = labels.collect::<Result<_>>()?;
    let model = probability_model(gateway, &media, &labels, request.logit_scale)?;

    // Media and labels meet each other: where towers have several heads, each is asked for the other's.
    let (modality, target) = (media.modality(), query::common(labels.iter().flat_map(LabelExamples::modalities)));
    let whole = async {
        let options = EmbedOptions { target, ..EmbedOptions::default() };
        let embedder = Embedder::new(gateway, options, deadline);
        embedder.whole(&media).await.map_err(|error| error.under("media"))
    };
    let prototypes = prototypes(gateway, &labels, &templates, modality, deadline);
    let ((vector, mut timings), (prototypes, spent)) = tokio::try_join!(whole, prototypes)?;
    timings.merge(&spent);

    let cosines: Vec<f32> = prototypes.iter().map(|prototype| dot(&vector, prototype)).collect();
    let probabilities = model.scoring.probabilities(&cosines, model.scale);
    let rows = labels.into_iter().map(|label| label.name).zip(cosines).zip(probabilities);
    let mut rows: Vec<_> =
        rows.map(|((label, score), probability)| v1::LabelProbability { label, probability, score }).collect();
    rows.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(v1::ClassifyResponse { labels: rows, timings: Some(convert::timings_out(&timed(started, timings))) })
}

/// What makes probabilities of cosines.
struct ProbabilityModel {
    scale: f32,
    scoring: Scoring,
}

/// Scale and scoring belong to the pair with text; of two towers that are not text, the media's count.
fn probability_model(
    gateway: &Gateway,
    media: &Item,
    labels: &[LabelExamples],
    scale: Option<f32>,
) -> Result<ProbabilityModel> {
    let modality = match media.modality() {
        Modality::Text => labels.iter().flat_map(LabelExamples::modalities).next().unwrap_or(Modality::Text),
        other => other,
    };
    let tower = gateway.tower(modality);
    let scale = match scale {
        Some(scale) if scale.is_finite() && scale > 0.0 => scale,
        Some(scale) => {
            return Err(Error::new(Reason::FieldInvalid, "logit_scale", format!("{scale} is not a positive number")));
        }
        None => tower.map_or(1.0, |tower| tower.logit_scale),
    };
    Ok(ProbabilityModel { scale, scoring: tower.map(|tower| tower.scoring).unwrap_or_default() })
}

/// The caller's templates or, without any, those that the bundle's authors use.
fn templates<'a>(gateway: &'a Gateway, given: &'a [String]) -> Vec<(&'a str, &'static str)> {
    if given.is_empty() {
        let tower = gateway.tower(Modality::Text);
        let own = tower.map(|tower| tower.templates.as_slice()).unwrap_or_default();
        return own.iter().map(|template| (template.as_str(), LABEL)).collect();
    }
    given.iter().map(|template| (template.as_str(), SLOT)).collect()
}

/// A label, not yet embedded.
struct LabelExamples {
    name: String,
    examples: Vec<Example>,
}

/// What shows a label.
struct Example {
    item: Item,
    /// Whether it is a text that was typed, which stands in every template.
    plain: bool,
}

impl LabelExamples {
    fn new(label: v1::Label) -> Result<Self> {
        if label.examples.is_empty() && label.name.is_empty() {
            return Err(Error::new(Reason::FieldRequired, "examples", "a label needs a name or an example"));
        }
        check_text("name", &label.name, LABEL_BYTES)?;
        let first_text = label.examples.iter().find_map(text_of).map(ToOwned::to_owned);
        let name =
            if label.name.is_empty() { first_text.unwrap_or_else(|| "(unnamed)".to_owned()) } else { label.name };
        let examples = if label.examples.is_empty() { vec![text_media(name.clone())] } else { label.examples };
        check_count("examples", examples.len(), 1)?;
        let told = examples.into_iter().enumerate().map(|(index, media)| {
            let plain = text_of(&media).is_some();
            let item = Item::read(media).map_err(|error| error.under(&format!("examples[{index}]")))?;
            Ok(Example { item, plain })
        });
        Ok(Self { name, examples: told.collect::<Result<_>>()? })
    }

    fn modalities(&self) -> impl Iterator<Item = Modality> {
        self.examples.iter().flat_map(|example| example.item.modalities())
    }
}

impl Example {
    /// How many prompts it makes.
    fn prompts(&self, templates: &[(&str, &str)]) -> usize {
        if self.plain { templates.len().max(1) } else { 1 }
    }

    /// One of them.
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` for a prompt that would be longer than a text may be; it is not written down to find out.
    fn prompt(&self, template: Option<&(&str, &str)>) -> Result<Item> {
        let text = self.item.text().filter(|_| self.plain);
        let (Some((template, slot)), Some(text)) = (template, text) else { return Ok(self.item.clone()) };
        let slots = template.matches(slot).count();
        let bytes = template.len() - slots * slot.len() + slots * text.len();
        if bytes > TEXT_BYTES {
            let (found, limit) = (format!("{bytes} bytes"), format!("{TEXT_BYTES} bytes"));
            return Err(Error::too_large("text", "the prompt, the text in its template,", found, limit));
        }
        Ok(Item::of_text(template.replace(slot, text)))
    }
}

/// The unit mean of each label's prompts. So many are embedded at once that none finds the queues full, and no prompt
/// is written down before its turn: a long text in many templates is large.
async fn prototypes(
    gateway: &Gateway,
    labels: &[LabelExamples],
    templates: &[(&str, &str)],
    target: Modality,
    deadline: Deadline,
) -> Result<(Vec<Vec<f32>>, Timings)> {
    let size = |label: &LabelExamples| label.examples.iter().map(|example| example.prompts(templates)).sum::<usize>();
    let sizes: Vec<usize> = labels.iter().map(size).collect();
    let count: usize = sizes.iter().sum();
    if count > CLASSIFY_PROMPTS {
        let message = format!("{count} prompts in all (examples times templates), the limit is {CLASSIFY_PROMPTS}");
        return Err(Error::new(Reason::TooMany, "labels", message));
    }
    let mut places = Vec::with_capacity(count);
    for (label, named) in labels.iter().enumerate() {
        for (example, shown) in named.examples.iter().enumerate() {
            places.extend((0..shown.prompts(templates)).map(|template| (label, example, template)));
        }
    }
    let embedded = places.into_iter().map(|(label, example, template)| async move {
        let shown = labels.get(label).and_then(|named| named.examples.get(example));
        let shown = shown.ok_or_else(|| Error::internal("an example went missing"))?;
        let options = EmbedOptions { target: Some(target), ..EmbedOptions::default() };
        let embedder = Embedder::new(gateway, options, deadline);
        let whole = async { embedder.whole(&shown.prompt(templates.get(template))?).await };
        whole.await.map_err(|error| error.under(&format!("labels[{label}].examples[{example}]")))
    });
    let embedded: Vec<(Vec<f32>, Timings)> = stream::iter(embedded).buffered(PROMPTS_IN_FLIGHT).try_collect().await?;
    let mut timings = Timings::default();
    embedded.iter().for_each(|(_, part)| timings.merge(part));
    let mut rest = embedded.iter().map(|(vector, _)| vector.as_slice());
    let means = sizes.iter().enumerate().map(|(label, size)| {
        vector::mean(rest.by_ref().take(*size)).map_err(|error| error.under(&format!("labels[{label}]")))
    });
    Ok((means.collect::<Result<_>>()?, timings))
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

fn check_templates(templates: &[String]) -> Result<()> {
    if templates.len() > TEMPLATES {
        return Err(Error::new(Reason::TooMany, "templates", format!("{}, the limit is {TEMPLATES}", templates.len())));
    }
    for (index, template) in templates.iter().enumerate() {
        check_text(&format!("templates[{index}]"), template, TEMPLATE_BYTES)?;
    }
    match templates.iter().position(|template| !template.contains(SLOT)) {
        Some(index) => {
            Err(Error::new(Reason::FieldInvalid, format!("templates[{index}]"), "has no \"{}\" for the label"))
        }
        None => Ok(()),
    }
}

/// Refuses fewer than `least` and more than a request may list.
///
/// # Errors
/// `FIELD_REQUIRED`, `TOO_MANY`.
pub fn check_count(field: &str, found: usize, least: usize) -> Result<()> {
    if found < least {
        return Err(Error::new(Reason::FieldRequired, field, format!("{found} given, at least {least} are needed")));
    }
    if found > ITEMS_PER_REQUEST {
        return Err(Error::new(Reason::TooMany, field, format!("{found}, the limit is {ITEMS_PER_REQUEST}")));
    }
    Ok(())
}
