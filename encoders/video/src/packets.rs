//! The packets of one stream, numbered in the order in which they are decoded.

use ffmpeg_next::Packet;
use onespace_core::{Patience, Result};

use crate::{ffi::Source, open::next_packet};

/// Reads a container from its beginning to its end, once. Whoever reads it again gets the same numbers.
pub struct Packets<'a> {
    source: Source<'a>,
    stream: usize,
    next: usize,
}

impl<'a> Packets<'a> {
    /// The packets of stream `stream` of a container that was just opened.
    pub fn new(mut source: Source<'a>, stream: usize) -> Self {
        source.select(stream);
        Self { source, stream, next: 0 }
    }

    /// Where they come from.
    pub fn source(&self) -> &Source<'a> {
        &self.source
    }

    /// How many were read: the number of the next one.
    pub fn position(&self) -> usize {
        self.next
    }

    /// The next packet that is not empty, and its number; none after the last.
    ///
    /// # Errors
    /// What `patience` says when it is over.
    pub fn next(&mut self, patience: &Patience) -> Result<Option<(usize, Packet)>> {
        while let Some(packet) = next_packet(&mut self.source, patience)? {
            // An empty one stands for a frame that was not recorded: the one before it is shown for longer.
            if packet.stream() == self.stream && packet.size() > 0 {
                let number = self.next;
                self.next += 1;
                return Ok(Some((number, packet)));
            }
        }
        Ok(None)
    }
}
