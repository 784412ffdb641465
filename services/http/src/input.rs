//! What becomes one vector, in the shapes that clients send: element by element.
//!
//! | element | becomes |
//! |---|---|
//! | a text | that text; a data URI: its media |
//! | `{"image": …}`, or another modality by its name | a data URI or base64 of that modality |
//! | `{"content": [parts]}`, a list of parts | all parts together, one vector |
//! | numbers | token ids of another model: refused |

use onespace_core::{Error, Modality, Reason, Result, limits::HTTP_INPUTS};
use onespace_proto::v1;

use crate::{
    body::SWITCH,
    json::{Json, Object, invalid},
    media,
};

/// What becomes one vector.
#[derive(Clone, Debug)]
pub struct Input {
    /// Where the request has it, such as `input[3]`.
    pub path: String,
    /// What it is.
    pub media: v1::Media,
}

/// The inputs of a field: a list of elements, or one alone. `hint`: what its texts are (infinity's `modality`).
///
/// # Errors
/// `FIELD_REQUIRED`, `TOO_MANY`; `FIELD_INVALID` naming the element.
pub fn inputs(value: &Json<'_>, field: &str, hint: Option<Modality>) -> Result<Vec<Input>> {
    let Json::List(elements) = value else { return Ok(vec![input(value, field.to_owned(), hint)?]) };
    match elements.as_slice() {
        [] => return Err(Error::new(Reason::FieldRequired, field, "at least one input is needed")),
        [Json::Number(_), ..] => return Err(token_ids(field)),
        _ if elements.len() > HTTP_INPUTS => {
            let message = format!("{} inputs, the limit is {HTTP_INPUTS} (HTTP_INPUTS)", elements.len());
            return Err(Error::new(Reason::TooMany, field, message));
        }
        _ => {}
    }
    let element = |(index, element)| input(element, format!("{field}[{index}]"), hint);
    elements.iter().enumerate().map(element).collect()
}

/// The inputs of a list whose entries are all of one modality.
///
/// # Errors
/// As [`inputs`].
pub fn all_of(value: &Json<'_>, field: &str, modality: Modality) -> Result<Vec<Input>> {
    let mut read = inputs(value, field, Some(modality))?;
    for (input, text) in read.iter_mut().zip(value.list(field)?) {
        let text =
            text.as_text().ok_or_else(|| invalid(&input.path, format!("{}, a text was expected", text.kind())))?;
        if modality == Modality::Text {
            input.media = media::text(text);
        }
    }
    Ok(read)
}

/// One element.
///
/// # Errors
/// `FIELD_*` naming it.
pub fn input(element: &Json<'_>, path: String, hint: Option<Modality>) -> Result<Input> {
    let media = match element {
        Json::Text(text) => text_or_media(text, hint).map_err(|error| error.under(&path))?,
        Json::Object(object) => object_media(object).map_err(|error| error.under(&path))?,
        Json::List(parts) if matches!(parts.first(), Some(Json::Number(_))) => return Err(token_ids(&path)),
        Json::List(parts) => fused(parts, &path)?,
        Json::Null | Json::Flag(_) | Json::Number(_) => {
            return Err(invalid(&path, format!("{}, a text, an object or a list was expected", element.kind())));
        }
    };
    Ok(Input { path, media })
}

/// All the parts of the messages of a conversation, as one vector: vLLM's shape.
///
/// # Errors
/// `FIELD_*` naming the part.
pub fn messages(value: &Json<'_>) -> Result<Input> {
    let (field, mut parts) = ("messages", Vec::new());
    for (index, message) in value.list(field)?.iter().enumerate() {
        let path = format!("{field}[{index}]");
        let content = message.object(&path)?.required("content").map_err(|error| error.under(&path))?;
        parts.extend(match content {
            Json::List(parts) => parts.iter().collect(),
            one => vec![one],
        });
    }
    Ok(Input { path: field.to_owned(), media: fused(parts, field)? })
}

fn token_ids(field: &str) -> Error {
    let message = format!("these are token ids of another model, of which no vector can be made: send texts; {SWITCH}");
    invalid(field, message)
}

fn text_or_media(text: &str, hint: Option<Modality>) -> Result<v1::Media> {
    match hint {
        None | Some(Modality::Text) if !media::is_data_uri(text) => Ok(media::text(text)),
        hint => media::media(text, hint.filter(|hint| *hint != Modality::Text), ""),
    }
}

