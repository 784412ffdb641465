//! Whose turn it is, decided once.

/// How much of the time that a list has its own work may take: the estimate may be wrong by as much again.
const OF_ITS_TIME: f64 = 0.5;

/// A list that takes no more than this of what it could have on an idle server is taken whole or not at all.
const FITS_WHOLE: f64 = 0.5;

/// Whether a request still has to ask for its turn in the queues that it passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// It is refused where it would wait for too long.
    #[default]
    Asks,
    /// It has asked when it arrived, together with all that came with it, and now waits until its deadline: what was
    /// taken on is not thrown away half done.
    Has,
}

/// What decides how many media of a list have their turn at one queue, in seconds and places.
#[derive(Clone, Copy, Debug)]
pub struct ListTurn {
    /// Media in the list.
    pub media: usize,
    /// Seconds that one of them takes.
    pub each: f64,
    /// Seconds that what came before takes.
    pub ahead: f64,
    /// Seconds until the deadline.
    pub left: f64,
    /// Media that the queue may hold, and those in it.
    pub places: (f64, f64),
}

impl ListTurn {
    /// How many have their turn; none where the list should come again as a whole. One that an idle server could take
    /// easily is not divided: its caller would wait for the answer of a few to hear that the others are refused. A
    /// longer one is taken as far as it fits, and a single media always is: or what is slow would never pass.
    #[must_use]
    pub fn taken(&self) -> Option<usize> {
        let (media, time, (places, inside)) = (self.media as f64, self.left * OF_ITS_TIME, self.places);
        let in_time = (time - self.ahead) / self.each.max(f64::MIN_POSITIVE);
        let fit = in_time.min(places - inside);
        if fit >= media || self.media <= 1 {
            return Some(self.media);
        }
        let easy = media * self.each <= time * FITS_WHOLE && media <= places * FITS_WHOLE;
        if easy { None } else { Some((fit as usize).max(1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::ListTurn;

    const IDLE: ListTurn = ListTurn { media: 1, each: 0.1, ahead: 0.0, left: 10.0, places: (256.0, 0.0) };

    #[test]
    fn a_list_that_fits_is_taken_whole() {
        assert_eq!(ListTurn { media: 50, ..IDLE }.taken(), Some(50));
        assert_eq!(ListTurn { media: 200, each: 0.0, ..IDLE }.taken(), Some(200), "what is not known is tried");
    }

    #[test]
    fn a_short_list_comes_again_and_a_long_one_is_divided() {
        let busy = ListTurn { ahead: 4.0, ..IDLE };
        assert_eq!(ListTurn { media: 10, ..busy }.taken(), Some(10));
        assert_eq!(ListTurn { media: 16, ..busy }.taken(), None, "an idle server has it done in 1.6 of 5 s");
        assert_eq!(ListTurn { media: 64, ..busy }.taken(), Some(10));
        assert_eq!(ListTurn { media: 64, ahead: 5.0, ..IDLE }.taken(), Some(1));
    }

    #[test]
    fn places_count_as_time_does() {
        let full = ListTurn { each: 0.001, places: (256.0, 250.0), ..IDLE };
        assert_eq!(ListTurn { media: 6, ..full }.taken(), Some(6));
        assert_eq!(ListTurn { media: 16, ..full }.taken(), None);
        assert_eq!(ListTurn { media: 1_000, ..full }.taken(), Some(6));
    }

    #[test]
    fn a_single_media_is_never_divided() {
        assert_eq!(ListTurn { each: 60.0, ahead: 4.9, ..IDLE }.taken(), Some(1));
    }
}
