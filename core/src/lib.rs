//! The words of the domain, and nothing else.
//!
//! Every other crate speaks in these types: a [`Modality`], a [`Media`] somebody sends, the [`Sample`]s a
//! tower feeds its graph, the unit [`Embedding`] that comes out, the [`Space`] it belongs to and the
//! [`Error`] that says why not. The boundaries of the system are traits here, [`Encoder`], [`Transcribe`] and
//! [`VectorStore`], so that a caller cannot tell what stands behind them.
//!
//! This crate names no transport, model or database crate and does no I/O.

pub mod budget;
pub mod bytes;
pub mod calibration;
pub mod embedding;
pub mod encoder;
pub mod error;
pub mod facet;
pub mod filter;
pub mod identity;
pub mod language;
pub mod license;
pub mod limits;
pub mod media;
pub mod modality;
pub mod note;
pub mod options;
pub mod patience;
pub mod random;
pub mod room;
pub mod sample;
pub mod scoring;
pub mod sniff;
pub mod space;
pub mod store;
pub mod track;
pub mod transcript;
pub mod turn;
pub mod vector;

pub use budget::SampleBudget;
pub use calibration::{Calibration, Scale};
pub use embedding::{Embedding, Span, WeightedModality};
pub use encoder::{Deadline, EncodeReply, EncodeRequest, Encoder, EncoderInfo, Timings, TowerInfo};
pub use error::{Code, Error, Reason, Result, Retry};
pub use facet::{FacetCounter, FacetValue, Facets};
pub use filter::{Condition, Field, Filter, ItemField, Match, Scalar};
pub use identity::{CollectionName, CollectionRef, ContentHash, ItemId, PointId, Tenant};
pub use language::Language;
pub use license::{License, UsageRestriction};
pub use media::{Content, Media};
pub use modality::Modality;
pub use note::{Note, NoteReason};
pub use options::{EmbedOptions, Fusion, Purpose, SegmentWindow, Segments, Speech, Window};
pub use patience::{LeaveOnDrop, Patience};
pub use room::{HeldRoom, Room};
pub use sample::{Prepare, PrepareRequest, Prepared, Sample, SampleUse, Tensor, TensorData};
pub use scoring::Scoring;
pub use space::{Fingerprint, Space, Talk};
pub use store::{
    CollectionInfo, CollectionSpec, Fetch, FieldKind, Hit, ItemDetails, Page, Point, Query, StoredItem, VectorStore,
};
pub use track::Track;
pub use transcript::{
    Remark, RemarkKind, Transcribe, TranscribeReply, TranscribeRequest, TranscriberInfo, Transcript, TranscriptSegment,
};
pub use turn::{ListTurn, Turn};
