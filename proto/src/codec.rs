//! How messages come off the wire: counted, then decoded. What cannot be decoded is the sender's mistake and is said
//! so.

use std::marker::PhantomData;

use onespace_core::{Error, Reason};
use prost::{Message, Name, bytes::Buf as _};
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder},
};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

use crate::{elements::Counter, status::status};

/// Encodes `T` and decodes `U`.
#[derive(Clone, Debug)]
pub struct BoundedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for BoundedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for BoundedCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        BoundedDecoder { inner: ProstCodec::<T, U>::default().decoder(), counter: Counter::of_request(&U::full_name()) }
    }
}

/// Decodes requests that are within bounds. Answers are as large as the server that gave them made them.
#[derive(Clone, Debug)]
pub struct BoundedDecoder<U> {
    inner: ProstDecoder<U>,
    counter: Option<Counter>,
}

impl<U: Message + Default> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        if let Some(counter) = &self.counter {
            // The whole message lies in one piece; of what would not, the first piece is counted.
            counter.check(buffer.chunk()).map_err(|error| status(&error))?;
        }
        self.inner.decode(buffer).map_err(|undecodable| {
            let message = format!("the message cannot be decoded: {}", undecodable.message());
            status(&Error::new(Reason::FieldInvalid, "", message))
        })
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.inner.buffer_settings()
    }
}
