//! What may be said next: `suppress_tokens`, `suppress_blank` and the rules of timestamps of Whisper's decoding
//! (`SuppressTokens`, `SuppressBlank` and `ApplyTimestampRules` of its code).

use std::ops::{Bound, RangeBounds};

use crate::{table::Speech, vocabulary::Vocabulary};

/// A window's first time is this many steps of 20 ms after its start at most: 1 s (`max_initial_timestamp`).
const FIRST_TIME: u32 = 50;

/// A token with its probability's logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Choice {
    pub token: u32,
    pub log_probability: f32,
}

/// The most probable token that may follow `said`; `logits` lose what may not.
pub(crate) fn choose(vocabulary: &Vocabulary, table: &Speech, said: &[u32], logits: &mut [f32]) -> Choice {
    for token in &table.suppress {
        forbid(logits, *token..=*token);
    }
    forbid(logits, vocabulary.no_timestamps..=vocabulary.no_timestamps);
    let time = vocabulary.time();
    match said {
        [] => {
            for token in &table.suppress_begin {
                forbid(logits, *token..=*token);
            }
            forbid(logits, ..time);
            forbid(logits, time + FIRST_TIME + 1..);
        }
        [.., last] => {
            // Times do not go back.
            if let Some(before) = said.iter().rev().find(|token| vocabulary.is_time(**token)) {
                forbid(logits, time..*before);
            }
            let second_last = said.len().checked_sub(2).and_then(|at| said.get(at));
            let pair = second_last.is_none_or(|token| vocabulary.is_time(*token));
            match (vocabulary.is_time(*last), pair) {
                // Two times were the end of a segment and the start of the next: words follow, or the end.
                (true, true) => forbid(logits, time..),
                // One is the end of a segment: the start of the next follows, or the end.
                (true, false) => {
                    forbid(logits, ..vocabulary.end);
                    prefer_times(logits, time);
                }
                (false, _) => prefer_times(logits, time),
            }
        }
    }
    best(logits)
}

/// Times are many, so none alone may be as probable as a word although one of them is.
fn prefer_times(logits: &mut [f32], time: u32) {
    let Some((words, times)) = logits.split_at_checked(time as usize) else { return };
    let word = words.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if log_sum(times) > word {
        forbid(logits, ..time);
    }
}

fn forbid(logits: &mut [f32], tokens: impl RangeBounds<u32>) {
    let length = logits.len();
    let start = match tokens.start_bound() {
        Bound::Included(token) => *token as usize,
        Bound::Excluded(token) => *token as usize + 1,
        Bound::Unbounded => 0,
    };
    let end = match tokens.end_bound() {
        Bound::Included(token) => *token as usize + 1,
        Bound::Excluded(token) => *token as usize,
        Bound::Unbounded => length,
    };
    if let Some(gone) = logits.get_mut(start.min(length)..end.min(length)) {
        gone.fill(f32::NEG_INFINITY);
    }
}

/// The logarithm of the sum of what the values are the logarithms of.
pub(crate) fn log_sum(values: &[f32]) -> f32 {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if most == f32::NEG_INFINITY {
        return most;
    }
    most + values.iter().map(|value| (value - most).exp()).sum::<f32>().ln()
}

fn best(logits: &[f32]) -> Choice {
    let mut best = Choice { token: 0, log_probability: f32::NEG_INFINITY };
    for (token, logit) in (0..).zip(logits) {
        if *logit > best.log_probability {
            best = Choice { token, log_probability: *logit };
        }
    }
    Choice { log_probability: best.log_probability - log_sum(logits), ..best }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_times_together_outweigh_a_word() {
        // A word of 0.4 and three times of 0.2 each.
        let mut logits = [0.4_f32, 0.2, 0.2, 0.2].map(f32::ln);
        prefer_times(&mut logits, 1);
        let choice = best(&logits);
        assert_eq!(choice.token, 1);
        assert!((choice.log_probability - (1.0_f32 / 3.0).ln()).abs() < 1e-6, "{choice:?}");
        let mut logits = [0.7_f32, 0.1, 0.1, 0.1].map(f32::ln);
        prefer_times(&mut logits, 1);
        assert_eq!(best(&logits).token, 0);
    }

    #[test]
    fn what_may_not_be_said_has_no_share() {
        assert_eq!(log_sum(&[f32::NEG_INFINITY; 3]), f32::NEG_INFINITY);
        let mut logits = [1.0_f32; 4];
        forbid(&mut logits, 2..9);
        forbid(&mut logits, 7..=7);
        assert_eq!(logits, [1.0, 1.0, f32::NEG_INFINITY, f32::NEG_INFINITY]);
        assert!((best(&logits).log_probability - 0.5_f32.ln()).abs() < 1e-6);
    }
}
