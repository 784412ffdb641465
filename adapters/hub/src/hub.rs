//! A model hub, over HTTP: what a revision is, what a file is, and its bytes from anywhere on.
//!
//! The token goes to the hub alone. Hubs redirect large files to other hosts, so redirects are followed here, one by
//! one, and only a request to the hub's own scheme, host and port carries it.

use std::{io::Read, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use hf_hub::{
    Cache, Repo, RepoType,
    api::sync::{Api, ApiBuilder},
};
use serde::Deserialize;
use ureq::{
    Agent, Body,
    config::AutoHeaderValue,
    http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header},
    tls::{Certificate, RootCerts, TlsConfig},
};

use crate::refusal::{Failure, Refused};

/// How long the hub may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(30);
/// How long it may be silent: before it answers, and between two reads of a body.
const SILENCE: Duration = Duration::from_secs(60);
/// Redirects of one request.
const HOPS: usize = 10;
/// The longest answer of the hub's own about a repository, bytes.
const ANSWER: u64 = 16 << 20;

/// A hub and what it needs to be asked.
pub struct Hub {
    agent: Agent,
    api: Api,
    base: Uri,
    token: Option<String>,
}

/// A repository at a revision.
#[derive(Clone, Debug)]
pub struct RepoRevision {
    /// `OWNER/NAME`.
    pub repository: String,
    /// A commit, branch or tag.
    pub revision: String,
}

impl RepoRevision {
    /// As the hub's own library names it.
    pub(crate) fn to_hf(&self) -> Repo {
        Repo::with_revision(self.repository.clone(), RepoType::Model, self.revision.clone())
    }
}

/// What the hub says of a file before it gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobInfo {
    /// The name of these bytes: the SHA-256 of a large file, a Git object of a small one.
    pub etag: String,
    /// Their number.
    pub bytes: u64,
}

impl BlobInfo {
    /// The SHA-256 that the hub publishes: of large files only.
    pub fn sha256(&self) -> Option<&str> {
        onespace_bundle::recipe::is_digest(&self.etag).then_some(self.etag.as_str())
    }
}

/// The bytes of a file, and from which of them on.
pub struct Download {
    /// The first byte that comes.
    pub from: u64,
    /// The rest.
    pub body: Box<dyn Read + Send>,
}

impl Hub {
    /// The hub at this URL; without one, the one that the hub's own library knows.
    ///
    /// # Errors
    /// A URL that is none.
    pub fn new(url: Option<&str>, token: Option<String>) -> Result<Self> {
        // At finer levels ureq logs what goes over the wire, the token in it, whatever --log lets through.
        log::set_max_level(log::LevelFilter::Warn);
        // The library is asked for URLs alone. Its cache is not used, and its token would be one of a file that
        // nobody named here.
        let mut builder = ApiBuilder::from_cache(Cache::new(".".into())).with_token(None);
        if let Some(url) = url {
            builder = builder.with_endpoint(url.trim_end_matches('/').to_owned());
        }
        let api = builder.build().context("the hub's URL")?;
        let probe = api.model("o/r".to_owned()).url("f");
        let base = probe.strip_suffix("/o/r/resolve/main/f").unwrap_or(&probe);
        let base: Uri = base.parse().ok().filter(has_host).with_context(|| format!("\"{base}\" is not a hub's URL"))?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .user_agent(concat!("onespace/", env!("CARGO_PKG_VERSION")))
            // A part of a compressed file is not a part of the file.
            .accept_encoding(AutoHeaderValue::None)
            .tls_config(TlsConfig::builder().root_certs(roots()).build());
        Ok(Self { agent: config.build().into(), api, base, token: token.filter(|token| !token.trim().is_empty()) })
    }

    /// The commit that a revision is.
    ///
    /// # Errors
    /// What the hub refuses, and why.
    pub fn commit(&self, repo: &RepoRevision) -> Result<String, Failure> {
        #[derive(Deserialize)]
        struct Answer {
            sha: String,
        }
        let url = format!("{}/api/{}", self.base.to_string().trim_end_matches('/'), repo.to_hf().api_url());
        let what = || format!("{} at {}", repo.repository, repo.revision);
        let (response, _) = self.follow(&Method::GET, &url, &[], true)?;
        let mut response = self.ensure_success(response).map_err(|refused| refused.into_failure(what()))?;
        let text = response.body_mut().with_config().limit(ANSWER).read_to_string().map_err(Failure::network)?;
        let answer: Answer = serde_json::from_str(&text).map_err(|_| {
            Failure::permanent(anyhow!("{}: the answer names no commit; is this a model hub?", self.base))
        })?;
        commit(&answer.sha).map_err(Failure::permanent)
    }

