//! Why a worker gave no answer, and what is said of that.

use onespace_core::{Error, Modality, Reason, limits};

use crate::message::Ending;

/// What Rust says last where memory is refused to it; then it ends by SIGABRT, as it does for faults.
const REFUSED_MEMORY: &str = "memory allocation of ";

/// Why a worker gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The decoder broke: it read or wrote where it must not, or found itself in a state that cannot be.
    Broke,
    /// It asked the system for what no decoder needs.
    Forbidden,
    /// It took more memory than any may.
    Memory,
    /// It took more processor time than any may.
    Time,
    /// It wrote more than any answer has.
    Answer,
    /// Somebody else ended it: a person, or a system that is out of memory.
    Ended,
}

impl Fault {
    /// Of a worker that ended so, having said `last_words`.
    pub fn of(ending: Ending, last_words: &str) -> Self {
        match ending {
            Ending::Signalled(libc::SIGSYS) => Self::Forbidden,
            Ending::Signalled(libc::SIGXCPU) => Self::Time,
            Ending::Signalled(libc::SIGXFSZ) => Self::Answer,
            Ending::Signalled(libc::SIGKILL | libc::SIGTERM | libc::SIGINT | libc::SIGHUP) => Self::Ended,
            Ending::Signalled(libc::SIGABRT) if last_words.starts_with(REFUSED_MEMORY) => Self::Memory,
            Ending::Answered | Ending::Exited(_) | Ending::Signalled(_) => Self::Broke,
        }
    }

    /// The name in metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broke => "broke",
            Self::Forbidden => "forbidden",
            Self::Memory => "memory",
            Self::Time => "time",
            Self::Answer => "answer",
            Self::Ended => "ended",
        }
    }

    /// Whether it may be an attack that looks for a way in by trying.
    pub const fn is_attack(self) -> bool {
        matches!(self, Self::Broke | Self::Forbidden)
    }

    /// What the sender of the media is told.
    pub fn error(self, modality: Modality) -> Error {
        let malformed = |why: &str| Error::malformed("bytes", format!("the decoder of this {modality} {why}"));
        let too_large = |what: &str, limit: String| Error::too_large("bytes", what, "more", limit);
        match self {
            Self::Broke => malformed("broke on the bytes and was stopped"),
            Self::Forbidden => malformed("was stopped: it asked the system for what no decoder needs"),
            Self::Memory => {
                too_large("the memory that decoding takes", format!("{} bytes (DECODER_BYTES)", limits::DECODER_BYTES))
            }
            Self::Time => {
                let limit = format!("{} seconds (DECODER_CPU_SECONDS)", limits::DECODER_CPU_SECONDS);
                too_large("the processor time that decoding takes", limit)
            }
            Self::Answer => too_large(
                "what the media is decoded to",
                format!("{} bytes (DECODER_ANSWER_BYTES)", limits::DECODER_ANSWER_BYTES),
            ),
            Self::Ended => {
                let message = format!("the process that decoded this {modality} was ended from outside");
                Error::new(Reason::Panicked, "bytes", message)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_to_blame_shows_in_the_signal() {
        let of = |signal: i32, words: &str| Fault::of(Ending::Signalled(signal), words);
        assert_eq!(of(libc::SIGABRT, "memory allocation of 2147483648 bytes failed"), Fault::Memory);
        assert_eq!(of(libc::SIGABRT, "Assertion failed"), Fault::Broke);
        assert_eq!(of(libc::SIGSEGV, "memory allocation of "), Fault::Broke);
        assert_eq!(Fault::of(Ending::Exited(1), ""), Fault::Broke);
        for (fault, reason) in [
            (Fault::Broke, Reason::MediaMalformed),
            (Fault::Forbidden, Reason::MediaMalformed),
            (Fault::Memory, Reason::MediaTooLarge),
            (Fault::Time, Reason::MediaTooLarge),
            (Fault::Answer, Reason::MediaTooLarge),
            (Fault::Ended, Reason::Panicked),
        ] {
            let error = fault.error(Modality::Image);
            assert_eq!((error.reason, error.field.as_str()), (reason, "bytes"), "{}", fault.name());
        }
    }
}
