//! What a hub refuses, and why, in words that people can act on.

use std::{io, path::Path, time::Duration};

use anyhow::{Error, anyhow};
use ureq::{Body, http::Response};

/// The longest pause that a hub may ask for and get.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The pause where it asks for none.
const PAUSE: Duration = Duration::from_secs(1);

/// A failure, and whether it may pass.
#[derive(Debug)]
pub struct Failure {
    /// What failed.
    pub error: Error,
    /// After which pause it is worth asking again; none: never.
    pub again: Option<Duration>,
}

impl Failure {
    /// One that will not pass.
    pub fn permanent(error: Error) -> Self {
        Self { error, again: None }
    }

    /// One that may.
    pub fn transient(error: Error) -> Self {
        Self { error, again: Some(PAUSE) }
    }

    /// One of the network, or of the way to it.
    pub fn network(error: ureq::Error) -> Self {
        let again = match &error {
            ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::HostNotFound
            | ureq::Error::Protocol(_) => Some(PAUSE),
            _ => None,
        };
        Self { error: anyhow!("the hub cannot be reached: {error}"), again }
    }
}

/// An answer that is none.
pub struct Refused {
    status: u16,
    code: String,
    token: bool,
    pause: Option<Duration>,
}

impl Refused {
    /// What a response refuses to somebody with or without a token.
    pub fn new(response: &Response<Body>, token: bool) -> Self {
        let get = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let pause = get("retry-after").and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
        let code = get("x-error-code").unwrap_or_default().to_owned();
        Self { status: response.status().as_u16(), code, token, pause }
    }

    /// The failure to get this.
    pub fn into_failure(self, what: String) -> Failure {
        let why = match (self.status, self.code.as_str()) {
            (403, "GatedRepo") | (401, "GatedRepo") if self.token => {
                "its terms have not been accepted: do so on the repository's page, with the account of HF_TOKEN".into()
            }
            (_, "GatedRepo") => "it is gated: accept its terms on the repository's page, then set HF_TOKEN".into(),
            (401, _) if self.token => "the hub does not accept HF_TOKEN, or there is no such repository".to_owned(),
            (401, _) => "there is no such repository, or it is private: for that, set HF_TOKEN".to_owned(),
            (403, _) => "the hub forbids it to the account of HF_TOKEN, or to everybody without one".to_owned(),
            (404, "EntryNotFound") => "the repository has no such file at this revision".to_owned(),
            (404, "RevisionNotFound") => "the repository has no such revision".to_owned(),
            (404, _) => "the hub has no such repository, revision or file".to_owned(),
            (429, _) => match self.pause {
                Some(pause) => format!("too many requests; the hub asks to wait {} s", pause.as_secs()),
                None => "too many requests; wait a while, or set HF_TOKEN".to_owned(),
            },
            (status @ 500.., _) => format!("the hub fails with status {status}"),
            (status, _) => format!("the hub answers with status {status}"),
        };
        let transient = matches!(self.status, 408 | 429 | 500..);
        let pause = self.pause.unwrap_or(PAUSE);
        Failure { error: anyhow!("{what}: {why}"), again: Some(pause).filter(|pause| transient && *pause <= PAUSE_MAX) }
    }
}

/// A failure of the disk, in words that say what to do.
pub fn disk(error: &io::Error, path: &Path) -> Error {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            anyhow!("no space is left for {path}; what has come so far is kept, make room and pull again")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            anyhow!("{path} may not be written: {error}; name another place with --cache or --out")
        }
        _ => anyhow!("{path}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str, token: bool, pause: Option<u64>) -> Failure {
        Refused { status, code: code.to_owned(), token, pause: pause.map(Duration::from_secs) }
            .into_failure("x".to_owned())
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        for (status, code, token, says) in [
            (401, "RepoNotFound", false, "set HF_TOKEN"),
            (401, "", true, "does not accept HF_TOKEN"),
            (403, "GatedRepo", true, "terms have not been accepted"),
            (401, "GatedRepo", false, "accept its terms"),
            (404, "EntryNotFound", false, "no such file"),
            (404, "RevisionNotFound", false, "no such revision"),
            (418, "", false, "status 418"),
        ] {
            let failure = refused(status, code, token, None);
            assert!(failure.error.to_string().contains(says), "{status} {code}: {}", failure.error);
            assert!(failure.again.is_none(), "{status} will not pass");
        }
    }

    #[test]
    fn what_may_pass_is_asked_again_after_the_pause_that_the_hub_wants() {
        assert_eq!(refused(429, "", false, Some(7)).again, Some(Duration::from_secs(7)));
        assert_eq!(refused(503, "", false, None).again, Some(PAUSE));
        assert_eq!(refused(429, "", false, Some(3600)).again, None, "nobody waits an hour in front of a bar");
    }

    #[test]
    fn a_full_disk_and_a_forbidden_one_are_told_apart() {
        let told = |number: i32| disk(&io::Error::from_raw_os_error(number), Path::new("/c/blob")).to_string();
        assert!(told(28).contains("no space is left for /c/blob"), "ENOSPC: {}", told(28));
        assert!(told(13).contains("may not be written"), "EACCES: {}", told(13));
        assert!(told(30).contains("may not be written"), "EROFS: {}", told(30));
    }
}
