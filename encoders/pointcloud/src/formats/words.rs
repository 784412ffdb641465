//! Numbers in text.

/// Nearer than this a step of single precision is less than a ten-thousandth.
pub const FAR: f64 = 1024.0;

/// A coordinate, NaN where it is written as C libraries write what is none.
pub fn coordinate(word: &str) -> Option<f64> {
    word.parse().ok().or_else(|| nowhere(word))
}

/// A number of single precision. Text says more of places far away than that holds, and is believed.
pub fn single(word: &str) -> Option<f64> {
    let Some(number) = word.parse::<f32>().ok() else { return nowhere(word) };
    if number.abs() >= FAR as f32 { word.parse().ok() } else { Some(f64::from(number)) }
}

/// NaN and infinity as C libraries write them.
fn nowhere(word: &str) -> Option<f64> {
    let bare = word.trim_start_matches(['+', '-']);
    let begins = |name: &str| bare.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
    (begins("nan") || begins("1.#")).then_some(f64::NAN)
}

/// Three coordinates, the first of some words.
pub fn place<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<[f64; 3]> {
    let mut next = || coordinate(words.next()?);
    Some([next()?, next()?, next()?])
}

/// Lines of a text and their numbers from 1 on, blank ones left out, and what stands behind `comment` in any.
pub fn lines(bytes: &[u8], comment: u8) -> impl Iterator<Item = (usize, &str)> {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    (1..).zip(lines.map(move |line| said(line, comment))).filter(|(_, line)| !line.is_empty())
}

/// A line without its comment. Comments and names may be in any character set; all that counts is ASCII.
fn said(line: &[u8], comment: u8) -> &str {
    let line = line.split(|byte| *byte == comment).next().unwrap_or_default().trim_ascii();
    let valid = std::str::from_utf8(line).map_or_else(|error| error.valid_up_to(), str::len);
    line.get(..valid).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or_default()
}
