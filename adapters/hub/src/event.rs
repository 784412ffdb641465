//! What happens in a pull.

use onespace_core::Modality;
use serde::Serialize;

/// One thing that happens in a pull.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// What is pulled.
    Resolved {
        /// `OWNER/NAME`.
        repository: &'a str,
        /// The commit that its revision is.
        commit: &'a str,
    },
    /// How much there is to fetch.
    Plan {
        /// Files.
        files: usize,
        /// Bytes of all of them.
        bytes: u64,
    },
    /// Another pull fetches the same file; this one waits for it.
    Waiting {
        /// Its path in the repository.
        file: &'a str,
    },
    /// A file has grown.
    Progress {
        /// Its path in the repository.
        file: &'a str,
        /// Bytes that are there.
        bytes: u64,
        /// Bytes that it will have.
        of: u64,
    },
    /// A file is asked for again.
    Again {
        /// Its path in the repository, or what else is asked for.
        file: &'a str,
        /// Why.
        reason: &'a str,
        /// After which pause.
        after_ms: u128,
    },
    /// A file is there, whole.
    Fetched {
        /// Its path in the repository.
        file: &'a str,
        /// Its length.
        bytes: u64,
        /// Its digest.
        sha256: &'a str,
    },
    /// A file was there already.
    Kept {
        /// Its path in the repository.
        file: &'a str,
        /// Its length.
        bytes: u64,
        /// Its digest.
        sha256: &'a str,
    },
    /// The towers run on their golden inputs.
    Proving,
    /// A score that the reference gave, and what these towers give.
    Scored {
        /// Whose golden vectors.
        pair: [Modality; 2],
        /// Their cosine by the reference.
        expected: f32,
        /// Their cosine here.
        found: f32,
        /// Who the reference is.
        reference: &'a str,
    },
    /// The bundle is there.
    Done {
        /// Where.
        bundle: &'a str,
        /// Its space's fingerprint.
        space: &'a str,
        /// Where it comes from.
        repository: &'a str,
        /// At which commit.
        commit: &'a str,
        /// Whether it was there before.
        unchanged: bool,
    },
}

/// Is told what happens.
pub trait Progress: Sync {
    /// Tells it.
    fn tell(&self, event: &Event<'_>);
}
