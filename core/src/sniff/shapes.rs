//! Clouds and meshes: formats that people's eyes tell, not their first bytes.

use std::str::SplitAsciiWhitespace;

/// How much of a text is looked at.
const HEAD: usize = 4096;

/// Where the triangles of a binary STL begin, and the bytes of one.
const STL: (usize, usize) = (84, 50);

/// What a line of an OBJ may begin with.
const OBJ: [&str; 20] = [
    "v",
    "vn",
    "vt",
    "vp",
    "f",
    "l",
    "p",
    "o",
    "g",
    "s",
    "usemtl",
    "mtllib",
    "usemap",
    "maplib",
    "lod",
    "bevel",
    "c_interp",
    "d_interp",
    "shadow_obj",
    "trace_obj",
];

/// The triangles of a binary STL, each 50 bytes; none where the length is not what their number says, as of a text.
#[must_use]
pub fn stl_triangles(bytes: &[u8]) -> Option<&[u8]> {
    let (head, triangle) = STL;
    let count = u32::from_le_bytes(*bytes.get(80..head)?.first_chunk::<4>()?) as usize;
    let triangles = bytes.get(head..)?;
    (count > 0 && count.checked_mul(triangle) == Some(triangles.len())).then_some(triangles)
}

/// STL: in binary its length is what the number of triangles says, in text its words say so.
pub fn is_stl(bytes: &[u8]) -> bool {
    let begin = bytes.get(..HEAD).unwrap_or(bytes).trim_ascii_start().to_ascii_lowercase();
    stl_triangles(bytes).is_some()
        || (begin.starts_with(b"solid") && begin.windows(12).any(|words| words == b"facet normal"))
}

/// OFF: what stands before the name says what its vertices have beside a place. Counts follow, in ModelNet at once, or
/// that all else is binary.
pub fn is_off(bytes: &[u8]) -> bool {
    let begin = said_from(bytes.get(..HEAD).unwrap_or(bytes));
    let name = begin.iter().take_while(|byte| byte.is_ascii_uppercase()).count().min(8);
    let (name, rest) = begin.split_at(name);
    let is_named = name.strip_suffix(b"OFF").is_some_and(|kinds| kinds.iter().all(|kind| b"STCN".contains(kind)));
    let said = |line: &'_ [u8]| line.iter().position(|byte| *byte == b'#').unwrap_or(line.len());
    let mut lines = rest
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .map(|line| line.get(..said(line)).unwrap_or_default().trim_ascii());
    let counts = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let are_counts = counts.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace());
    is_named && !counts.is_empty() && (are_counts || counts == b"BINARY")
}

/// What stands behind white space and lines that are comments.
fn said_from(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes.trim_ascii_start();
    while rest.starts_with(b"#") {
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        rest = rest.get(end..).unwrap_or_default().trim_ascii_start();
    }
    rest
}

/// PCD.
pub fn is_pcd(bytes: &[u8]) -> bool {
    [b"# .PCD".as_slice(), b"VERSION .7\n", b"VERSION 0.7\n"].iter().any(|begin| bytes.starts_with(begin))
}

/// OBJ: its first lines begin with words of OBJ alone, and one is a vertex or names materials.
pub fn is_obj(bytes: &[u8]) -> bool {
    let begin = bytes.get(..HEAD).map_or(bytes, |begin| {
        let whole = begin.iter().rposition(|byte| *byte == b'\n').unwrap_or_default();
        begin.get(..whole).unwrap_or_default()
    });
    let (mut told, mut goes_on) = (false, false);
    for line in begin.split(|byte| matches!(byte, b'\n' | b'\r')) {
        // Names and comments may be in any character set.
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_ascii_whitespace();
        let is_rest = goes_on;
        goes_on = line.trim_ascii_end().ends_with('\\');
        match words.next() {
            _ if is_rest => {}
            None => {}
            Some(word) if word.starts_with('#') => {}
            Some(word) if OBJ.contains(&word) => told |= word == "mtllib" || (word == "v" && is_place(words)),
            Some(_) => return false,
        }
    }
    told
}

fn is_place(words: SplitAsciiWhitespace<'_>) -> bool {
    words.clone().count() >= 3 && words.into_iter().all(|word| word.parse::<f64>().is_ok())
}