/// An object: its content, or a media under the name of its modality.
fn object_media(object: &Object<'_>) -> Result<v1::Media> {
    match object.get("content") {
        Some(Json::List(parts)) => return fused(parts, "content"),
        Some(Json::Object(part)) => return part_media(part).map_err(|error| error.under("content")),
        Some(Json::Text(text)) => return text_or_media(text, None),
        Some(other) => return Err(invalid("content", format!("{}, a list of parts was expected", other.kind()))),
        None => {}
    }
    let named: Vec<Modality> =
        Modality::ALL.into_iter().filter(|modality| object.get(modality.name()).is_some()).collect();
    match named.as_slice() {
        [modality] => named_media(*modality, object),
        [] if object.get("type").is_some() => part_media(object),
        [] => {
            let names = Modality::ALL.map(Modality::name).join(", ");
            Err(invalid("", format!("it has none of {names}, content")))
        }
        _ => Err(invalid("", "it names several media: those that become one vector come as parts of \"content\"")),
    }
}

fn named_media(modality: Modality, object: &Object<'_>) -> Result<v1::Media> {
    let name = modality.name();
    let value = object.get(name).and_then(Json::as_text).ok_or_else(|| invalid(name, "a text was expected"))?;
    if modality == Modality::Text && !media::is_data_uri(value) {
        return Ok(media::text(value));
    }
    media::media(value, Some(modality), "").map_err(|error| error.under(name))
}

/// Several media that become one vector.
fn fused<'j, 'a: 'j>(parts: impl IntoIterator<Item = &'j Json<'a>>, path: &str) -> Result<v1::Media> {
    let part = |(index, part): (usize, &Json<'_>)| {
        let path = format!("{path}[{index}]");
        let media = match part {
            Json::Text(text) => text_or_media(text, None),
            Json::Object(object) => object_media(object),
            other => Err(invalid("", format!("{}, a part was expected", other.kind()))),
        };
        let weight = match part {
            Json::Object(object) => weight(object),
            _ => Ok(None),
        };
        let media = media.map_err(|error| error.under(&path))?;
        Ok(v1::WeightedMedia { media: Some(media), weight: weight.map_err(|error| error.under(&path))? })
    };
    let mut parts: Vec<v1::WeightedMedia> = parts.into_iter().enumerate().map(part).collect::<Result<_>>()?;
    // One alone is what it is: it keeps what a part has not.
    if let [v1::WeightedMedia { media, weight: None }] = parts.as_mut_slice()
        && let Some(media) = media.take()
    {
        return Ok(media);
    }
    if parts.is_empty() {
        return Err(Error::new(Reason::FieldRequired, path, "at least one part is needed"));
    }
    Ok(v1::Media { content: Some(v1::media::Content::Parts(v1::MediaParts { parts })), ..v1::Media::default() })
}

fn weight(part: &Object<'_>) -> Result<Option<f32>> {
    match part.get("weight") {
        None => Ok(None),
        #[expect(clippy::cast_possible_truncation, reason = "a weight has no more digits than that")]
        Some(Json::Number(weight)) => Ok(Some(*weight as f32)),
        Some(other) => Err(invalid("weight", format!("{}, a number was expected", other.kind()))),
    }
}

/// A part by its type: `text`, `image_url`, `input_audio`, `video_base64`, …: the name of a modality, dressed.
fn part_media(part: &Object<'_>) -> Result<v1::Media> {
    let Some(kind) = part.text("type")? else {
        return Err(Error::new(Reason::FieldRequired, "type", "it must be there"));
    };
    let (bare, suffix) = ["_url", "_base64"]
        .into_iter()
        .find_map(|suffix| Some((kind.strip_suffix(suffix)?, suffix)))
        .unwrap_or((kind.strip_prefix("input_").unwrap_or(kind), ""));
    let modality = match (bare, suffix) {
        ("file", _) => None,
        _ => Some(
            bare.parse::<Modality>()
                .map_err(|_| invalid("type", format!("{kind:.40?} is no kind of part that is known here")))?,
        ),
    };
    let value = part.first(&["value", "data", "source"]).map(|(_, value)| value);
    let Some(value) = part.get(kind).or_else(|| part.get(bare)).or(value) else {
        return Err(Error::new(Reason::FieldRequired, kind, "the part's content must be there"));
    };
    let (value, format) = match value {
        Json::Text(text) => (&**text, part.text("format")?),
        Json::Object(inner) => {
            let content =
                inner.first(&["url", "data", "file_data", "bytes", "base64"]).and_then(|(_, value)| value.as_text());
            (content.ok_or_else(|| invalid(kind, "it has neither url nor data"))?, inner.text("format")?)
        }
        other => return Err(invalid(kind, format!("{}, a text or an object was expected", other.kind()))),
    };
    if modality == Some(Modality::Text) {
        return text_or_media(value, None);
    }
    let format = format.filter(|format| !["base64", "url"].contains(format));
    let media_type = match (modality, format) {
        (Some(modality), Some(format)) => format!("{modality}/{format}"),
        _ => String::new(),
    };
    media::media(value, modality, &media_type).map_err(|error| error.under(kind))
}

