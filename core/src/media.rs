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
    /// `MEDIA_EMPTY`, `MEDIA_TOO_LARGE`, `MEDIA_UNSUPPORTED`, `MODALITY_UNKNOWN`, `MODALITY_MISMATCH` or
    /// `URI_NOT_ALLOWED`.
    pub fn resolve(self) -> Result<(Bytes, Modality)> {
        match self.content {
            Content::Text(text) => {
                if let Some(other) = self.modality.filter(|given| *given != Modality::Text) {
                    let message =
                        format!("the content is text, the modality given is {other}: send the file's bytes instead");
                    return Err(Error::new(Reason::ModalityMismatch, "modality", message));
                }
                check_letters(text.len())?;
                Ok((Bytes::from(text), Modality::Text))
            }
            Content::Bytes(bytes) => {
                let modality = resolve_bytes(&bytes, self.modality)?;
                modality.check_bytes("bytes", bytes.len())?;
                Ok((bytes, modality))
            }
            Content::Uri(uri) => {
                let shown: String = uri.chars().take(80).collect();
                let message = format!("this server fetches no URI (\"{shown}\"): send the bytes");
                Err(Error::new(Reason::UriNotAllowed, "uri", message))
            }
        }
    }
}

/// Refuses a text without letters, or with more than there may be; a document has more bytes than letters.
fn check_letters(bytes: usize) -> Result<()> {
    Modality::Text.check_bytes("content", bytes)?;
    if bytes <= limits::TEXT_BYTES {
        return Ok(());
    }
    let limit = format!("{} bytes", limits::TEXT_BYTES);
    Err(Error::too_large("content", "the text", format!("{bytes} bytes"), limit))
}

fn resolve_bytes(bytes: &[u8], given: Option<Modality>) -> Result<Modality> {
    if bytes.is_empty() {
        return Err(Error::new(Reason::MediaEmpty, "bytes", "the media has no bytes"));
    }
    match (sniff::sniff(bytes), given) {
        // A video's container can hold audio alone, a grey image distances; a drawing may be meant as its letters.
        (Sniffed::Known { format, .. }, Some(given)) if given.may_be_in(format) => Ok(given),
        (Sniffed::Known { modality, format }, None) => sniff::check_decoded(format).map(|()| modality),
        (Sniffed::Known { modality, format }, Some(given)) if modality == given => {
            sniff::check_decoded(format).map(|()| given)
        }
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

    #[test]
    fn a_format_that_a_row_names_is_the_senders_to_tell() {
        let names: Vec<&str> = sniff::FORMATS.iter().map(|format| format.name).collect();
        for modality in Modality::ALL {
            let held = names.iter().filter(|name| modality.may_be_in(name)).count();
            assert_eq!(held, modality.other_formats().len(), "{modality}: every format that its row names is one");
        }
        let ogg = sniff::FORMATS.iter().find(|format| format.name == "Ogg video").unwrap();
        assert!(Modality::Audio.may_be_in(ogg.name) && !Modality::Image.may_be_in(ogg.name));
    }
}
