//! Which part of an MP4's audio is meant to be played.
//!
//! An encoder's first packets are run-in: the file's edit list says where the audio begins and how long it is.
//! The demuxer does not apply it, so it is read here.

/// The part of a track that is played, as ticks of clocks that tick so many times a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edit {
    start: u64,
    media_clock: u64,
    length: u64,
    movie_clock: u64,
}

impl Edit {
    /// The edit of the first audio track of an MP4, where it is a plain cut: one entry, played at its own speed.
    pub fn from_mp4(file: &[u8]) -> Option<Self> {
        let movie = boxes(file).find(|(kind, _)| *kind == b"moov")?.1;
        let movie_clock = clock(inner(movie, &[b"mvhd"])?)?;
        let tracks = boxes(movie).filter(|(kind, _)| *kind == b"trak").map(|(_, track)| track);
        let audio = |track: &&[u8]| inner(track, &[b"mdia", b"hdlr"]).and_then(|body| body.get(8..12)) == Some(b"soun");
        let track = tracks.into_iter().find(audio)?;
        let media_clock = clock(inner(track, &[b"mdia", b"mdhd"])?)?;
        let (length, start) = cut(inner(track, &[b"edts", b"elst"])?)?;
        Some(Self { start, media_clock, length, movie_clock })
    }

    /// How many frames at `rate` hertz to leave out, and how many to keep after them; none to keep means all.
    pub fn frames(&self, rate: u32) -> (u64, Option<u64>) {
        let frames = |ticks: u64, clock: u64| {
            let clock = u128::from(clock.max(1));
            u64::try_from((u128::from(ticks) * u128::from(rate) + clock / 2) / clock).unwrap_or(u64::MAX)
        };
        let keep = frames(self.length, self.movie_clock);
        (frames(self.start, self.media_clock), (keep > 0).then_some(keep))
    }
}

/// The boxes within a stretch of bytes, kind and body each; it ends with the first that is not whole.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (size, rest) = bytes.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        let (header, size) = match u32::from_be_bytes(*size) {
            0 => (8, bytes.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(*rest.first_chunk::<8>()?)).ok()?),
            size => (8, size as usize),
        };
        let body = bytes.get(header..size)?;
        bytes = bytes.get(size..)?;
        Some((kind, body))
    })
}

/// The body of the box at the end of a path.
fn inner<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, wanted| boxes(bytes).find(|(kind, _)| kind == wanted).map(|(_, body)| body))
}

/// Ticks a second, of a movie's or a medium's header.
fn clock(header: &[u8]) -> Option<u64> {
    let at = if header.first()? == &1 { 20 } else { 12 };
    number(header.get(at..at + 4)?)
}

/// Length and start of the one entry of an edit list that plays something.
fn cut(list: &[u8]) -> Option<(u64, u64)> {
    let wide = list.first()? == &1;
    let half = if wide { 8 } else { 4 };
    let entries = list.get(8..)?.chunks_exact(2 * half + 4).take(number(list.get(4..8)?)? as usize);
    // An entry whose start is −1 is a pause before the audio: nothing to cut.
    let mut playing =
        entries.filter(|entry| entry.get(half..2 * half).is_some_and(|start| start.iter().any(|b| *b != 0xff)));
    let entry = playing.next()?;
    let normal = entry.get(2 * half..)? == [0, 1, 0, 0];
    let start = number(entry.get(half..2 * half)?)?;
    if !normal || playing.next().is_some() {
        return None;
    }
    Some((number(entry.get(..half)?)?, start))
}

fn number(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes(), kind, body].concat()
    }

    fn video(list: &[u8]) -> Vec<u8> {
        let mut header = [0; 20];
        header[12..16].copy_from_slice(&1000_u32.to_be_bytes());
        let mut media = header;
        media[12..16].copy_from_slice(&48_000_u32.to_be_bytes());
        let handler = boxed(b"hdlr", b"\0\0\0\0\0\0\0\0soun");
        let media = boxed(b"mdia", &[boxed(b"mdhd", &media), handler].concat());
        let track = boxed(b"trak", &[media, boxed(b"edts", &boxed(b"elst", list))].concat());
        [boxed(b"ftyp", b"M4A "), boxed(b"moov", &[boxed(b"mvhd", &header), track].concat())].concat()
    }

    #[test]
    fn a_plain_cut_is_found_and_anything_else_is_none() {
        let entry = |length: u32, start: i32, rate: u16| {
            [length.to_be_bytes(), start.to_be_bytes(), [(rate >> 8) as u8, rate as u8, 0, 0]].concat()
        };
        let list = |entries: &[Vec<u8>]| [vec![0, 0, 0, 0, 0, 0, 0, entries.len() as u8], entries.concat()].concat();
        let edit = Edit::from_mp4(&video(&list(&[entry(250, 1024, 1)]))).unwrap();
        assert_eq!(edit.frames(48_000), (1024, Some(12_000)));
        assert_eq!(edit.frames(24_000), (512, Some(6000)));
        assert!(Edit::from_mp4(&video(&list(&[entry(40, -1, 1), entry(250, 1024, 1)]))).is_some());
        assert!(Edit::from_mp4(&video(&list(&[entry(250, 0, 1), entry(250, 1024, 1)]))).is_none());
        assert!(Edit::from_mp4(&video(&list(&[entry(250, 1024, 2)]))).is_none());
        assert!(Edit::from_mp4(&video(&list(&[]))).is_none());
        let whole = video(&list(&[entry(250, 1024, 1)]));
        for length in 0..whole.len() {
            assert!(Edit::from_mp4(&whole[..length]).is_none());
        }
    }
}
