//! One error for the whole system, and the one table that maps a reason to its code and its retry rule.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// What everything here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The canonical (gRPC) status codes that this system answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Their meaning is fixed by the gRPC specification.
pub enum Code {
    Cancelled,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Unimplemented,
    Internal,
    Unavailable,
    Unauthenticated,
}

impl Code {
    /// The status of HTTP that google.rpc.Code maps it to.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::InvalidArgument | Self::FailedPrecondition => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::AlreadyExists => 409,
            Self::ResourceExhausted => 429,
            Self::Cancelled => 499,
            Self::Internal => 500,
            Self::Unimplemented => 501,
            Self::Unavailable => 503,
            Self::DeadlineExceeded => 504,
        }
    }
}

/// Whether, and where, the same request may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It would fail again.
    Never,
    /// At once, on another replica.
    OtherReplica,
    /// After the pause that the error names.
    AfterPause,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $code:ident, $retry:ident;)+) => {
        /// Why a request, or one item of it, failed: the `reason` of `google.rpc.ErrorInfo`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Reason { $($(#[doc = $doc])+ $variant,)+ }

        impl Reason {
            /// Every reason, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name,)+ } }

            /// The status code it is answered with.
            #[must_use]
            pub const fn code(self) -> Code { match self { $(Self::$variant => Code::$code,)+ } }

            /// The status of HTTP it is answered with: that of its code (google.rpc.Code), unless HTTP has one for the
            /// very thing.
            #[must_use]
            pub const fn http_status(self) -> u16 {
                match self {
                    Self::MediaTooLarge => 413,
                    Self::BodyUnsupported => 415,
                    Self::StreamStalled => 408,
                    _ => self.code().http_status(),
                }
            }

            /// Whether trying again can help.
            #[must_use]
            pub const fn retry(self) -> Retry { match self { $(Self::$variant => Retry::$retry,)+ } }

            /// What it means, in a sentence (printed in the documentation).
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

reasons! {
    /// A field that must be set is not.
    FieldRequired = "FIELD_REQUIRED", InvalidArgument, Never;
    /// A field holds a value that is not allowed.
    FieldInvalid = "FIELD_INVALID", InvalidArgument, Never;
    /// A request lists more than a limit allows.
    TooMany = "TOO_MANY", InvalidArgument, Never;
    /// The media has no bytes.
    MediaEmpty = "MEDIA_EMPTY", InvalidArgument, Never;
    /// The bytes are not what they claim to be: truncated, corrupt or nonsense.
    MediaMalformed = "MEDIA_MALFORMED", InvalidArgument, Never;
    /// A format or codec that this server does not decode.
    MediaUnsupported = "MEDIA_UNSUPPORTED", InvalidArgument, Never;
    /// The media exceeds a limit: bytes, pixels, duration, points.
    MediaTooLarge = "MEDIA_TOO_LARGE", InvalidArgument, Never;
    /// No modality was given and none could be told from the content.
    ModalityUnknown = "MODALITY_UNKNOWN", InvalidArgument, Never;
    /// The content is of another modality than the one that was given.
    ModalityMismatch = "MODALITY_MISMATCH", InvalidArgument, Never;
    /// No tower of this space serves the modality.
    ModalityNotServed = "MODALITY_NOT_SERVED", FailedPrecondition, Never;
    /// This server has no transcriber, and was told to write down what is said.
    SpeechNotServed = "SPEECH_NOT_SERVED", FailedPrecondition, Never;
    /// The server does not fetch this URI.
    UriNotAllowed = "URI_NOT_ALLOWED", PermissionDenied, Never;
    /// Vectors of two spaces would meet.
    SpaceMismatch = "SPACE_MISMATCH", FailedPrecondition, Never;
    /// The weighted parts of a query cancel each other out.
    QueryCancelsOut = "QUERY_CANCELS_OUT", InvalidArgument, Never;
    /// The space says nothing of what unrelated pairs of these modalities score.
    NotCalibrated = "NOT_CALIBRATED", FailedPrecondition, Never;
    /// This server serves no such model.
    ModelNotFound = "MODEL_NOT_FOUND", NotFound, Never;
    /// Nothing is served at this path over HTTP, or not by this method.
    PathNotFound = "PATH_NOT_FOUND", NotFound, Never;
    /// The body of a request over HTTP is of another type than is taken there.
    BodyUnsupported = "BODY_UNSUPPORTED", InvalidArgument, Never;
    /// There is no such collection.
    CollectionNotFound = "COLLECTION_NOT_FOUND", NotFound, Never;
    /// A collection of that name stands already.
    CollectionExists = "COLLECTION_EXISTS", AlreadyExists, Never;
    /// The collection is there but its files cannot be opened. Not UNAVAILABLE: clients try that again by themselves,
    /// and only a person mends files; a collection that waits for room on the disk comes back when it is asked for.
    CollectionUnavailable = "COLLECTION_UNAVAILABLE", FailedPrecondition, Never;
    /// The embedded store has as many collections as it may: one that is no longer needed makes room.
    TooManyCollections = "TOO_MANY_COLLECTIONS", ResourceExhausted, Never;
    /// There is no such item in the collection.
    ItemNotFound = "ITEM_NOT_FOUND", NotFound, Never;
    /// The item is stored but its bytes on the server's disk are damaged. Ingesting or deleting it mends that.
    ItemDamaged = "ITEM_DAMAGED", Internal, Never;
    /// A bounded queue is full; the answer names a pause.
    QueueFull = "QUEUE_FULL", ResourceExhausted, AfterPause;
    /// The deadline passed before the answer was ready.
    DeadlineExceeded = "DEADLINE_EXCEEDED", DeadlineExceeded, Never;
    /// A client's stream fell silent, or came so slowly that it held what others wait for.
    StreamStalled = "STREAM_STALLED", DeadlineExceeded, Never;
    /// The answer would be larger than the caller takes.
    AnswerTooLarge = "ANSWER_TOO_LARGE", InvalidArgument, Never;
    /// The caller went away.
    Cancelled = "CANCELLED", Cancelled, Never;
    /// No replica of the encoder answers.
    EncoderUnavailable = "ENCODER_UNAVAILABLE", Unavailable, OtherReplica;
    /// The vector store does not answer.
    StoreUnavailable = "STORE_UNAVAILABLE", Unavailable, AfterPause;
    /// The disk of the store has too little room left to write; reading goes on.
    StoreFull = "STORE_FULL", ResourceExhausted, AfterPause;
    /// The vector store refused or failed an operation.
    StoreFailed = "STORE_FAILED", Internal, Never;
    /// The server is draining or still loading.
    NotReady = "NOT_READY", Unavailable, OtherReplica;
    /// No key or token, or one that is not known, has ended or was withdrawn.
    Unauthenticated = "UNAUTHENTICATED", Unauthenticated, Never;
    /// The caller is known, and may not do this: the message says which scope, tenant or collection is missing.
    PermissionDenied = "PERMISSION_DENIED", PermissionDenied, Never;
    /// The caller's own quota of requests is used up for now; the answer names a pause.
    QuotaExceeded = "QUOTA_EXCEEDED", ResourceExhausted, AfterPause;
    /// As many items are stored as the caller's quota allows: deleting some makes room.
    ItemQuotaExceeded = "ITEM_QUOTA_EXCEEDED", ResourceExhausted, Never;
    /// The bundle is broken: manifest, digests, graph or golden vector.
    BundleInvalid = "BUNDLE_INVALID", FailedPrecondition, Never;
    /// The model failed, or gave a vector that is not finite.
    ModelFailed = "MODEL_FAILED", Internal, Never;
    /// A decoder or a batch panicked, or the process it ran in was ended from outside; only this item is lost.
    Panicked = "PANICKED", Internal, Never;
    /// A defect of the server.
    Internal = "INTERNAL", Internal, Never;
}

/// Why something failed: the reason, the field that is to blame, a sentence that names cause and limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub struct Error {
    /// The row of the table.
    pub reason: Reason,
    /// The field to blame, as a path (`items[3].bytes`), empty when no field is.
    pub field: String,
    /// A sentence for people: the cause, and the limit where one was passed.
    pub message: String,
    /// How long to wait before the next try, where [`Retry::AfterPause`] applies.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// An error of `reason`, blaming `field` (may be empty), explained by `message`.
    pub fn new(reason: Reason, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason, field: field.into(), message: message.into(), retry_after: None }
    }

    /// A defect of the server that no field of the request is to blame for.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Reason::Internal, "", message)
    }

    /// Media that passes a limit: names the field, what was found, and the limit.
    pub fn too_large(field: impl Into<String>, what: &str, found: impl fmt::Display, limit: impl fmt::Display) -> Self {
        Self::new(Reason::MediaTooLarge, field, format!("{what} is {found}, the limit is {limit}"))
    }

    /// Media that is not what it claims to be.
    pub fn malformed(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Reason::MediaMalformed, field, message)
    }

    /// Media of a kind that is not decoded here.
    pub fn unsupported(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Reason::MediaUnsupported, field, message)
    }

    /// The same error, with a pause to wait before trying again.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = Some(pause);
        self
    }

    /// The same error, its field moved under `prefix` (`bytes` under `items[3]` is `items[3].bytes`).
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.field = match (prefix.is_empty(), self.field.is_empty()) {
            (true, _) => self.field,
            (_, true) => prefix.to_owned(),
            _ => format!("{prefix}.{}", self.field),
        };
        self
    }

    /// The status code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.reason.code()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            write!(f, "{}", self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fields_nest() {
        let mut names: Vec<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
        let error = Error::malformed("bytes", "no").under("items[3]");
        assert_eq!(error.to_string(), "items[3].bytes: no");
        assert_eq!(Error::internal("x").under("q").field, "q");
    }
}
