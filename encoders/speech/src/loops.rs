//! Models of this kind go round in circles now and then, mostly over noise or music (section 4.5 of the paper): they
//! say the same words again and again until the window is full.

use std::io::Write;

use flate2::{Compression, write::ZlibEncoder};

/// A text that zlib makes shorter than by this factor is too repetitive to be speech (`compression_ratio_threshold`).
pub(crate) const COMPRESSION: f32 = 2.4;

/// The longest phrase, in tokens, that is looked for.
const PHRASE: usize = 40;

/// What counts as a circle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circle {
    /// How often a phrase comes in a row.
    pub times: usize,
    /// How many tokens that is in all: people do say "no, no, no, no", and count in figures.
    pub tokens: usize,
}

/// What is seen while the model speaks.
pub(crate) const PLAIN: Circle = Circle { times: 4, tokens: 32 };

/// What is enough where the text as a whole compresses too well.
pub(crate) const SUSPECTED: Circle = Circle { times: 3, tokens: 12 };

/// How many of the words are left when what is repeated at their end is cut: the phrase stays once.
pub(crate) fn cut(words: &[u32], circle: Circle) -> Option<usize> {
    (1..=PHRASE).find_map(|phrase| {
        let before = words.len().checked_sub(phrase).and_then(|to| words.get(..to))?;
        let again = words.iter().rev().zip(before.iter().rev()).take_while(|(one, other)| one == other).count();
        let found = again + phrase >= circle.tokens && again / phrase + 1 >= circle.times;
        found.then(|| words.len() - again)
    })
}

/// How many times shorter zlib makes a text; 0 for an empty one.
pub(crate) fn compression(text: &str) -> f32 {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    written.map_or(0.0, |bytes| text.len() as f32 / bytes.len().max(1) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_that_comes_again_and_again_is_left_once() {
        let phrase: Vec<u32> = (1..=8).collect();
        let said: Vec<u32> = [7, 7].into_iter().chain(phrase.repeat(4)).collect();
        assert_eq!(cut(&said, PLAIN), Some(10));
        assert_eq!(cut(&said[..said.len() - 1], PLAIN), None, "not four times yet");
        assert_eq!(cut(&[&said[..], &[1, 2, 3]].concat(), PLAIN), Some(10), "in the middle of the fifth time");
        assert_eq!(cut(&[5; 40], PLAIN), Some(1));
    }

    #[test]
    fn what_people_repeat_stays() {
        assert_eq!(cut(&[5; 31], PLAIN), None);
        assert_eq!(cut(&[1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3], PLAIN), None);
        assert_eq!(cut(&[1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3], SUSPECTED), Some(3));
        assert_eq!(cut(&[], PLAIN), None);
    }

    #[test]
    fn compression_tells_repetition() {
        assert!(compression("The river flows slowly through the green valley.") < 1.1);
        assert!(compression(&"Thank you. ".repeat(20)) > COMPRESSION);
        assert!(compression("") < f32::EPSILON);
    }
}
