//! What somebody sends.

use bytes::Bytes;

use crate::{
    error::{Error, Reason, Result},
    limits,
    modality::Modality,
    sniff::{self, Sniffed},
};

/// Where the content of a media is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// UTF-8 text.
    Text(String),
    /// The bytes of a file.
    Bytes(Bytes),
    /// Somewhere else; fetched only where the server's policy allows it.
    Uri(String),
}

/// One input: content, and what its sender says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The content itself.
    pub content: Content,
    /// The modality, told from the content when absent.
    pub modality: Option<Modality>,
    /// The media type (`image/png`), a hint only.
    pub media_type: Option<String>,
}

impl Media {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: Content::Text(text.into()), modality: Some(Modality::Text), media_type: None }
    }

    /// Bytes of a modality to be told from the content.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self { content: Content::Bytes(bytes.into()), modality: None, media_type: None }
    }

    /// The bytes to encode and the modality that will encode them: content decides, the sender's word is checked.
    ///
    /// # Errors
    /// `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`, `MODALITY_UNKNOWN`, `MODALITY_MISMATCH` or `URI_NOT_ALLOWED`.
    pub fn resolve(self) -> Result<(Bytes, Modality)> {
        let (bytes, modality) = match self.content {
            Content::Text(text) => match self.modality {
                None | Some(Modality::Text) => (Bytes::from(text), Modality::Text),
                Some(other) => {
                    let message =
                        format!("the content is text, the modality given is {other}: send the file's bytes instead");
                    return Err(Error::new(Reason::ModalityMismatch, "modality", message));
                }
            },
            Content::Bytes(bytes) => {
                let modality = resolve_bytes(&bytes, self.modality)?;
                (bytes, modality)
            }
            Content::Uri(uri) => {
                let message = format!(
                    "this server fetches no URI (\"{}\"): send the bytes",
                    uri.chars().take(80).collect::<String>()
                );
                return Err(Error::new(Reason::UriNotAllowed, "uri", message));
            }
        };
        if bytes.is_empty() {
            return Err(Error::new(Reason::MediaEmpty, "content", "the media has no bytes"));
        }
        let limit = limits::media_bytes(modality);
        if bytes.len() > limit {
            return Err(Error::too_large(
                "bytes",
                &format!("the {modality}"),
                format!("{} bytes", bytes.len()),
                format!("{limit} bytes"),
            ));
        }
        Ok((bytes, modality))
    }
}

fn resolve_bytes(bytes: &[u8], given: Option<Modality>) -> Result<Modality> {
    if bytes.is_empty() {
        return Err(Error::new(Reason::MediaEmpty, "bytes", "the media has no bytes"));
    }
    match (sniff::sniff(bytes), given) {
        (Sniffed::Known { modality, .. }, None) => Ok(modality),
        (Sniffed::Known { modality, .. }, Some(given)) if modality == given => Ok(given),
        // A film's container can hold sound alone, and a sound track is a fair question to the audio tower.
        (Sniffed::Known { modality: Modality::Video, .. }, Some(Modality::Audio)) => Ok(Modality::Audio),
        (Sniffed::Known { modality, format }, Some(given)) => {
            let message = format!("the bytes are {format} ({modality}), the modality given is {given}");
            Err(Error::new(Reason::ModalityMismatch, "modality", message))
        }
        (Sniffed::Unknown, Some(given)) => Ok(given),
        (Sniffed::Unknown, None) => {
            let message =
                format!("no known format begins with {}; known: {}", sniff::head(bytes), sniff::known_formats());
            Err(Error::new(Reason::ModalityUnknown, "bytes", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_and_contradiction_is_named() {
        let png = Bytes::from_static(b"\x89PNG\r\n\x1a\n\0\0\0\0");
        assert_eq!(Media::bytes(png.clone()).resolve().unwrap().1, Modality::Image);
        let lied = Media { modality: Some(Modality::Audio), ..Media::bytes(png) };
        assert_eq!(lied.resolve().unwrap_err().reason, Reason::ModalityMismatch);
        assert_eq!(Media::bytes(Bytes::new()).resolve().unwrap_err().reason, Reason::MediaEmpty);
        assert_eq!(Media::text("").resolve().unwrap_err().reason, Reason::MediaEmpty);
        let long = Media::text("a".repeat(limits::TEXT_BYTES + 1)).resolve().unwrap_err();
        assert_eq!(long.reason, Reason::MediaTooLarge);
        let uri = Media { content: Content::Uri("file:///etc/passwd".into()), modality: None, media_type: None };
        assert_eq!(uri.resolve().unwrap_err().reason, Reason::UriNotAllowed);
    }
}
