//! How far a pull is: bars for people, JSON lines for programs.

use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use onespace_hub::Event;

use crate::output::{print_error, print_line};

/// Bars, or lines.
pub struct Progress {
    json: bool,
    bars: MultiProgress,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    /// Bytes of the files that are there.
    done: u64,
    total: Option<ProgressBar>,
    file: Option<(String, ProgressBar)>,
}

impl Progress {
    /// Tells it in JSON lines, or with bars on a terminal.
    pub fn new(json: bool) -> Self {
        Self { json, bars: MultiProgress::new(), now: Mutex::default() }
    }

    /// A line for people beside the bars.
    fn say(&self, line: &str) {
        self.bars.suspend(|| print_error(line));
    }

    fn bar(&self, bytes: u64, what: &str) -> ProgressBar {
        let style = ProgressStyle::with_template(
            "{msg:28!} {bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta} left",
        );
        let bar = self.bars.add(ProgressBar::new(bytes)).with_message(what.to_owned());
        if let Ok(style) = style { bar.with_style(style) } else { bar }
    }
}

impl onespace_hub::Progress for Progress {
    fn tell(&self, event: &Event<'_>) {
        if self.json {
            if let Ok(line) = serde_json::to_string(event) {
                print_line(&line);
            }
            return;
        }
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        match *event {
            Event::Resolved { .. } => {}
            Event::Plan { files, bytes } => {
                now.total = Some(self.bar(bytes, &format!("{files} files")));
            }
            Event::Waiting { file } => self.say(&format!("{file}: another pull fetches it; waiting for that")),
            Event::Progress { file, bytes, of } => {
                if now.file.as_ref().is_none_or(|(name, _)| name != file) {
                    now.file = Some((file.to_owned(), self.bar(of, file)));
                }
                if let Some((_, bar)) = &now.file {
                    bar.set_position(bytes);
                }
                if let Some(total) = &now.total {
                    total.set_position(now.done + bytes);
                }
            }
            Event::Again { file, reason, .. } => self.say(&format!("{file}: {reason}; asking again")),
            Event::Fetched { bytes, .. } => {
                now.done += bytes;
                if let Some((_, bar)) = now.file.take() {
                    bar.finish_and_clear();
                }
            }
            Event::Kept { .. } => {}
            Event::Proving => {
                if let Some(total) = now.total.take() {
                    total.finish_and_clear();
                }
                self.say("running each tower on its golden input");
            }
            Event::Scored { pair: [one, other], expected, found, reference } => {
                let who = if reference.is_empty() { "the reference" } else { reference };
                print_line(&format!("{one} and {other}: cosine {found:.4}; {who} gave {expected:.4}"));
            }
            Event::Done { bundle, space, repository, commit, unchanged } => {
                let there = if unchanged { "is there already" } else { "is ready" };
                print_line(&format!("{bundle} {there}: {repository} at {commit}"));
                print_line(&format!("space {space}"));
            }
        }
    }
}
