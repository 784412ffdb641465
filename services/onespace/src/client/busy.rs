//! What a command says while it waits for a busy server.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use onespace_client::{Waiting, Watch};

use crate::output;

/// How often a waiting command says so, where its lines stay.
const SAID_EVERY: Duration = Duration::from_secs(10);

/// One line: beside the bar of the command, if it has one that is seen, or on stderr.
#[derive(Default)]
pub struct BusyLine {
    bar: Option<ProgressBar>,
    /// When it was said for the last time, where lines stay.
    said: Mutex<Option<Instant>>,
}

impl BusyLine {
    /// A line beside a bar.
    pub fn beside(bar: ProgressBar) -> Self {
        Self { bar: Some(bar), ..Self::default() }
    }

    fn visible_bar(&self) -> Option<&ProgressBar> {
        self.bar.as_ref().filter(|bar| !bar.is_hidden())
    }
}

impl Watch for BusyLine {
    fn waiting(&self, waiting: &Waiting) {
        let line = line(waiting);
        if let Some(bar) = self.visible_bar() {
            bar.set_message(line);
        } else if !output::show(&line) {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
                *said = Some(Instant::now());
                output::print_error(&line);
            }
        }
    }

    fn resumed(&self) {
        match self.visible_bar() {
            Some(bar) => bar.set_message(""),
            None => output::hide(),
        }
    }
}

fn line(waiting: &Waiting) -> String {
    let (pause, left) = (waiting.pause.as_secs_f64(), waiting.patience_left.as_secs());
    match (waiting.items, waiting.waiting) {
        (1, _) => format!("the server is busy: sent again in {pause:.1} s, {left} s of patience left"),
        (all, 1) => {
            format!("the server is busy: 1 of {all} waits {pause:.1} s and is sent again, {left} s of patience left")
        }
        (all, some) => format!(
            "the server is busy: {some} of {all} wait {pause:.1} s and are sent again, {left} s of patience left"
        ),
    }
}
