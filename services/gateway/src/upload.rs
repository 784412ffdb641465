//! Files that come in chunks: bounded in each and in all, accounted for as they arrive, and never slower than a floor.
//!
//! However many files are left half sent, together they hold no more than `UPLOADS_BYTES`. One that finds no room
//! among them waits a moment and is then refused, which gives its own room back: so somebody always goes on. What is
//! held for a file that is complete goes with it to whoever embeds it.

use bytes::{Bytes, BytesMut};
use onespace_core::{
    Error, Modality, Reason, Result,
    limits::{CHUNK_BYTES, CHUNK_TINY_BYTES, CHUNKS_TINY, VIDEO_BYTES},
};
use onespace_kit::{
    admission::{Admission, Admitted},
    messages::Messages,
    pace::Pace,
};
use onespace_proto::{convert, v1};

/// What accounts for the bytes of a media, to be held until it is embedded.
pub type Held = Vec<Admitted>;

/// One file on its way here.
pub struct Upload {
    limit: usize,
    bytes: BytesMut,
    unfinished: Admission,
    /// Its share of what unfinished files may hold.
    share: Held,
    pace: Pace,
}

impl Upload {
    /// A file of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize, unfinished: &Admission) -> Self {
        Self {
            limit,
            bytes: BytesMut::new(),
            unfinished: unfinished.clone(),
            share: Held::new(),
            pace: Pace::start("chunk"),
        }
    }

    /// Adds a chunk, waiting while other unfinished files fill the memory set aside for them.
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` for a chunk or a file over its limit, `STREAM_STALLED` below the slowest pace, `QUEUE_FULL`.
    pub async fn push(&mut self, chunk: &v1::Chunk) -> Result<()> {
        let size = chunk.data.len();
        if size > CHUNK_BYTES {
            let (found, limit) = (format!("{size} bytes"), format!("{CHUNK_BYTES} bytes"));
            return Err(Error::too_large("chunk.data", "the chunk", found, limit));
        }
        if self.bytes.len() + size > self.limit {
            return Err(Error::too_large("chunk.data", "the file", "larger", format!("{} bytes", self.limit)));
        }
        self.pace.came(size, chunk.last)?;
        let grown = self.unfinished.wait_growth(self.bytes.len(), self.bytes.len() + size).await?;
        if let Some(grown) = grown {
            match self.share.first_mut() {
                Some(share) => share.join(grown),
                None => self.share.push(grown),
            }
        }
        self.pace.go_on();
        self.bytes.extend_from_slice(&chunk.data);
        Ok(())
    }

    /// The bytes received so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The whole file. It no longer counts among the unfinished.
    #[must_use]
    pub fn finish(self) -> Bytes {
        self.bytes.freeze()
    }
}

/// The sizes of a file's chunks: there may be millions of them, and nothing ever comes of those that are empty or tiny.
#[derive(Debug, Default)]
pub struct Sizes {
    tiny: usize,
}

impl Sizes {
    /// Looks at the next chunk. The last one may be of any size.
    ///
    /// # Errors
    /// `FIELD_INVALID` for an empty one, and for a tiny one after as many as there may be.
    pub fn look(&mut self, chunk: &v1::Chunk) -> Result<()> {
        let size = chunk.data.len();
        if chunk.last || size >= CHUNK_TINY_BYTES {
            return Ok(());
        }
        self.tiny += 1;
        let message = match size {
            0 => "a chunk that is not the last has no bytes".to_owned(),
            _ if self.tiny <= CHUNKS_TINY => return Ok(()),
            _ => format!(
                "{} chunks of less than {CHUNK_TINY_BYTES} bytes (CHUNK_TINY_BYTES), the limit for one file is \
                 {CHUNKS_TINY} (CHUNKS_TINY): send more at once",
                self.tiny
            ),
        };
        Err(Error::new(Reason::FieldInvalid, "chunk.data", message))
    }
}

/// Whether contents of a media come in chunks.
#[must_use]
pub fn is_incomplete(media: &v1::Media) -> bool {
    match &media.content {
        None => true,
        Some(v1::media::Content::Parts(parts)) => {
            parts.parts.iter().filter_map(|part| part.media.as_ref()).any(is_incomplete)
        }
        Some(_) => false,
    }
}

/// A media whose missing contents come in chunks that follow in `messages`: its own, or those of its parts.
pub struct Receiver<'a, T> {
    /// Where the chunks come from.
    pub messages: &'a mut Messages<T>,
    /// The chunk in a message, if that is what it is.
    pub chunk: fn(T) -> Option<v1::Chunk>,
    /// What unfinished files may hold together.
    pub unfinished: &'a Admission,
}

impl<T> Receiver<'_, T> {
    /// Fills in what is missing. An error in one media, the inner one, is that item's own: the chunks of all that was
    /// announced are read past, so that what follows is found.
    ///
    /// # Errors
    /// What ends the stream: something else than a chunk where one was expected, as [`Sizes::look`]; `STREAM_STALLED`
    /// where they come too slowly; as [`Messages::next`].
    pub async fn complete(&mut self, mut media: v1::Media) -> Result<(Result<v1::Media>, Held)> {
        let mut held = Held::from_iter(self.messages.take_room());
        let mut failed = None;
        let mut keep = |outcome: Result<()>| failed = failed.take().or(outcome.err());
        match &mut media.content {
            None => keep(self.fill(&mut media, &mut held).await?),
            Some(v1::media::Content::Parts(parts)) => {
                for (index, part) in parts.parts.iter_mut().enumerate() {
                    if let Some(media) = part.media.as_mut().filter(|media| media.content.is_none()) {
                        let outcome = self.fill(media, &mut held).await?;
                        keep(outcome.map_err(|error| error.under(&format!("parts[{index}].media"))));
                    }
                }
            }
            Some(_) => {}
        }
        Ok((failed.map_or(Ok(media), Err), held))
    }

    async fn fill(&mut self, media: &mut v1::Media, held: &mut Held) -> Result<Result<()>> {
        let modality = convert::modality_in(media.modality);
        let limit = modality.as_ref().ok().copied().flatten().map_or(VIDEO_BYTES, Modality::max_bytes);
        let mut upload = modality.map(|_| Upload::new(limit, self.unfinished));
        let mut sizes = Sizes::default();
        loop {
            let message = self.messages.next().await?;
            let Some(chunk) = message.and_then(self.chunk) else {
                let message = "a media has no content: a chunk of it was expected here, and one that is its last";
                return Err(Error::new(Reason::FieldInvalid, "message", message));
            };
            sizes.look(&chunk)?;
            let room = self.messages.take_room();
            if let Ok(receiving) = &mut upload {
                match receiving.push(&chunk).await {
                    // Whoever is this slow would be so with what follows, too.
                    Err(error) if error.reason == Reason::StreamStalled => return Err(error),
                    // The room of what is refused is free at once.
                    Err(error) => upload = Err(error),
                    Ok(()) => held.extend(room),
                }
            }
            if chunk.last {
                break;
            }
        }
        Ok(upload.map(|upload| media.content = Some(v1::media::Content::Data(upload.finish()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_chunks_are_refused_and_tiny_ones_when_they_are_many() {
        let chunk = |size: usize, last: bool| v1::Chunk { data: vec![7; size].into(), last };
        let mut sizes = Sizes::default();
        assert_eq!(Sizes::default().look(&chunk(0, false)).unwrap_err().reason, Reason::FieldInvalid);
        assert!(Sizes::default().look(&chunk(0, true)).is_ok());
        for _ in 0..CHUNKS_TINY {
            assert!(sizes.look(&chunk(1, false)).is_ok() && sizes.look(&chunk(CHUNK_TINY_BYTES, false)).is_ok());
        }
        assert!(sizes.look(&chunk(1, true)).is_ok());
        let refused = sizes.look(&chunk(CHUNK_TINY_BYTES - 1, false)).unwrap_err();
        assert_eq!((refused.reason, refused.field.as_str()), (Reason::FieldInvalid, "chunk.data"));
        assert!(refused.message.contains("CHUNKS_TINY"), "{refused}");
    }
}
