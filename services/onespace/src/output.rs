//! Answers for people (tables) or programs (JSON lines), on stdout; everything else goes to stderr.

use std::io::{self, Write};

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
            self.table.add_row(cells);
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
    let _ = writeln!(io::stdout(), "{line}");
}

/// Writes a line to stderr; what nobody reads is no failure.
pub fn print_error(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
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
