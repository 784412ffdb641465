//! From bytes to audio.

use onespace_core::{
    Error, Patience, Reason, Result,
    sniff::{Sniffed, sniff},
};

use crate::{
    edit::Edit,
    intake::{Intake, Mix, MonoAudio, Target},
    joined::{Part, parts},
    part::{Tally, WHILE, decode_part},
    pcm::push_pcm,
    recording::AudioDecoder,
};

/// The formats that are read here, by their names in the table of [`sniff`]; what is in them may be of any codec.
const FORMATS: [&str; 13] = [
    "WAV",
    "Wave64",
    "AIFF",
    "CAF",
    "FLAC",
    "Ogg",
    "Ogg video",
    "MP4 audio",
    "MP4",
    "Matroska audio",
    "Matroska/WebM",
    "MP3",
    "AAC (ADTS)",
];

/// What was heard of a file.
#[derive(Debug)]
pub struct Heard {
    /// The audio.
    pub audio: MonoAudio,
    /// Packets that could not be decoded, within what was.
    pub lost: usize,
    /// Packets that could.
    pub good: usize,
    /// Whether reading ended before the file did, at something that is no packet.
    pub torn: bool,
}

/// Decodes an audio file into one channel as `target` says, part by part and packet by packet, within the limits.
/// `fallback` decodes what this crate cannot.
///
/// Packets that are broken are left out and counted, as players do, unless they are most of the audio; a file that ends
/// early is what there is of it. Of a joined file a part that is broken or cut off is left out and counted as a packet
/// is, once something was heard.
///
/// # Errors
/// `MEDIA_UNSUPPORTED` for a container or codec that is not decoded here, named; `MEDIA_MALFORMED`,
/// `MEDIA_TOO_LARGE`, `MEDIA_EMPTY`; what `patience` says when it is over.
pub fn decode(bytes: &[u8], target: Target, fallback: Option<&AudioDecoder>, patience: &Patience) -> Result<Heard> {
    patience.check(WHILE)?;
    let heard = hear(bytes, target, fallback, patience);
    // A file that ended early because nobody waits any more is not what there is of it.
    patience.check(WHILE)?;
    heard
}

fn hear(bytes: &[u8], target: Target, fallback: Option<&AudioDecoder>, patience: &Patience) -> Result<Heard> {
    let sniffed = sniff(bytes);
    let parts = parts(bytes, sniffed, patience)?;
    let joined = parts.len() > 1;
    let mut intake = Intake::new(target, None);
    let (mut good, mut bad, mut torn) = (0, 0, false);
    for (index, part) in parts.iter().enumerate() {
        patience.check(WHILE)?;
        intake.begin_part(Edit::from_mp4(part.body));
        let decoded = check_known(sniffed).and_then(|()| decode_part(part, &mut intake, patience));
        let decoded = match (decoded, fallback) {
            (Err(error), Some(fallback)) if joined && intake.seen() == 0 && is_foreign(&error) => {
                decode_foreign(part, fallback, &mut intake, patience)
            }
            (decoded, _) => decoded,
        };
        let tally = match decoded {
            // A part that is broken or cut off is a moment of audio less, as a packet is.
            Err(error) if good > 0 && error.reason == Reason::MediaMalformed => Tally { good: 0, bad: 1, torn: true },
            Err(error) if joined => return Err(in_part(error, index, parts.len())),
            tally => tally?,
        };
        good += tally.good;
        bad += tally.bad;
        torn |= tally.torn;
    }
    if bad > good {
        let message = format!("{bad} of {} packets of the audio are broken", good + bad);
        return Err(Error::malformed("bytes", message));
    }
    if let Some(channel) = intake.drowned() {
        return hear(bytes, Target { mix: Mix::Channel(channel), ..target }, fallback, patience);
    }
    Ok(Heard { audio: intake.finish()?, lost: bad, good, torn })
}

/// Decodes a part that this crate cannot.
fn decode_foreign(part: &Part<'_>, fallback: &AudioDecoder, intake: &mut Intake, patience: &Patience) -> Result<Tally> {
    let recording = fallback(&part.to_vec(), patience)?;
    push_pcm(&recording.stretches, intake, patience)?;
    Ok(Tally { good: recording.good, bad: recording.lost, torn: false })
}

/// Whether an error says that the audio is of a kind that is not decoded here.
pub fn is_foreign(error: &Error) -> bool {
    error.reason == Reason::MediaUnsupported
}

/// Whether the content is of a format that is read here, or of none that is known.
pub fn is_own(bytes: &[u8]) -> bool {
    !matches!(sniff(bytes), Sniffed::Known { format, .. } if !FORMATS.contains(&format))
}

/// Refuses by its name what the probe would search for anything that looks like a frame.
fn check_known(sniffed: Sniffed) -> Result<()> {
    match sniffed {
        Sniffed::Known { format, .. } if !FORMATS.contains(&format) => {
            Err(Error::unsupported("bytes", format!("{format} is not decoded here: send WAV, FLAC, MP3, Ogg or M4A")))
        }
        _ => Ok(()),
    }
}

fn in_part(error: Error, index: usize, parts: usize) -> Error {
    let message = format!("part {} of the {parts} that it is joined of: {}", index + 1, error.message);
    Error { message, ..error }
}
