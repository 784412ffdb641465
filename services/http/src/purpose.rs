//! What vectors are for, in the words of others.

use onespace_core::{Error, Modality, Result};
use onespace_proto::{convert::modality_out, v1};

use crate::json::{Object, invalid};

/// The fields by which shapes say what vectors are for: Cohere's, Voyage's and NVIDIA's, Jina's, that of TEI.
const FIELDS: [&str; 3] = ["input_type", "task", "prompt_name"];

/// Words for what asks. Of the other tasks that some models know, grouping and telling apart, these models make nothing
/// of their own: they compare what they are given with each other, as what asks.
const QUERY: [&str; 14] = [
    "query",
    "search_query",
    "retrieval.query",
    "retrieval_query",
    "code.query",
    "question",
    "s2p_query",
    "s2s_query",
    "text-matching",
    "classification",
    "clustering",
    "separation",
    "semantic_similarity",
    "default",
];

/// Words for what is found.
const DOCUMENT: [&str; 9] = [
    "document",
    "search_document",
    "retrieval.passage",
    "retrieval_document",
    "passage",
    "code.passage",
    "corpus",
    "image",
    "index",
];

/// How vectors are made, as a request says it.
///
/// # Errors
/// `FIELD_INVALID` naming the field.
pub fn options(request: &Object<'_>) -> Result<v1::EmbedOptions> {
    let purpose =
        FIELDS.iter().find_map(|field| request.get(field).map(|_| *field)).map(|field| purpose(request, field));
    let target = request.text("target")?.map(modality).transpose().map_err(|error| error.under("target"))?;
    Ok(v1::EmbedOptions {
        purpose: purpose.transpose()?.unwrap_or(v1::Purpose::Unspecified).into(),
        target: target.map_or(0, modality_out),
        ..silent()
    })
}

/// The same, and the length of the vectors, under the name that a shape has for it.
///
/// # Errors
/// As [`options`].
pub fn sized(request: &Object<'_>, dimension: &'static str) -> Result<v1::EmbedOptions> {
    Ok(v1::EmbedOptions { dimension: request.whole(dimension)?.unwrap_or_default(), ..options(request)? })
}

/// An error of these options, under the names of a shape.
#[must_use]
pub fn renamed(error: Error, dimension: &'static str) -> Error {
    let field = match error.field.as_str() {
        "options.dimension" => dimension.to_owned(),
        other => other.strip_prefix("options.").unwrap_or(other).to_owned(),
    };
    Error { field, ..error }
}

/// Options of one vector for each input: what is said in a recording would be one more.
#[must_use]
pub fn silent() -> v1::EmbedOptions {
    let speech = Some(v1::Speech { mode: v1::SpeechMode::Off.into(), language: String::new() });
    v1::EmbedOptions { speech, ..v1::EmbedOptions::default() }
}

/// A modality by its name.
///
/// # Errors
/// `FIELD_INVALID` with all names.
pub fn modality(name: &str) -> Result<Modality> {
    name.parse().map_err(|error: Error| invalid("", error.message))
}

fn purpose(request: &Object<'_>, field: &'static str) -> Result<v1::Purpose> {
    let named = request.text(field)?.unwrap_or_default();
    match named.to_ascii_lowercase().as_str() {
        query if QUERY.contains(&query) => Ok(v1::Purpose::Query),
        document if DOCUMENT.contains(&document) => Ok(v1::Purpose::Document),
        _ => {
            let message = format!("{named:.80?} is none of {}, {}", QUERY.join(", "), DOCUMENT.join(", "));
            Err(invalid(field, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    #[test]
    fn the_words_of_others_mean_one_of_two() {
        let read = |text: &str| {
            let json: Json<'_> = serde_json::from_str(text).unwrap();
            options(json.object("").unwrap()).map(|options| options.purpose())
        };
        assert_eq!(read("{}").unwrap(), v1::Purpose::Unspecified);
        assert_eq!(read(r#"{"task":"retrieval.passage"}"#).unwrap(), v1::Purpose::Document);
        assert_eq!(read(r#"{"input_type":"search_query"}"#).unwrap(), v1::Purpose::Query);
        assert_eq!(read(r#"{"prompt_name":"poem"}"#).unwrap_err().field, "prompt_name");
    }
}
