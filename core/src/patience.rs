//! How long a piece of work is waited for. Work on a thread of its own is not ended by dropping the future that waits
//! for it, so it looks up now and then and ends itself.

use std::{
    io::{self, BufRead, Cursor, Read, Seek, SeekFrom},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    encoder::Deadline,
    error::{Error, Reason, Result},
    room::{HeldRoom, Room},
};

/// Until when, and for whom, a piece of work goes on: until the deadline of its request, until whoever asked has gone
/// away, or until the media has had the time that any media of its kind may take. Clones share one caller.
///
/// Once it is over it stays over: whoever sees work fail for no other reason may ask afterwards whether this was why.
#[derive(Clone, Debug)]
pub struct Patience {
    deadline: Option<Deadline>,
    gone: Arc<AtomicBool>,
    allowance: Option<Allowance>,
    room: Option<Arc<Room>>,
}

/// The time that one media may take, whoever waits for it.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// When it is over, or at the earliest may be: work takes as much time as it is, or more.
    end: Instant,
    work: Option<Work>,
    seconds: usize,
}

/// An allowance of work, by a clock that stands still while others work.
#[derive(Clone, Copy, Debug)]
struct Work {
    clock: fn() -> Duration,
    end: Duration,
    limit: &'static str,
}

impl Allowance {
    fn is_over(&self, now: Instant) -> bool {
        self.end <= now && self.work.is_none_or(|work| work.end <= (work.clock)())
    }

    fn exceeded(&self) -> Error {
        let seconds = self.seconds;
        match self.work {
            None => Error::too_large("bytes", "the time that decoding takes", "longer", format!("{seconds} seconds")),
            Some(Work { limit, .. }) => {
                let limit = format!("{seconds} seconds ({limit})");
                Error::too_large("bytes", "the processor time that decoding takes", "longer", limit)
            }
        }
    }
}

impl Patience {
    /// For a request: until its deadline, or until [`leave`](Self::leave).
    #[must_use]
    pub fn until(deadline: Deadline) -> Self {
        Self { deadline: Some(deadline), ..Self::endless() }
    }

    /// For tools and tests, which wait as long as it takes.
    #[must_use]
    pub fn endless() -> Self {
        Self { deadline: None, gone: Arc::default(), allowance: None, room: None }
    }

    /// The same, for work that shares room for what it decodes with others.
    #[must_use]
    pub fn within(self, room: Arc<Room>) -> Self {
        Self { room: Some(room), ..self }
    }

    /// The same, for work that is done in room held already.
    #[must_use]
    pub fn without_room(&self) -> Self {
        Self { room: None, ..self.clone() }
    }

    /// Waits for room for so many decoded bytes, to be held as long as they are. Blocks; once for each media, or two
    /// could wait for each other.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn hold(&self, bytes: u64) -> Result<Option<HeldRoom>> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let check = || self.check("while other media were decoded");
        self.room.as_ref().map(|room| room.hold(bytes, check)).transpose()
    }

    /// The same, but for no more than `seconds` from now: what one media may take to decode.
    #[must_use]
    pub fn at_most(&self, seconds: usize) -> Self {
        let end = Instant::now() + Duration::from_secs(seconds as u64);
        Self { allowance: Some(Allowance { end, work: None, seconds }), ..self.clone() }
    }

    /// The same, but for no more than `seconds` of work from now by `clock`, which is that of the thread that works:
    /// what one media may take to decode on a machine however busy. Errors name the `limit`.
    #[must_use]
    pub fn at_most_of(&self, limit: &'static str, seconds: usize, clock: fn() -> Duration) -> Self {
        let most = Duration::from_secs(seconds as u64);
        let work = Work { clock, end: clock().saturating_add(most), limit };
        let allowance = Allowance { end: Instant::now() + most, work: Some(work), seconds };
        Self { allowance: Some(allowance), ..self.clone() }
    }

    /// How long its request still waits; none where it waits as long as it takes.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(Deadline::remaining)
    }

    /// Tells everybody who works for this caller that it has gone away.
    pub fn leave(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    /// Ends the work when what this gives is dropped.
    #[must_use]
    pub fn leave_on_drop(&self) -> LeaveOnDrop {
        LeaveOnDrop(self.clone())
    }

    /// Whether to stop. Costs some ten nanoseconds.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.check("").is_err()
    }

    /// Refuses to go on once it is over; `at` ends the sentence that says where that was noticed.
    ///
    /// # Errors
    /// `CANCELLED`, `DEADLINE_EXCEEDED`; `MEDIA_TOO_LARGE` when the media takes longer than any may.
    pub fn check(&self, at: &str) -> Result<()> {
        if self.gone.load(Ordering::Relaxed) {
            return Err(Error::new(Reason::Cancelled, "", format!("the caller went away {at}")));
        }
        if self.deadline.is_none() && self.allowance.is_none() {
            return Ok(());
        }
        let now = Instant::now();
        match (self.deadline, self.allowance) {
            (Some(deadline), _) if deadline.instant() <= now => Err(Deadline::exceeded(at)),
            (_, Some(allowance)) if allowance.is_over(now) => Err(allowance.exceeded()),
            _ => Ok(()),
        }
    }

    /// As [`check`](Self::check), every so many times: for loops whose rounds are shorter than a look at the clock.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_every(&self, rounds: usize, round: usize, at: &str) -> Result<()> {
        if round.is_multiple_of(rounds) { self.check(at) } else { Ok(()) }
    }

    /// Bytes in memory that can no longer be read once it is over, for decoders that ask for nothing but bytes.
    #[must_use]
    pub fn reading<'a>(&self, bytes: &'a [u8]) -> Reading<'a> {
        Reading { bytes: Cursor::new(bytes), patience: self.clone(), unseen: 0 }
    }
}

