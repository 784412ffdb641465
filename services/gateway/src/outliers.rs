//! Which replica does worse than its peers: it fails, answers later than they do, or lets deadlines pass that they
//! keep.
//!
//! Like is compared with like: replicas of one encoder share its work evenly, so their medians over the same seconds
//! are those of the same mixture. One long video moves no median, and a caller with no patience makes all miss alike.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// First pause of a replica that did badly; doubled for each further one.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Over how long answers are compared.
const WINDOW: Duration = Duration::from_secs(10);
/// Answers of one replica that are kept.
const KEPT: usize = 128;
/// Answers without which a replica is not judged by how long they took.
const SAMPLES: usize = 20;
/// How many times what its peers take is too long.
const TIMES: u32 = 3;
/// What is not worth a pause, however many times it is what peers take.
const NEGLIGIBLE: Duration = Duration::from_millis(50);
/// A deadline that is shorter says nothing of whoever misses it.
const DEADLINE_LEAST: Duration = Duration::from_millis(250);
/// Deadlines missed one after the other, by one replica alone.
const MISSES: u32 = 3;

/// How a replica did lately.
#[derive(Debug, Default)]
pub struct Record {
    /// When it answered, and how long that took.
    answers: VecDeque<(Instant, Duration)>,
    /// How long deadlines were that it missed since it last answered.
    misses: Vec<Duration>,
    pauses: u32,
    answers_since: usize,
    until: Option<Instant>,
}

/// What peers are compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Half of its answers were faster; none where there are too few.
    median: Option<Duration>,
    /// The shortest of the last deadlines it missed, where there are [`MISSES`] since it answered.
    missed: Option<Duration>,
    /// Whether it missed any since it answered.
    misses: bool,
}

impl Record {
    /// It answered.
    pub fn answered(&mut self, took: Duration) {
        self.misses.clear();
        self.answers_since += 1;
        if self.answers_since >= SAMPLES {
            self.pauses = 0;
        }
        if self.answers.len() == KEPT {
            self.answers.pop_front();
        }
        self.answers.push_back((Instant::now(), took));
    }

    /// It said something that took it no work.
    pub fn spoke(&mut self) {
        self.misses.clear();
    }

    /// It had so long and did not answer.
    pub fn missed(&mut self, had: Duration) {
        if had >= DEADLINE_LEAST && self.misses.len() < MISSES as usize {
            self.misses.push(had);
        }
    }

    /// Leaves it alone for a while, longer each time. Returns how long.
    pub fn pause(&mut self) -> Duration {
        let pause = PAUSE_FIRST.saturating_mul(1 << self.pauses.min(8)).min(PAUSE_MAX);
        let until = Instant::now() + pause;
        *self = Self { pauses: self.pauses + 1, until: Some(until), ..Self::default() };
        pause
    }

    /// Whether it is left alone.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.until.is_some_and(|until| until > Instant::now())
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let recent = self.answers.iter().filter(|(when, _)| when.elapsed() <= WINDOW);
        let took: Vec<Duration> = recent.map(|(_, took)| *took).collect();
        let enough = took.len() >= SAMPLES;
        let missed = self.misses.iter().min().filter(|_| self.misses.len() >= MISSES as usize);
        Standing { median: median(took).filter(|_| enough), missed: missed.copied(), misses: !self.misses.is_empty() }
    }
}

/// Why a replica is to be left alone, if it is.
#[must_use]
pub fn outlier(this: &Standing, peers: &[Standing]) -> Option<&'static str> {
    let theirs = median(peers.iter().filter_map(|peer| peer.median).collect())?;
    let too_long = theirs * TIMES;
    if this.median.is_some_and(|median| median > too_long && median > theirs + NEGLIGIBLE) {
        return Some("its answers take several times as long as those of its peers");
    }
    // A deadline that its peers would not have kept either says nothing.
    let alone = peers.iter().all(|peer| !peer.misses);
    if alone && this.missed.is_some_and(|shortest| shortest > too_long) {
        return Some("it lets deadlines pass that its peers keep");
    }
    None
}

fn median(mut values: Vec<Duration>) -> Option<Duration> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let (_, median, _) = values.select_nth_unstable(middle);
    Some(*median)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn of(answers: impl IntoIterator<Item = u64>) -> Standing {
        let mut record = Record::default();
        answers.into_iter().for_each(|took| record.answered(ms(took)));
        record.standing()
    }

    fn missing(deadlines: &[u64]) -> Standing {
        let mut record = Record::default();
        deadlines.iter().for_each(|had| record.missed(ms(*had)));
        record.standing()
    }

    #[test]
    fn who_is_several_times_as_slow_as_its_peers_is_an_outlier() {
        let (fast, slow) = (of(vec![20; 30]), of(vec![200; 30]));
        assert!(outlier(&slow, &[fast, fast]).is_some());
        assert!(outlier(&slow, &[fast]).is_some());
        assert!(outlier(&fast, &[slow]).is_none() && outlier(&slow, &[slow]).is_none());
        // Too few answers to tell, nobody to compare with, and a difference that nobody notices.
        assert!(outlier(&of(vec![200; 5]), &[fast]).is_none());
        assert!(outlier(&slow, &[]).is_none());
        assert!(outlier(&of(vec![40; 30]), &[of(vec![4; 30])]).is_none());
    }

    #[test]
    fn some_long_work_makes_nobody_an_outlier() {
        let mixed = of((0..30).map(|n| if n % 3 == 0 { 20_000 } else { 20 }));
        assert!(outlier(&mixed, &[of(vec![20; 30])]).is_none());
    }

    #[test]
    fn deadlines_count_where_peers_keep_them() {
        let fast = of(vec![20; 30]);
        assert!(outlier(&missing(&[500, 500, 500]), &[fast]).is_some());
        assert!(outlier(&missing(&[500, 500]), &[fast]).is_none(), "once more is no pattern");
        assert!(outlier(&missing(&[50, 50, 50]), &[fast]).is_none(), "callers without patience are nobody's fault");
        assert!(outlier(&missing(&[500, 500, 500]), &[of(vec![400; 30])]).is_none(), "nobody would have kept these");
        let also_missing = Standing { misses: true, ..fast };
        assert!(outlier(&missing(&[500, 500, 500]), &[also_missing]).is_none(), "they miss them too");
    }

    #[test]
    fn pauses_double_until_it_does_well_again() {
        let mut record = Record::default();
        assert_eq!([record.pause(), record.pause(), record.pause()], [ms(1000), ms(2000), ms(4000)]);
        assert!(record.is_paused());
        (0..SAMPLES).for_each(|_| record.answered(ms(1)));
        assert_eq!(record.pause(), ms(1000));
    }
}
