//! How fast bytes come: whoever sends slower than a floor holds what others wait for.

use std::time::Duration;

use onespace_core::{
    Error, Reason, Result,
    limits::{UPLOAD_FLOOR, UPLOAD_FLOOR_MS},
};
use tokio::time::Instant;

/// Over how long the speed is looked at.
const WINDOW: Duration = Duration::from_millis(UPLOAD_FLOOR_MS as u64);

/// The pace of one sender.
#[derive(Debug)]
pub struct Pace {
    what: &'static str,
    window: Duration,
    since: Instant,
    bytes: usize,
}

impl Pace {
    /// From now on; `what` is the field that comes.
    #[must_use]
    pub fn start(what: &'static str) -> Self {
        Self::over(WINDOW, what)
    }

    pub(crate) fn over(window: Duration, what: &'static str) -> Self {
        Self { what, window, since: Instant::now(), bytes: 0 }
    }

    /// When it is looked at next.
    #[must_use]
    pub fn due(&self) -> Instant {
        self.since + self.window
    }

    /// So many bytes more are here; `last` ones are never too late.
    ///
    /// # Errors
    /// `STREAM_STALLED` below the floor.
    pub fn came(&mut self, bytes: usize, last: bool) -> Result<()> {
        self.bytes += bytes;
        let took = self.since.elapsed();
        if took < self.window || last {
            return Ok(());
        }
        let floor = took.as_secs_f64() * UPLOAD_FLOOR as f64;
        if (self.bytes as f64) < floor {
            let message = format!(
                "{} bytes in {:.1} s, at least {UPLOAD_FLOOR} bytes a second are expected (UPLOAD_FLOOR)",
                self.bytes,
                took.as_secs_f64()
            );
            return Err(Error::new(Reason::StreamStalled, self.what, message));
        }
        *self = Self::over(self.window, self.what);
        Ok(())
    }

    /// The time that was spent waiting here is not the sender's.
    pub fn go_on(&mut self) {
        if self.since.elapsed() >= self.window {
            *self = Self::over(self.window, self.what);
        }
    }
}
