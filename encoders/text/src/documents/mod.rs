//! The text of a document: what its reader reads, without what it is written in.
//!
//! HTML, word processors' files, slides and books lose their markup. Markdown keeps its own, which people read as it
//! is, and so do JSON, YAML and CSV: nothing tells them from other texts for certain.

mod archive;
mod epub;
mod html;
mod office;
mod xml;

use std::borrow::Cow;

use onespace_core::{
    Error, Patience, Result, limits,
    sniff::{Sniffed, check_decoded, sniff},
};

use crate::decode::decode;

/// The text of a file.
///
/// # Errors
/// `MEDIA_MALFORMED` for what cannot be read, `MEDIA_TOO_LARGE` for more text, or more in an archive, than may be;
/// `MEDIA_UNSUPPORTED` for documents that are not read here, by name; what `patience` says when it is over.
pub fn read<'a>(bytes: &'a [u8], patience: &Patience) -> Result<Cow<'a, str>> {
    let format = match sniff(bytes) {
        Sniffed::Known { format, .. } => format,
        Sniffed::Unknown => "",
    };
    let text = match format {
        "HTML" => html::text(&html::decode(bytes)?).into(),
        "DOCX" => office::word(bytes, patience)?.into(),
        "PPTX" => office::slides(bytes, patience)?.into(),
        "OpenDocument" => office::open_document(bytes, patience)?.into(),
        "EPUB" => epub::text(bytes, patience)?.into(),
        "XLSX" | "PDF" | "RTF" | "Office before 2007" => {
            check_decoded(format)?;
            decode(bytes)?
        }
        _ => decode(bytes)?,
    };
    check_length(text.len())?;
    Ok(text)
}

/// Refuses more text than one media may have.
fn check_length(bytes: usize) -> Result<()> {
    if bytes <= limits::TEXT_BYTES {
        return Ok(());
    }
    Err(Error::too_large("bytes", "the text", format!("{bytes} bytes"), format!("{} bytes", limits::TEXT_BYTES)))
}

/// Text as it is gathered: white space in a row is one space, and a line ends where a block does.
#[derive(Debug, Default)]
struct Gathered {
    text: String,
    /// What comes before the next word.
    gap: Option<char>,
}

impl Gathered {
    /// Adds words.
    fn words(&mut self, words: &str) {
        for c in words.chars() {
            if c.is_whitespace() {
                self.gap.get_or_insert(' ');
                continue;
            }
            if let Some(gap) = self.gap.take().filter(|_| !self.text.is_empty()) {
                self.text.push(gap);
            }
            self.text.push(c);
        }
    }

    /// Ends a line.
    fn line(&mut self) {
        self.gap = Some('\n');
    }

    /// Whether there is more than may be.
    fn is_full(&self) -> bool {
        self.text.len() > limits::TEXT_BYTES
    }
}
