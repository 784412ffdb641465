//! Answers for people (tables) or programs (JSON lines), on stdout; everything else goes to stderr.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything went well.
    AllWell,
    /// Some item failed; each was named with its reason.
    SomeFailed,
}

impl Outcome {
    /// The outcome of a number of failures.
    pub const fn of(failures: usize) -> Self {
        if failures == 0 { Self::AllWell } else { Self::SomeFailed }
    }
}

/// Rows that are printed as JSON lines at once, or as one table at the end.
pub struct Rows {
    json: bool,
    table: Table,
    any: bool,
}

impl Rows {
    /// Rows under these headings.
    pub fn new<const N: usize>(json: bool, headings: [&str; N]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(headings);
        Self { json, table, any: false }
    }

    /// Adds one row: the cells for people, the object for programs.
    pub fn push(&mut self, cells: Vec<String>, object: &Value) {
        self.any = true;
        if self.json {
            print_line(&object.to_string());
        } else {
            self.table.add_row(cells.iter().map(|cell| visible(cell)));
        }
    }

    /// Prints the table.
    pub fn finish(self) {
        if !self.json && self.any {
            print_line(&self.table.to_string());
        }
    }
}

/// Writes a line on stdout; a reader that has gone away (`| head`) is no error.
pub fn print_line(line: &str) {
    hide();
    let _ = writeln!(io::stdout(), "{line}");
}

/// Writes a line to stderr; what nobody reads is no failure.
pub fn print_error(line: &str) {
    hide();
    let lines: Vec<_> = line.lines().map(visible).collect();
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

/// Whether a line stands on the terminal that is to go.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// Shows a line on stderr that goes with whatever is written next; false where stderr is no terminal.
pub fn show(line: &str) -> bool {
    let mut stderr = io::stderr();
    if !stderr.is_terminal() {
        return false;
    }
    SHOWN.store(true, Ordering::Relaxed);
    let _ = write!(stderr, "\r\x1b[2K{line}").and_then(|()| stderr.flush());
    true
}

/// Removes the line that is shown.
pub fn hide() {
    if SHOWN.swap(false, Ordering::Relaxed) {
        let mut stderr = io::stderr();
        let _ = write!(stderr, "\r\x1b[2K").and_then(|()| stderr.flush());
    }
}

/// A text as it may be shown: names and titles are anybody's, and must neither steer the terminal nor turn its
/// lines around.
fn visible(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.contains(steers) {
        return text.into();
    }
    let shown = |c: char| if steers(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect::<String>().into()
}

/// A span as people read it.
pub fn span_text(span: Option<&onespace_proto::v1::Span>) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    let seconds = |ms: u64| ms as f64 / 1000.0;
    span.map(|span| format!("{:.1}–{:.1} s", seconds(span.start_ms), seconds(span.end_ms))).unwrap_or_default()
}

/// A span as programs read it.
pub fn span_json(span: Option<&onespace_proto::v1::Span>) -> Value {
    span.map_or(Value::Null, |span| serde_json::json!({"start_ms": span.start_ms, "end_ms": span.end_ms}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_the_terminal_is_spelt_out() {
        assert_eq!(visible("ein roter Becher – 红色杯子"), "ein roter Becher – 红色杯子");
        assert_eq!(visible("a\u{1b}[2Jb\nc\u{7}"), "a\\u{1b}[2Jb\\nc\\u{7}");
        assert_eq!(visible("gnp\u{202e}exe"), "gnp\\u{202e}exe");
        let mut rows = Rows::new(false, ["title"]);
        rows.push(vec!["\u{1b}[31mred".to_owned()], &Value::Null);
        assert!(!rows.table.to_string().contains('\u{1b}'));
    }
}
