//! Clouds and scenes that are told and not decoded, written in letters: what is in every line tells them from prose.

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

/// Three coordinates a line, and perhaps a colour, a normal or an intensity: nothing but numbers.
pub(super) fn is_xyz(bytes: &[u8]) -> bool {
    let Some(said) = lines(bytes) else { return false };
    let Some(columns) = said.first().and_then(|line| numbers(line)) else { return false };
    let coordinates =
        said.iter().all(|line| numbers(line) == Some(columns)) && said.iter().any(|line| line.contains('.'));
    said.len() >= NUMBERS && matches!(columns, 3 | 4 | 6 | 7 | 9) && coordinates
}
