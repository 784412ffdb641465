//! Media in JSON: data URIs and bare base64. What they hold is told from the content; what is said of it is checked.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use onespace_core::{Modality, Result, limits::MEDIA_TYPE_BYTES};
use onespace_proto::{convert::modality_out, v1};

use crate::json::invalid;

/// Encoders differ in whether they fill up the last four letters.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// A media whose text is written out.
#[must_use]
pub fn text(text: &str) -> v1::Media {
    v1::Media { content: Some(v1::media::Content::Text(text.to_owned())), ..v1::Media::default() }
}

/// Whether a text is a media: `data:`, then no blank before its comma. A sentence may begin with the word.
#[must_use]
pub fn is_data_uri(text: &str) -> bool {
    let head = text.get(..5).filter(|head| head.eq_ignore_ascii_case("data:")).and_then(|_| text.split_once(','));
    head.is_some_and(|(head, _)| !head.contains(char::is_whitespace))
}

/// The media that a value of a shape holds: a data URI, a URL (which is refused where it is embedded, unless a policy
/// allows it), or bare base64. A modality that is given is checked against the content.
///
/// # Errors
/// `FIELD_INVALID` for what is no base64.
pub fn media(value: &str, modality: Option<Modality>, media_type: &str) -> Result<v1::Media> {
    if is_data_uri(value) {
        return data_uri(value, modality);
    }
    let is_url = ["http://", "https://", "ftp://", "file://", "s3://", "gs://"]
        .iter()
        .any(|scheme| value.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)));
    let content = if is_url {
        v1::media::Content::Uri(value.to_owned())
    } else {
        v1::media::Content::Data(decode(value)?.into())
    };
    let modality = modality.map_or(0, modality_out);
    Ok(v1::Media { content: Some(content), modality, media_type: media_type.to_owned() })
}

fn data_uri(uri: &str, modality: Option<Modality>) -> Result<v1::Media> {
    let (head, data) = uri.get(5..).and_then(|rest| rest.split_once(',')).unwrap_or_default();
    let Some(media_type) = head.strip_suffix(";base64") else {
        return Err(invalid("", "a data URI is taken in base64 alone: data:image/png;base64,…"));
    };
    if media_type.len() > MEDIA_TYPE_BYTES {
        let message = format!("its media type has {} bytes, the limit is {MEDIA_TYPE_BYTES}", media_type.len());
        return Err(invalid("", message));
    }
    let given = modality.or_else(|| said(media_type)).map_or(0, modality_out);
    let content = Some(v1::media::Content::Data(decode(data)?.into()));
    Ok(v1::Media { content, modality: given, media_type: media_type.to_owned() })
}

/// The modality that a media type names. One that names none, such as `application/octet-stream`, leaves it to the
/// content.
fn said(media_type: &str) -> Option<Modality> {
    match media_type.split('/').next().unwrap_or_default() {
        "image" => Some(Modality::Image),
        "audio" => Some(Modality::Audio),
        "video" => Some(Modality::Video),
        "text" => Some(Modality::Text),
        "model" => Some(Modality::PointCloud),
        _ => None,
    }
}

/// The bytes of base64, in either alphabet; lines may be broken.
fn decode(text: &str) -> Result<Vec<u8>> {
    let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let decoded = if text.contains(char::is_whitespace) {
        engine.decode(text.split_ascii_whitespace().collect::<String>())
    } else {
        engine.decode(text)
    };
    decoded.map_err(|error| invalid("", format!("it is neither a data URI nor base64: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(media: &v1::Media) -> &[u8] {
        match &media.content {
            Some(v1::media::Content::Data(bytes)) => bytes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn base64_comes_in_many_spellings() {
        for spelling in ["+/8AAQ==", "+/8AAQ", "-_8AAQ==", "+/8A\r\n AQ==", "data:;base64,+/8AAQ=="] {
            assert_eq!(bytes(&media(spelling, None, "").unwrap()), [0xfb, 0xff, 0, 1], "{spelling}");
        }
        for wrong in ["+/8AAQ=", "é", "a", "data:image/png,abc", "data:x;base64,?"] {
            assert!(media(wrong, None, "").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_data_uri_says_what_it_is_and_a_sentence_is_none() {
        let wav = media("data:audio/wav;rate=8000;base64,AAAA", None, "").unwrap();
        assert_eq!((wav.modality, wav.media_type.as_str()), (modality_out(Modality::Audio), "audio/wav;rate=8000"));
        let told = media("data:audio/wav;base64,AAAA", Some(Modality::Video), "").unwrap();
        assert_eq!(told.modality, modality_out(Modality::Video));
        assert!(is_data_uri("DATA:image/png;base64,AA") && is_data_uri("data:,x"));
        assert!(!is_data_uri("data: the new oil, they say") && !is_data_uri("data") && !is_data_uri("données,"));
        let url = media("https://example.org/a.png", None, "").unwrap();
        assert!(matches!(url.content, Some(v1::media::Content::Uri(_))));
    }
}
