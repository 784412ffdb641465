//! WAV and its kin, whose lengths are often wrong: programs that write to a pipe, or are ended before they are done,
//! never fill them in, and 32 bits do not hold those of long recordings. Each stretch of samples gets a head that is
//! right, and is a WAV of its own.

use onespace_core::{Patience, Result};

use super::{
    Part,
    chunks::{are_chunks, is_unknown},
    is_full,
    ogg::find,
};

/// How a chunk of Wave64 begins: a name of four letters, then what is the same for all, and sixteen bytes in all.
const WIDE_HEAD: usize = 24;

/// What tells that another file begins.
const FILE: &[u8] = b"WAVEfmt ";

/// A chunk: its name, the length that it states, where its content begins.
struct Chunk {
    name: [u8; 4],
    stated: u64,
    start: usize,
}

/// Bytes of a chunk before its content.
const CHUNK_HEAD: usize = 8;

/// So many chunks are looked at between two looks at the clock.
const UNSEEN: usize = 4096;

/// The stretches of samples; none where the file is of another build.
///
/// # Errors
/// What `patience` says when it is over.
pub fn parts<'a>(bytes: &'a [u8], patience: &Patience) -> Result<Vec<Part<'a>>> {
    let wide = bytes.starts_with(b"riff");
    if bytes.starts_with(b"RIFX") {
        return Ok(Vec::new());
    }
    let mut parts = Vec::new();
    let mut format: &[u8] = &[];
    let mut long = None;
    let (mut at, mut end, mut round) = if wide { (40, 0, 0) } else { (12, stated_end(bytes, 4), 0) };
    while let Some(chunk) = chunk(bytes, at, wide).filter(|_| !is_full(&parts)) {
        patience.check_every(UNSEEN, round, "while the parts of the audio were looked for")?;
        round += 1;
        let rest = bytes.get(chunk.start..).unwrap_or_default();
        let mut length = clipped(chunk.stated, rest);
        match &chunk.name {
            b"RIFF" | b"RF64" | b"BW64" if !wide && rest.starts_with(b"WAVE") => {
                // Another file.
                (format, long, length, end) = (&[], None, 4, stated_end(bytes, chunk.start - 4));
            }
            b"ds64" => long = rest.get(8..16).and_then(|length| length.first_chunk()).map(|l| u64::from_le_bytes(*l)),
            b"fmt " => format = rest.get(..length).unwrap_or_default(),
            b"data" => {
                let stated = long.filter(|_| chunk.stated == 0xffff_ffff).unwrap_or(chunk.stated);
                let inside = bytes.get(chunk.start..end).unwrap_or_default();
                length = samples(stated, rest, inside, wide);
                parts.extend(rest.get(..length).and_then(|samples| part(format, samples)));
            }
            _ => {}
        }
        at = behind(bytes, chunk.start.saturating_add(length), wide);
    }
    Ok(parts)
}

/// Where a file ends whose length stands at a place, or all that there is.
fn stated_end(bytes: &[u8], at: usize) -> usize {
    let stated = bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |digits| u32::from_le_bytes(*digits));
    (at + 4).saturating_add(stated as usize).min(bytes.len())
}

/// How many bytes of what is left are samples; `inside` is what belongs to the same file by its length.
fn samples(stated: u64, rest: &[u8], inside: &[u8], wide: bool) -> usize {
    let fits = usize::try_from(stated).is_ok_and(|stated| stated <= rest.len());
    // Nothing in it, and chunks behind it to the very end: there really is nothing.
    let is_empty = stated == 0 && !wide && are_chunks(rest, u32::from_le_bytes);
    let is_known = fits && !is_unknown(stated);
    let is_short = is_known && leaves_out(stated, inside);
    if is_empty || is_known && !is_short {
        return clipped(stated, rest);
    }
    let rest = if is_short { inside } else { rest };
    // Another file may have been joined to one that does not say where it ends.
    find(rest, FILE).and_then(|at| at.checked_sub(8)).unwrap_or(rest.len())
}

