//! Recordings joined to one file, end to end: each of them is a part, with a head and an encoder of its own. Decoders
//! stop at the first joint, or go on with what the first head said.

mod chunks;
mod frames;
mod marks;
mod mp4;
mod ogg;
mod wave;

use onespace_core::{Error, Patience, Result, limits, sniff::Sniffed};

use self::marks::Mark;

/// A recording that a decoder can read on its own.
#[derive(Debug, PartialEq)]
pub struct Part<'a> {
    /// What stands before its bytes: a head that was made for it, or what it has of bytes further ahead; empty where
    /// all of it is in a row.
    pub head: Vec<u8>,
    /// Its bytes in the file.
    pub body: &'a [u8],
    /// Whether what the head says of its end holds. Where it does not, all is played that there is.
    pub ends_as_stated: bool,
}

impl<'a> Part<'a> {
    /// A part that stands in the file as it is.
    const fn plain(body: &'a [u8]) -> Self {
        Self { head: Vec::new(), body, ends_as_stated: true }
    }

    /// Its bytes in a row, for decoders that want them so.
    pub fn to_vec(&self) -> Vec<u8> {
        [&self.head, self.body].concat()
    }
}

/// The parts of a file of the format that its content tells; one, where there is no joint.
///
/// # Errors
/// `MEDIA_TOO_LARGE` for more parts than allowed; what `patience` says when it is over.
pub fn parts<'a>(bytes: &'a [u8], sniffed: Sniffed, patience: &Patience) -> Result<Vec<Part<'a>>> {
    let Sniffed::Known { format, .. } = sniffed else { return Ok(vec![Part::plain(bytes)]) };
    let parts = match format {
        "MP3" => frames::of_mpeg(bytes),
        "AAC (ADTS)" => frames::of_aac(bytes),
        "WAV" => wave::parts(bytes, patience)?,
        "Ogg" | "Ogg video" => ogg::parts(bytes),
        "MP4 audio" | "MP4" => mp4::parts(bytes),
        _ => Mark::of(format).map_or_else(Vec::new, |mark| marks::parts(bytes, &mark)),
    };
    let parts: Vec<Part<'_>> = match format {
        "Wave64" => wide(&parts, patience)?,
        "AIFF" => parts.into_iter().map(|part| wave::aiff(part.body).unwrap_or(part)).collect(),
        _ => parts,
    };
    if parts.len() > limits::AUDIO_PARTS {
        let found = format!("more than {}", limits::AUDIO_PARTS);
        return Err(Error::too_large("bytes", "the number of parts that it is joined of", found, limits::AUDIO_PARTS));
    }
    Ok(if parts.is_empty() { vec![Part::plain(bytes)] } else { parts })
}

/// The stretches of samples of files of Wave64.
fn wide<'a>(files: &[Part<'a>], patience: &Patience) -> Result<Vec<Part<'a>>> {
    let mut parts = Vec::new();
    for file in files {
        if is_full(&parts) {
            break;
        }
        parts.extend(wave::parts(file.body, patience)?);
    }
    Ok(parts)
}

/// Whether there are so many parts that no more need to be looked for.
const fn is_full(parts: &[Part<'_>]) -> bool {
    parts.len() > limits::AUDIO_PARTS
}