    /// What the hub says of a file.
    ///
    /// # Errors
    /// What the hub refuses, and why; an answer that does not say enough.
    pub fn file_info(&self, repo: &RepoRevision, file: &str) -> Result<BlobInfo, Failure> {
        let url = self.api.repo(repo.to_hf()).url(file);
        let what = || format!("{file} of {}", repo.repository);
        let (response, found) = self.follow(&Method::HEAD, &url, &[], false)?;
        if !response.status().is_redirection() {
            self.ensure_success(response).map_err(|refused| refused.into_failure(what()))?;
        }
        let lacks = |name: &str| Failure::permanent(anyhow!("{}: the hub gives no {name}", what()));
        let etag = found.etag.ok_or_else(|| lacks("ETag"))?;
        let bytes = found.bytes.ok_or_else(|| lacks("length"))?;
        // A mirror that serves something else under a commit's name would go unnoticed where no digest is known.
        if found.commit.as_deref().is_some_and(|commit| commit != repo.revision) {
            return Err(Failure::permanent(anyhow!(
                "{}: the hub serves another commit than {}",
                what(),
                repo.revision
            )));
        }
        Ok(BlobInfo { etag, bytes })
    }

    /// The bytes of a file, from `from` on if the hub can; it may begin at 0 all the same.
    ///
    /// # Errors
    /// What the hub refuses, and why.
    pub fn download(&self, repo: &RepoRevision, file: &str, info: &BlobInfo, from: u64) -> Result<Download, Failure> {
        let url = self.api.repo(repo.to_hf()).url(file);
        let range = format!("bytes={from}-");
        // The name of the bytes holds on the hub. Another host that it sends to has names of its own for them; there
        // the digest at the end tells whether the parts belong together.
        let condition = format!("\"{}\"", info.etag);
        let headers = [(header::RANGE, range.as_str()), (header::IF_RANGE, condition.as_str())];
        let headers = if from == 0 { &[][..] } else { &headers[..] };
        let (response, _) = self.follow(&Method::GET, &url, headers, true)?;
        let what = || format!("{file} of {}", repo.repository);
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            let message = anyhow!("{}: the hub promised {} bytes and has no more than {from}", what(), info.bytes);
            return Err(Failure::permanent(message));
        }
        let response = self.ensure_success(response).map_err(|refused| refused.into_failure(what()))?;
        let from = match response.status() {
            StatusCode::PARTIAL_CONTENT => {
                starts_at(response.headers()).filter(|start| *start == from).ok_or_else(|| {
                    Failure::permanent(anyhow!("{}: the hub gives another part than was asked for", what()))
                })?
            }
            _ => 0,
        };
        Ok(Download { from, body: Box::new(response.into_body().into_with_config().limit(u64::MAX).reader()) })
    }

    /// Sends a request where it is sent on to. With `leave_hub`, to other hosts as well; without, the answer that sends
    /// there is the last, where it says enough of the file.
    fn follow(
        &self,
        method: &Method,
        url: &str,
        headers: &[(header::HeaderName, &str)],
        leave_hub: bool,
    ) -> Result<(Response<Body>, FileHeaders), Failure> {
        let mut at: Uri = url.parse().map_err(|_| Failure::permanent(anyhow!("\"{url}\" is not a URL")))?;
        let mut found = FileHeaders::default();
        for _ in 0..HOPS {
            let on_hub = same_origin(&at, &self.base);
            let mut request = Request::builder().method(method).uri(&at);
            for (name, value) in headers {
                if on_hub || *name != header::IF_RANGE {
                    request = request.header(name, *value);
                }
            }
            if let Some(token) = self.token.as_deref().filter(|_| on_hub) {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            // The fault of a header is not told: it may be the token's.
            let request = request.body(()).map_err(|_| Failure::permanent(anyhow!("HF_TOKEN is not a token")))?;
            let response = self.agent.run(request).map_err(Failure::network)?;
            found.read(&response);
            let target = response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let Some(target) = target.filter(|_| response.status().is_redirection()) else {
                return Ok((response, found));
            };
            let next =
                join(&at, target).ok_or_else(|| Failure::permanent(anyhow!("{at} redirects to \"{target}\"")))?;
            if at.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
                return Err(Failure::permanent(anyhow!("{at} redirects from https to http")));
            }
            if !leave_hub && !same_origin(&next, &self.base) && found.etag.is_some() && found.bytes.is_some() {
                return Ok((response, found));
            }
            at = next;
        }
        Err(Failure::permanent(anyhow!("{url}: more than {HOPS} redirects")))
    }

    fn ensure_success(&self, response: Response<Body>) -> Result<Response<Body>, Refused> {
        if response.status().is_success() { Ok(response) } else { Err(Refused::new(&response, self.token.is_some())) }
    }
}

