//! A video that was looked through: which stream is seen, when its frames are shown and where decoding can begin.

use onespace_core::{Patience, Result};

use crate::{
    index::Index,
    open::{VIDEOS, open},
    packets::Packets,
    stream::{VideoStreamInfo, video_stream},
};

/// By how much a length that a container states may be off, of itself and in seconds: audio is coded in packets of up
/// to a tenth of a second, and the writers of containers differ in how long they take the last frame for, which in a
/// video of varying rate is as long as several others.
const STATED_WITHIN: f64 = 0.1;
const STATED_WITHIN_SECONDS: std::ops::RangeInclusive<f64> = 0.1..=0.5;

/// What begins this near to zero, seconds, begins there: containers round, and audio begins a moment earlier.
const BEGINS_WITHIN_SECONDS: f64 = 0.01;

/// The bytes of a video and what was found in them without decoding.
#[derive(Debug)]
pub struct VideoFile<'a> {
    bytes: &'a [u8],
    /// The stream that is seen.
    pub stream: VideoStreamInfo,
    /// Its packets and frames.
    pub index: Index,
}

impl<'a> VideoFile<'a> {
    /// Looks through `bytes`, all packets of the stream that is seen included.
    ///
    /// # Errors
    /// `MEDIA_UNSUPPORTED`, `MEDIA_MALFORMED`, `MEDIA_TOO_LARGE`; what `patience` says when it is over.
    pub fn look_through(bytes: &'a [u8], patience: &Patience) -> Result<Self> {
        let source = open(bytes, VIDEOS, patience)?;
        let stream = video_stream(&source)?;
        let index = Index::scan(Packets::new(source, stream.index), &stream, patience)?;
        Ok(Self { bytes, stream, index })
    }

    /// The same packets again, from the first one on. Containers are read on and never sought in: not all of them find
    /// the place, and what is skipped in memory costs little.
    ///
    /// # Errors
    /// As of [`look_through`](Self::look_through).
    pub fn packets(&self, patience: &Patience) -> Result<Packets<'a>> {
        Ok(Packets::new(open(self.bytes, VIDEOS, patience)?, self.stream.index))
    }

    /// From the first frame to the end of the last one, seconds: as the container states it, or as long as its packets
    /// are where that is something else.
    pub fn seconds(&self) -> f64 {
        let found = self.index.seconds();
        let within = (found * STATED_WITHIN).clamp(*STATED_WITHIN_SECONDS.start(), *STATED_WITHIN_SECONDS.end());
        let is_near = |stated: &f64| (stated - found).abs() <= within;
        // Of a later beginning some containers count the time before it, others do not.
        let begins = self.stream.origin.unwrap_or(0) as f64 * self.stream.tick;
        let begins_at_zero = begins.abs() < BEGINS_WITHIN_SECONDS;
        self.stream.seconds.filter(|stated| begins_at_zero && is_near(stated)).unwrap_or(found)
    }
}