/// Whether something follows in the same file that is neither a chunk nor zeros: samples that the length leaves out.
fn leaves_out(stated: u64, inside: &[u8]) -> bool {
    let end = clipped(stated, inside);
    let left = inside.get(behind(inside, end, false)..).unwrap_or_default();
    left.len() >= CHUNK_HEAD && !is_name(left) && left.iter().any(|byte| *byte != 0)
}

fn clipped(stated: u64, rest: &[u8]) -> usize {
    usize::try_from(stated).unwrap_or(usize::MAX).min(rest.len())
}

fn chunk(bytes: &[u8], at: usize, wide: bool) -> Option<Chunk> {
    let name = *bytes.get(at..)?.first_chunk::<4>()?;
    if wide {
        let size = u64::from_le_bytes(*bytes.get(at.checked_add(16)?..)?.first_chunk()?);
        // It counts its own head.
        let stated = if is_unknown(size) { size } else { size.checked_sub(WIDE_HEAD as u64)? };
        return Some(Chunk { name, stated, start: at + WIDE_HEAD });
    }
    let stated = u64::from(u32::from_le_bytes(*bytes.get(at.checked_add(4)?..)?.first_chunk()?));
    Some(Chunk { name, stated, start: at + 8 })
}

/// Where the next chunk begins: chunks are aligned, though some programs forget it.
fn behind(bytes: &[u8], end: usize, wide: bool) -> usize {
    let aligned = end.next_multiple_of(if wide { 8 } else { 2 });
    let is_name = |at: usize| bytes.get(at..).is_some_and(is_name);
    if aligned > end && !is_name(aligned) && is_name(end) { end } else { aligned }
}

/// Whether the name of a chunk is at the head.
fn is_name(bytes: &[u8]) -> bool {
    bytes.get(..4).is_some_and(|name| name.iter().all(|byte| (b' '..=b'z').contains(byte)))
}

/// A WAV of these samples.
fn part<'a>(format: &[u8], samples: &'a [u8]) -> Option<Part<'a>> {
    let (format_bytes, sample_bytes) = (u32::try_from(format.len()).ok()?, u32::try_from(samples.len()).ok()?);
    let padding = if format.len() % 2 == 1 { &[0][..] } else { &[] };
    let all = 4 + 8 + format_bytes + padding.len() as u32 + 8;
    let head = [
        b"RIFF",
        &all.checked_add(sample_bytes)?.to_le_bytes()[..],
        b"WAVEfmt ",
        &format_bytes.to_le_bytes(),
        format,
        padding,
        b"data",
        &sample_bytes.to_le_bytes(),
    ];
    (!format.is_empty()).then(|| Part { head: head.concat(), body: samples, ends_as_stated: true })
}

/// An AIFF whose lengths were never filled in, with lengths that are right; none where they were.
pub fn aiff(bytes: &[u8]) -> Option<Part<'_>> {
    let number = |at: usize| bytes.get(at..)?.first_chunk().map(|digits| u32::from_be_bytes(*digits));
    let (mut at, mut described) = (12, Vec::new());
    loop {
        let name = *bytes.get(at..)?.first_chunk::<4>()?;
        let stated = number(at + 4)?;
        if name == *b"SSND" {
            let rest = bytes.get(at + 8..)?;
            let whole = number(4)? as usize == bytes.len() - 8 || number(4)? as usize == bytes.len() - 9;
            let fits = stated as usize <= rest.len() && !is_unknown(stated.into()) && stated > 8;
            if whole && fits || stated == 0 && are_chunks(rest, u32::from_be_bytes) {
                return None;
            }
            let samples = if fits { rest.get(..stated as usize)? } else { rest };
            let length = u32::try_from(samples.len()).ok()?;
            let all = u32::try_from(4 + described.len() + 8).ok()?.checked_add(length)?;
            let head = [b"FORM", &all.to_be_bytes()[..], bytes.get(8..12)?, &described, b"SSND", &length.to_be_bytes()];
            return Some(Part { head: head.concat(), body: samples, ends_as_stated: true });
        }
        let end = at.checked_add(8)?.checked_add(stated as usize)?.checked_add(stated as usize % 2)?;
        described.extend_from_slice(bytes.get(at..end)?);
        at = end;
    }
}