/// What the answers along a way say of a file.
#[derive(Default)]
struct FileHeaders {
    commit: Option<String>,
    etag: Option<String>,
    bytes: Option<u64>,
    /// Whether etag and length are of the file itself, told by the hub, and stand.
    linked: bool,
}

impl FileHeaders {
    fn read(&mut self, response: &Response<Body>) {
        let get = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        self.commit = self.commit.take().or_else(|| get("x-repo-commit").map(str::to_owned));
        if self.linked {
            return;
        }
        if let (Some(name), Some(bytes)) = (get("x-linked-etag").and_then(etag), get("x-linked-size")) {
            (self.etag, self.bytes, self.linked) = (Some(name), bytes.parse().ok(), true);
        } else if response.status().is_success() {
            self.etag = get("etag").and_then(etag);
            self.bytes = get("content-length").and_then(|length| length.parse().ok());
        }
    }
}

/// An ETag without its quotes. It becomes the name of a file, so nothing else is let through than what hubs use.
fn etag(value: &str) -> Option<String> {
    let name = value.trim().trim_start_matches("W/").trim_matches('"');
    let sound =
        (1..=128).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    sound.then(|| name.to_owned())
}

/// A commit, as it becomes the name of a folder.
pub fn commit(text: &str) -> Result<String> {
    if is_commit(text) {
        return Ok(text.to_owned());
    }
    bail!("the hub names a commit that is none")
}

/// Whether a revision is a commit and cannot move.
pub fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn starts_at(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// Where a redirect leads.
fn join(base: &Uri, target: &str) -> Option<Uri> {
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    let absolute = if target.contains("://") {
        target.to_owned()
    } else if target.starts_with("//") {
        format!("{scheme}:{target}")
    } else if target.starts_with('/') {
        format!("{scheme}://{authority}{target}")
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{target}")
    };
    absolute.parse().ok().filter(has_host)
}

fn has_host(uri: &Uri) -> bool {
    matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
}

/// Scheme, host and port.
fn same_origin(a: &Uri, b: &Uri) -> bool {
    let port = |uri: &Uri| uri.port_u16().or(if uri.scheme_str() == Some("https") { Some(443) } else { Some(80) });
    let host = |uri: &Uri| uri.host().map(str::to_ascii_lowercase);
    a.scheme_str() == b.scheme_str() && host(a) == host(b) && port(a) == port(b)
}

/// The system's certificate authorities, to which a company may have added its own; where it has none, Mozilla's.
fn roots() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    let owned = found.iter().map(|der| Certificate::from_der(der.as_ref()).to_owned()).collect();
    RootCerts::Specific(Arc::new(owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_where_it_says() {
        let base: Uri = "http://hub.test:81/a/b?x=1".parse().unwrap();
        for (target, there) in [
            ("/c", "http://hub.test:81/c"),
            ("c", "http://hub.test:81/a/c"),
            ("//cdn.test/c", "http://cdn.test/c"),
            ("https://cdn.test/c?sig=1", "https://cdn.test/c?sig=1"),
        ] {
            assert_eq!(join(&base, target).unwrap().to_string(), there);
        }
        assert!(join(&base, "ftp://cdn.test/c").is_none());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |a: &str, b: &str| same_origin(&a.parse().unwrap(), &b.parse().unwrap());
        assert!(same("https://hub.test/a", "https://HUB.test:443/b"));
        for other in ["http://hub.test", "https://hub.test:444", "https://cdn.hub.test"] {
            assert!(!same("https://hub.test", other), "{other}");
        }
    }

    #[test]
    fn what_becomes_a_file_name_cannot_lead_out() {
        assert_eq!(etag("W/\"0a1b-2c\"").unwrap(), "0a1b-2c");
        for wrong in ["\"\"", "\"../x\"", "\"a/b\"", &"a".repeat(129)] {
            assert!(etag(wrong).is_none(), "{wrong}");
        }
        assert!(commit("../../etc").is_err() && commit(&"a1".repeat(20)).is_ok());
    }
}