#[cfg(test)]
mod tests {
    use onespace_proto::convert::modality_out;

    use super::*;

    fn read(text: &str) -> Result<Vec<Input>> {
        inputs(&serde_json::from_str(text).unwrap(), "input", None)
    }

    fn refused(text: &str) -> (String, String) {
        let error = read(text).unwrap_err();
        (error.field, error.message)
    }

    #[test]
    fn every_shape_of_an_image_is_that_image() {
        let shapes = [
            r#""data:image/png;base64,AAAA""#,
            r#"{"image":"AAAA"}"#,
            r#"{"image":"data:image/png;base64,AAAA"}"#,
            r#"{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}"#,
            r#"{"content":[{"type":"image_url","image_url":"data:image/png;base64,AAAA"}]}"#,
            r#"{"content":[{"type":"image_base64","image_base64":"data:image/png;base64,AAAA"}]}"#,
            r#"{"content":{"type":"image","format":"base64","value":"data:image/png;base64,AAAA"}}"#,
            r#"{"content":[{"type":"image","format":"base64","value":"AAAA"}]}"#,
            r#"{"content":[{"type":"image","image":"AAAA"}]}"#,
            r#"[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]"#,
            r#"{"type":"input_image","input_image":{"data":"AAAA","format":"png"}}"#,
        ];
        for shape in shapes {
            let read = read(&format!("[{shape}]")).unwrap_or_else(|error| panic!("{shape}: {error}"));
            let [Input { path, media }] = read.as_slice() else { panic!("{shape}") };
            assert_eq!((path.as_str(), media.modality), ("input[0]", modality_out(Modality::Image)), "{shape}");
            assert_eq!(media.content, Some(v1::media::Content::Data(vec![0, 0, 0].into())), "{shape}");
        }
    }

    #[test]
    fn parts_become_one_and_keep_their_weights() {
        let read = read(
            r#"{"content":[{"type":"text","text":"a mug","weight":2},
                {"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},
                {"type":"point_cloud_url","point_cloud_url":{"url":"data:model/ply;base64,AAAA"}}]}"#,
        );
        let [Input { media, .. }] = &read.unwrap()[..] else { panic!() };
        let Some(v1::media::Content::Parts(v1::MediaParts { parts })) = &media.content else { panic!("{media:?}") };
        let told: Vec<_> = parts.iter().map(|part| (part.media.as_ref().unwrap().modality, part.weight)).collect();
        let (audio, points) = (modality_out(Modality::Audio), modality_out(Modality::PointCloud));
        assert_eq!(told, [(0, Some(2.0)), (audio, None), (points, None)]);
        assert_eq!(parts[1].media.as_ref().unwrap().media_type, "audio/wav");
    }

    #[test]
    fn one_text_is_one_input_and_so_is_a_conversation() {
        assert_eq!(read(r#""a mug""#).unwrap()[0].path, "input");
        let talk = r#"[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
            {"role":"user","content":"c"}]"#;
        let Input { media, .. } = messages(&serde_json::from_str(talk).unwrap()).unwrap();
        assert!(matches!(media.content, Some(v1::media::Content::Parts(parts)) if parts.parts.len() == 3));
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_path() {
        for ids in ["[1,2]", "[[1,2],[3]]"] {
            assert!(refused(ids).1.contains("check_embedding_ctx_length=False"), "{ids}");
        }
        assert_eq!(refused(r#"["a",{"image":"?"}]"#).0, "input[1].image");
        assert_eq!(refused(r#"["a",{"smell":"x"}]"#).0, "input[1]");
        assert_eq!(refused(r#"[{"text":"a","image":"AAAA"}]"#).0, "input[0]");
        assert_eq!(refused(r#"[{"content":[{"type":"smell","smell":"x"}]}]"#).0, "input[0].content[0].type");
        assert_eq!(refused(r#"[{"content":[{"type":"image_url"}]}]"#).0, "input[0].content[0].image_url");
        assert_eq!(refused("[]").0, "input");
        assert_eq!(refused("[true]").0, "input[0]");
        let many = format!("[{}\"a\"]", "\"a\",".repeat(HTTP_INPUTS));
        assert!(refused(&many).1.contains("HTTP_INPUTS"));
    }
}