/// Ends the work for a caller when it is dropped: held by the future that waits for the work.
#[derive(Debug)]
pub struct LeaveOnDrop(Patience);

impl Drop for LeaveOnDrop {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// How many bytes are handed out between two looks at the clock, a call counting as one more.
const UNSEEN: usize = 16 * 1024;

/// Bytes in memory that fail with [`io::ErrorKind::TimedOut`] once nobody waits for what is made of them.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    bytes: Cursor<&'a [u8]>,
    patience: Patience,
    /// What may still be handed out before the next look.
    unseen: usize,
}

impl Reading<'_> {
    fn look_up(&mut self) -> io::Result<()> {
        if self.unseen == 0 {
            if self.patience.is_over() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.unseen = UNSEEN;
        }
        Ok(())
    }

    fn handed_out(&mut self, bytes: usize) {
        self.unseen = self.unseen.saturating_sub(bytes.saturating_add(1));
    }
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.look_up()?;
        let read = self.bytes.read(buffer)?;
        self.handed_out(read);
        Ok(read)
    }
}

impl BufRead for Reading<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.look_up()?;
        let rest = self.bytes.fill_buf()?;
        Ok(rest.get(..UNSEEN).unwrap_or(rest))
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.consume(amount);
        self.handed_out(amount);
    }
}

impl Seek for Reading<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(patience: &Patience) -> Option<Reason> {
        patience.check("in a test").err().map(|error| error.reason)
    }

    #[test]
    fn it_says_whose_limit_was_passed() {
        let request = Patience::until(Deadline::default());
        assert_eq!(reason(&Patience::endless()), None);
        assert_eq!(reason(&request), None);
        assert_eq!(reason(&request.at_most(60)), None);
        assert_eq!(reason(&request.at_most(0)), Some(Reason::MediaTooLarge));
        let late = Patience::until(Deadline::after(Duration::ZERO));
        assert_eq!(reason(&late), Some(Reason::DeadlineExceeded));
        assert_eq!(reason(&late.at_most(0)), Some(Reason::DeadlineExceeded));
        assert!(late.is_over() && late.check_every(8, 16, "").is_err() && late.check_every(8, 15, "").is_ok());
    }

    #[test]
    fn work_is_counted_by_its_own_clock() {
        fn stands() -> Duration {
            Duration::from_secs(7)
        }
        fn runs() -> Duration {
            static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
            BEGUN.elapsed() * 1_000_000
        }
        let request = Patience::endless();
        let idle = Patience { allowance: request.at_most_of("A_LIMIT", 0, stands).allowance.map(later), ..request };
        fn later(allowance: Allowance) -> Allowance {
            let work = allowance.work.map(|work| Work { end: work.end + Duration::from_secs(1), ..work });
            Allowance { work, ..allowance }
        }
        assert_eq!(reason(&idle), None, "time passes, no work is done");
        let busy = Patience::endless().at_most_of("A_LIMIT", 0, runs);
        let error = busy.check("").unwrap_err();
        assert_eq!(error.reason, Reason::MediaTooLarge);
        assert!(error.message.contains("A_LIMIT") && error.message.contains("processor"), "{error}");
    }

    #[test]
    fn a_caller_that_goes_away_goes_for_all_who_work_for_it() {
        let caller = Patience::endless();
        let (work, other) = (caller.at_most(60), Patience::endless());
        drop(caller.leave_on_drop());
        assert_eq!(reason(&work), Some(Reason::Cancelled));
        assert_eq!(reason(&other), None);
    }

    #[test]
    fn bytes_are_read_whole_or_not_to_their_end() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|value| value as u8).collect();
        let (caller, mut read) = (Patience::endless(), Vec::new());
        caller.reading(&bytes).read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
        let mut split = caller.reading(&bytes).split(255).map(|part| part.unwrap().len() + 1).sum::<usize>();
        split -= usize::from(bytes.last() != Some(&255));
        assert_eq!(split, bytes.len());
        let mut reading = caller.reading(&bytes);
        reading.read_exact(&mut [0; 10]).unwrap();
        caller.leave();
        let stopped = reading.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(stopped.kind(), io::ErrorKind::TimedOut);
    }
}
