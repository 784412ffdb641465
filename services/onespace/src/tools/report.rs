//! What a fit tells: how far it is, and how it did.

use indicatif::{ProgressBar, ProgressStyle};
use onespace_fit::{Found, PLACES, Progress, Recall, Report};
use serde_json::{Map, Value, json};

use crate::output::{Rows, print_line};

/// A bar on stderr, where that is a terminal.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar of so many steps.
    pub fn new(what: &str, steps: usize) -> Self {
        let style = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta} left");
        let bar = ProgressBar::new(steps as u64).with_message(what.to_owned());
        Self(if let Ok(style) = style { bar.with_style(style) } else { bar })
    }

    /// One step more.
    pub fn step(&self) {
        self.0.inc(1);
    }

    /// Where a fit is.
    pub fn show(&self, Progress { stage, done, steps }: Progress) {
        self.0.set_length(steps as u64);
        self.0.set_position(done as u64);
        self.0.set_message(stage);
    }

    /// Does what writes on stderr beside the bar.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What was found on held-out pairs, by what found it.
fn finds(report: &Report) -> Vec<(String, Found)> {
    let closed = report.closed.map(|(method, found)| (method.to_string(), found));
    let mut finds = vec![("chance".to_owned(), report.chance), ("before".to_owned(), report.before)];
    finds.extend(closed);
    finds.push((report.method.to_string(), report.after));
    finds
}

/// The report as one object.
pub fn object(report: &Report) -> Map<String, Value> {
    let way = |recall: &Recall| {
        let sizes =
            [("questions", recall.questions.into()), ("pool", recall.pool.into()), ("mrr", recall.reciprocal.into())];
        let found = PLACES.iter().zip(recall.at).map(|(places, share)| (format!("r{places}"), share.into()));
        sizes.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(found).collect::<Map<_, _>>()
    };
    let both =
        |found: &Found| json!({"source_to_target": way(&found.forward), "target_to_source": way(&found.backward)});
    let table = [
        ("method", json!(report.method.name())),
        ("chosen", json!(report.chosen)),
        ("pairs", json!({"fitted": report.fitted, "validation": report.validation, "held_out": report.test})),
        ("chance", json!(both(&report.chance))),
        ("before", json!(both(&report.before))),
        ("after", json!(both(&report.after))),
        (
            "closed",
            json!(report.closed.as_ref().map(|(method, found)| json!({"method": method.name(), "found": both(found)}))),
        ),
        ("refused", json!(report.refused)),
    ];
    table.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

/// Prints the report for people.
pub fn print(report: &Report) {
    let Report { method, chosen, fitted, validation, test, .. } = report;
    print_line(&format!("{method}: {chosen}"));
    print_line(&format!("fitted on {fitted} pairs ({validation} of them to choose by), measured on {test} others"));
    let mut rows = Rows::new(false, ["", "asks → answers", "R@1", "R@5", "R@10", "of"]);
    for (name, found) in finds(report) {
        for (way, recall) in [("source → target", found.forward), ("target → source", found.backward)] {
            let mut cells = vec![name.clone(), way.to_owned()];
            cells.extend(recall.at.map(|share| format!("{:.1} %", 100.0 * share)));
            cells.push(recall.pool.to_string());
            rows.push(cells, &Value::Null);
        }
    }
    rows.finish();
}
