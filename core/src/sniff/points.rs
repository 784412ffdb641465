//! Lists of points as text. Numbers in columns may be points, measurements, or a table that somebody wants read as a
//! text: only what is clearly a list of points is told as one, and of the rest its sender says what it is.

/// Numbers of a point that are looked at.
pub const MOST_COLUMNS: usize = 16;

/// How many lines are looked at, and bytes.
const LINES: usize = 64;
const HEAD: usize = 16 * 1024;

/// How uneven the steps of a clock may be.
const UNEVEN: f64 = 1.5;

/// So many lines of numbers make a table.
const TABLE: usize = 4;

/// Lines of a text that say something, each with its number from 1 on: neither empty nor a comment.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &str)> + Clone {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).map(|line| line.trim_ascii());
    let said = (1..).zip(lines).filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"));
    said.map(|(number, line)| (number, std::str::from_utf8(line).unwrap_or("?")))
}

/// The numbers of a line; none for a word that is no number. Where semicolons stand between them, a comma is a
/// decimal point.
pub fn numbers(line: &str) -> impl Iterator<Item = Option<f64>> {
    let is_decimal_comma = line.contains(';');
    let words = line.split(move |c: char| c.is_whitespace() || c == ';' || c == ',' && !is_decimal_comma);
    words.filter(|word| !word.is_empty()).map(move |word| {
        if is_decimal_comma && word.contains(',') { word.replacen(',', ".", 1).parse().ok() } else { word.parse().ok() }
    })
}

/// The names of columns, in small letters, where a line has them, and x, y and z are among them.
pub fn names(line: &str) -> Option<Vec<String>> {
    let line = line.trim_start_matches('/');
    let words = line.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|word| !word.is_empty());
    let names: Vec<String> = words.map(|word| word.trim_matches('"').to_ascii_lowercase()).take(MOST_COLUMNS).collect();
    ["x", "y", "z"].iter().all(|name| names.iter().any(|found| found == name)).then_some(names)
}

/// What the lines at the head of a text are.
struct Head {
    /// Whether its names are those of points, without a time, where it has any.
    named: Option<bool>,
    /// PTS says how many points follow.
    is_counted: bool,
    rows: Vec<Vec<f64>>,
}

impl Head {
    /// None where anything else stands in it than numbers, as many in each line, behind a line of names or a count.
    fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..HEAD).map_or(Some(bytes), |head| {
            // The last line may be cut off.
            head.get(..head.iter().rposition(|byte| *byte == b'\n')?)
        })?;
        let mut lines = lines(head).map(|(_, line)| line).take(LINES + 1).peekable();
        let named = lines.peek().and_then(|line| names(line));
        let is_counted = lines.peek().is_some_and(|line| line.parse::<u64>().is_ok());
        if named.is_some() || is_counted {
            lines.next();
        }
        let rows: Option<Vec<Vec<f64>>> = lines.take(LINES).map(|line| numbers(line).collect()).collect();
        let rows = rows?;
        let columns = rows.first()?.len();
        let is_even = rows.iter().all(|row| row.len() == columns) && (3..=MOST_COLUMNS).contains(&columns);
        let named = named.map(|names| !names.iter().any(|name| name == "t" || name.starts_with("time")));
        let has_parts = rows.iter().flatten().any(|value| value.fract() != 0.0);
        (rows.len() >= TABLE && is_even && (named.is_some() || has_parts)).then_some(Self { named, is_counted, rows })
    }

    /// Whether the first numbers of the lines go up in equal steps, as times do.
    fn has_clock(&self) -> bool {
        let times: Vec<f64> = self.rows.iter().filter_map(|row| row.first().copied()).collect();
        let steps = times.array_windows::<2>().map(|[before, after]| after - before);
        let (low, high) = steps.fold((f64::INFINITY, 0.0_f64), |(low, high), step| (low.min(step), high.max(step)));
        low > 0.0 && high <= low * UNEVEN
    }
}

/// Clearly a list of points: columns that are named x, y and z; or a count, or very many lines without a clock, of as
/// many numbers as programs write for a point.
pub(super) fn is_xyz(bytes: &[u8]) -> bool {
    let Some(head) = Head::read(bytes) else { return false };
    let is_point = matches!(head.rows.first().map_or(0, Vec::len), 3 | 4 | 6 | 7 | 9 | 10);
    let is_clear = head.is_counted || head.rows.len() >= LINES && !head.has_clock();
    head.named.unwrap_or(is_point && is_clear)
}

/// Numbers in columns that may be anything.
pub(super) fn is_table(bytes: &[u8]) -> bool {
    Head::read(bytes).is_some()
}

/// An array of NumPy with a point a row: of three or four numbers, which are no measurements.
pub(super) fn is_array(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(bytes.get(..256).unwrap_or(bytes));
    let shape = head.split_once("'shape': (").and_then(|(_, behind)| behind.split_once(')')).map(|(shape, _)| shape);
    let sides = shape.into_iter().flat_map(|shape| shape.split(',')).map(|side| side.trim().parse::<u64>().ok());
    let sides: Option<Vec<u64>> = sides.take(3).collect();
    bytes.starts_with(b"\x93NUMPY") && sides.is_some_and(|sides| matches!(sides.as_slice(), [rows, 3 | 4] if *rows > 3))
}
