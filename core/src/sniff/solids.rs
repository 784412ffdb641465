//! Clouds and meshes, many of which are written in letters: what is in every line tells them from prose.

use super::text;

/// How many lines are looked at, and how many of them have to be numbers where nothing else tells the format.
const LINES: usize = 64;
const NUMBERS: usize = 4;

/// The lines of a file's head that say something: neither empty nor a comment. The last one is left out where it may be
/// cut off.
fn lines(bytes: &[u8]) -> Option<Vec<String>> {
    let head = text::head(bytes)?;
    let whole = if head.len() < bytes.len() { head.rsplit_once('\n')?.0 } else { &head };
    let said = whole.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Some(said.take(LINES).map(str::to_owned).collect())
}

/// The numbers of a line that is nothing else.
fn numbers(line: &str) -> Option<usize> {
    let separators = |c: char| c.is_whitespace() || c == ',' || c == ';';
    let mut words = line.split(separators).filter(|word| !word.is_empty());
    words.try_fold(0, |count, word| word.parse::<f64>().ok().map(|_| count + 1))
}

/// The Point Cloud Library's format: a header in letters, whatever follows it.
pub(super) fn is_pcd(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"# .PCD v") {
        return true;
    }
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(512)).unwrap_or_default()).into_owned();
    let mut said = head.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    said.next().is_some_and(|line| line.starts_with("VERSION "))
        && said.next().is_some_and(|line| line.starts_with("FIELDS "))
}

/// Khronos' format: in one file, or as JSON beside its buffers.
pub(super) fn is_gltf(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"glTF") {
        return true;
    }
    let Some(head) = text::head(bytes) else { return false };
    let lists = ["\"meshes\"", "\"accessors\"", "\"bufferViews\"", "\"scenes\"", "\"nodes\""];
    let has = |name: &&str| head.contains(*name);
    head.trim_start().starts_with('{')
        && head.contains("\"asset\"")
        && lists.iter().filter(|name| has(name)).count() >= 2
}

/// Triangles: fifty bytes each behind a header and their number, or in letters.
pub(super) fn is_stl(bytes: &[u8]) -> bool {
    let count = bytes.get(80..84).and_then(|count| count.first_chunk()).map(|count| u32::from_le_bytes(*count));
    let fits = |count: &u32| *count > 0 && bytes.len() as u64 == 84 + 50 * u64::from(*count);
    if count.as_ref().is_some_and(fits) {
        return true;
    }
    let Some(said) = bytes.starts_with(b"solid").then(|| lines(bytes)).flatten() else { return false };
    said.get(1).is_some_and(|line| line.starts_with("facet normal ") || line.starts_with("endsolid"))
}

/// Geomview's format: its name, then how many corners, faces and edges there are.
pub(super) fn is_off(bytes: &[u8]) -> bool {
    const NAMES: [&str; 6] = ["OFF", "COFF", "NOFF", "CNOFF", "STOFF", "NCOFF"];
    let Some(said) = lines(bytes) else { return false };
    let counts = |line: &str| line.split_whitespace().take(4).filter(|word| word.parse::<u32>().is_ok()).count() >= 2;
    match said.as_slice() {
        [first, second, ..] if NAMES.contains(&first.as_str()) => counts(second),
        // Some writers leave out the end of the first line.
        [first, ..] => {
            NAMES.iter().any(|name| first.strip_prefix(name).is_some_and(|rest| !rest.is_empty() && counts(rest)))
        }
        [] => false,
    }
}

/// Wavefront's format: each line begins with a word of its own.
pub(super) fn is_obj(bytes: &[u8]) -> bool {
    const WORDS: [&str; 14] =
        ["v", "vn", "vt", "vp", "f", "l", "p", "o", "g", "s", "mtllib", "usemtl", "cstype", "usemap"];
    let Some(said) = lines(bytes) else { return false };
    let word = |line: &str| line.split_whitespace().next().is_some_and(|word| WORDS.contains(&word));
    let corner = |line: &String| line.strip_prefix("v ").and_then(numbers).is_some_and(|count| count >= 3);
    said.iter().all(|line| word(line)) && said.iter().any(corner)
}

/// Three coordinates a line, and perhaps a colour, a normal or an intensity: nothing but numbers.
pub(super) fn is_xyz(bytes: &[u8]) -> bool {
    let Some(said) = lines(bytes) else { return false };
    let Some(columns) = said.first().and_then(|line| numbers(line)) else { return false };
    let coordinates =
        said.iter().all(|line| numbers(line) == Some(columns)) && said.iter().any(|line| line.contains('.'));
    said.len() >= NUMBERS && matches!(columns, 3 | 4 | 6 | 7 | 9) && coordinates
}
