//! What server and worker say to each other, and what the fork server says of a worker.

use std::{io, time::Duration};

use onespace_core::{
    Deadline, Error, Modality, Note, Patience, PrepareRequest, Prepared, Purpose, Result, Sample, SampleUse, Segments,
    Span, Tensor, TensorData, Track, limits,
};
use serde::{Deserialize, Serialize};

use crate::shared::{Body, Shared};

/// The head of what is asked; the body is the media.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ask {
    /// Whose decoder.
    pub modality: Modality,
    /// The sender's media type.
    pub media_type: Option<String>,
    /// What the vector is for.
    pub purpose: Purpose,
    /// The segments that are wanted.
    pub segments: Segments,
    /// How long the answer is waited for; none: as long as it takes.
    pub remaining: Option<Duration>,
}

/// The head of an answer; the body is the values of the tensors, one after the other.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Prepared {
        samples: Vec<SampleHead>,
        notes: Vec<Note>,
    },
    Failed {
        error: Error,
        /// What a decoder that panicked said.
        said: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct SampleHead {
    tower: Modality,
    track: Track,
    span: Option<Span>,
    used_for: SampleUse,
    tensors: Vec<TensorHead>,
}

#[derive(Debug, Serialize, Deserialize)]
struct TensorHead {
    shape: Vec<usize>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Kind {
    F32,
    I64,
}

/// Writes down what is asked.
pub fn write_request(shared: &Shared, modality: Modality, request: &PrepareRequest<'_>) -> io::Result<()> {
    let ask = Ask {
        modality,
        media_type: request.media_type.map(ToOwned::to_owned),
        purpose: request.purpose,
        segments: request.segments,
        remaining: request.patience.remaining(),
    };
    shared.write(&serde_json::to_vec(&ask)?, &[request.bytes])
}

/// Takes out what is asked, and the media.
pub fn take_request(shared: &Shared) -> io::Result<(Ask, Vec<u8>)> {
    let (head, body) = shared.head(limits::DECODER_ANSWER_HEAD_BYTES)?;
    let ask: Ask = serde_json::from_slice(&head)?;
    let mut media = vec![0; usize::try_from(body.length).map_err(|_| io::ErrorKind::InvalidData)?];
    shared.read(&mut media, body.at)?;
    shared.clear()?;
    Ok((ask, media))
}

impl Ask {
    /// As a preparer takes it.
    pub fn request<'a>(&'a self, media: &'a [u8]) -> PrepareRequest<'a> {
        PrepareRequest {
            bytes: media,
            media_type: self.media_type.as_deref(),
            purpose: self.purpose,
            segments: self.segments,
            patience: self.remaining.map_or_else(Patience::endless, |left| Patience::until(Deadline::after(left))),
        }
    }
}

/// Writes down an answer. Of a panic, what was said of it is there already.
pub fn write_answer(shared: &Shared, outcome: &Result<Prepared>) -> io::Result<()> {
    let prepared = match outcome {
        Ok(prepared) => prepared,
        Err(error) => {
            let answer = Answer::Failed { error: error.clone(), said: shared.last_words() };
            return shared.write(&serde_json::to_vec(&answer)?, &[]);
        }
    };
    let head = |tensor: &Tensor| {
        let kind = match tensor.data {
            TensorData::F32(_) => Kind::F32,
            TensorData::I64(_) => Kind::I64,
        };
        TensorHead { shape: tensor.shape.clone(), kind }
    };
    let heads = prepared.samples.iter().map(|sample| SampleHead {
        tower: sample.tower,
        track: sample.track,
        span: sample.span,
        used_for: sample.used_for,
        tensors: sample.tensors.iter().map(head).collect(),
    });
    let answer = Answer::Prepared { samples: heads.collect(), notes: prepared.notes.clone() };
    let tensors = prepared.samples.iter().flat_map(|sample| &sample.tensors);
    let body: Vec<&[u8]> = tensors.map(|tensor| bytes_of(&tensor.data)).collect();
    shared.write(&serde_json::to_vec(&answer)?, &body)
}

/// Reads an answer, whoever wrote it: nothing is believed that is not bounded. Beside an error stands what a decoder
/// that panicked said.
pub fn read_answer(shared: &Shared) -> io::Result<Result<Prepared, (Error, String)>> {
    let (head, body) = shared.head(limits::DECODER_ANSWER_HEAD_BYTES)?;
    let (heads, notes) = match serde_json::from_slice::<Answer>(&head)? {
        Answer::Prepared { samples, notes } => (samples, notes),
        Answer::Failed { error, said } => return Ok(Err((error, said))),
    };
    if body.length > limits::DECODER_ANSWER_BYTES as u64 || heads.len() > limits::SAMPLES_PER_MEDIA {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut rest = body;
    let samples = heads.into_iter().map(|SampleHead { tower, track, span, used_for, tensors }| -> io::Result<Sample> {
        let tensors = tensors.into_iter().map(|tensor| read_tensor(shared, &mut rest, tensor));
        Ok(Sample { tower, tensors: tensors.collect::<io::Result<_>>()?, track, span, used_for })
    });
    let samples = samples.collect::<io::Result<_>>()?;
    Ok(Ok(Prepared { samples, notes }))
}

/// The next tensor of an answer, and what is left of it.
fn read_tensor(shared: &Shared, rest: &mut Body, TensorHead { shape, kind }: TensorHead) -> io::Result<Tensor> {
    let width = match kind {
        Kind::F32 => size_of::<f32>(),
        Kind::I64 => size_of::<i64>(),
    };
    let count = shape.iter().try_fold(1_usize, |count, side| count.checked_mul(*side));
    let bytes = count.and_then(|count| count.checked_mul(width)).filter(|bytes| *bytes as u64 <= rest.length);
    let (Some(count), Some(bytes)) = (count, bytes) else { return Err(io::ErrorKind::InvalidData.into()) };
    let data = match kind {
        Kind::F32 => {
            let mut values = vec![0_f32; count];
            shared.read(bytemuck::cast_slice_mut(&mut values), rest.at)?;
            TensorData::F32(values)
        }
        Kind::I64 => {
            let mut values = vec![0_i64; count];
            shared.read(bytemuck::cast_slice_mut(&mut values), rest.at)?;
            TensorData::I64(values)
        }
    };
    *rest = Body { at: rest.at + bytes as u64, length: rest.length - bytes as u64 };
    Ok(Tensor { shape, data })
}

fn bytes_of(data: &TensorData) -> &[u8] {
    match data {
        TensorData::F32(values) => bytemuck::cast_slice(values),
        TensorData::I64(values) => bytemuck::cast_slice(values),
    }
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its answer is there.
    Answered,
    /// With this status, without an answer.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
}

impl Ending {
    /// As a message.
    pub fn to_bytes(self) -> [u8; 5] {
        let (kind, number) = match self {
            Self::Answered => (0, 0),
            Self::Exited(status) => (1, status),
            Self::Signalled(signal) => (2, signal),
        };
        let [one, two, three, four] = number.to_le_bytes();
        [kind, one, two, three, four]
    }

    /// What a message says. Nonsense comes from a worker that somebody has taken over, which is its end.
    pub fn of(message: &[u8]) -> Self {
        let [kind, one, two, three, four] = *message else { return Self::Exited(-1) };
        let number = i32::from_le_bytes([one, two, three, four]);
        match kind {
            0 => Self::Answered,
            2 => Self::Signalled(number),
            _ => Self::Exited(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use onespace_core::{NoteReason, Reason, Window};

    use super::*;

    #[test]
    fn requests_and_answers_travel_whole() {
        let shared = Shared::new().unwrap();
        let milliseconds = Some(Window::of_milliseconds(1500, 500).unwrap());
        let segments = Segments::Window(onespace_core::SegmentWindow { milliseconds, tokens: None });
        let request = PrepareRequest { media_type: Some("a/\"b\""), segments, ..PrepareRequest::of(b"media") };
        write_request(&shared, Modality::Video, &request).unwrap();
        let (ask, media) = take_request(&shared).unwrap();
        let asked = ask.request(&media);
        assert_eq!((ask.modality, asked.bytes, asked.media_type), (Modality::Video, request.bytes, request.media_type));
        assert_eq!((asked.purpose, asked.segments), (request.purpose, request.segments));
        assert!(asked.patience.remaining().is_none());

        let floats = Tensor::f32([2, 2], vec![1.5, -0.0, f32::NAN, f32::INFINITY]);
        let sample = Sample {
            tower: Modality::Audio,
            tensors: vec![floats, Tensor::i64([3], vec![i64::MIN, 0, 7]), Tensor::f32([0], Vec::new())],
            track: Track::Audio,
            span: Some(Span { start_ms: 1, end_ms: 2 }),
            used_for: SampleUse::Segment,
        };
        let notes = vec![Note::new(NoteReason::NoAudioTrack, "silent")];
        let prepared = Prepared { samples: vec![sample.clone(), sample], notes };
        write_answer(&shared, &Ok(prepared.clone())).unwrap();
        // NaN is not equal to itself, and its bits are.
        assert_eq!(format!("{:?}", read_answer(&shared).unwrap().unwrap()), format!("{prepared:?}"));

        let error = Error::new(Reason::MediaMalformed, "bytes", "no").retry_after(Duration::from_millis(5));
        write_answer(&shared, &Err(error.clone())).unwrap();
        assert_eq!(read_answer(&shared).unwrap().unwrap_err().0, error);
    }

    #[test]
    fn an_answer_that_lies_is_refused() {
        let shared = Shared::new().unwrap();
        let lie = |shape: &str, body: &[u8]| {
            let head = format!(
                r#"{{"Prepared":{{"samples":[{{"tower":"image","track":"whole","span":null,"used_for":"Both",
                "tensors":[{{"shape":{shape},"kind":"F32"}}]}}],"notes":[]}}}}"#
            );
            shared.write(head.as_bytes(), &[body]).unwrap();
            read_answer(&shared).is_ok()
        };
        assert!(lie("[1]", &[0; 4]));
        assert!(!lie("[2]", &[0; 4]));
        assert!(!lie("[4294967296,4294967296,4294967296]", &[0; 4]));
        assert!(!lie("[-1]", &[0; 4]));
        shared.write(b"nonsense", &[]).unwrap();
        assert!(read_answer(&shared).is_err());
    }

    #[test]
    fn endings_travel_and_nonsense_is_one() {
        for ending in [Ending::Answered, Ending::Exited(70), Ending::Signalled(11)] {
            assert_eq!(Ending::of(&ending.to_bytes()), ending);
        }
        assert!(matches!((Ending::of(b"x"), Ending::of(&[9; 5])), (Ending::Exited(_), Ending::Exited(_))));
    }
}
