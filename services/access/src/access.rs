//! Who is let in.

use std::{
    fmt,
    net::IpAddr,
    sync::Arc,
    time::{Instant, SystemTime},
};

use onespace_core::{Error, Reason, Result};
use tokio::sync::watch;
use tonic::codegen::http::HeaderMap;

use crate::{
    audit::Audit,
    credentials::Credentials,
    failures::Failures,
    files::Watched,
    grant::Grant,
    keys::PREFIX,
    meters::{Meter, Meters},
};

pub use crate::credentials::Sources;

/// The header of a key or token, after the word Bearer.
const AUTHORIZATION: &str = "authorization";
/// The header of a key alone, which many clients have a setting for.
const API_KEY: &str = "x-api-key";

/// A caller that was let in.
pub struct Known {
    /// What is allowed.
    pub(crate) grant: Arc<Grant>,
    /// What has been taken of it.
    pub(crate) meter: Arc<Meter>,
    /// Whether it is still so.
    pub(crate) standing: Standing,
}

/// Whether a caller that was let in would be let in still.
pub struct Standing {
    grant: Arc<Grant>,
    /// What was shown, and who knows what it opens; absent where nobody is asked.
    shown: Option<(String, watch::Receiver<Credentials>)>,
}

impl Standing {
    /// Refuses whose key or token has ended or was taken away since.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`.
    pub fn check(&mut self) -> Result<()> {
        let now = SystemTime::now();
        self.grant.check_end(now)?;
        let Some((shown, credentials)) = &mut self.shown else { return Ok(()) };
        if credentials.has_changed().unwrap_or_default() {
            let known = credentials.borrow_and_update().grant(shown, now);
            known?;
        }
        Ok(())
    }
}

/// Who is let in, and what is written down of it.
pub struct Access {
    sources: Sources,
    /// Absent: nobody is asked who they are.
    credentials: Option<watch::Sender<Credentials>>,
    watched: Watched,
    anybody: Arc<Grant>,
    meters: Meters,
    failures: Failures,
    audit: Option<Audit>,
}

/// Nothing of what is known of callers.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("asks", &self.asks()).finish_non_exhaustive()
    }
}

impl Access {
    /// Reads keys and tokens; without any source everybody is let in.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the source and what is wrong with it.
    pub fn new(sources: Sources, audit: Option<Audit>) -> Result<Arc<Self>> {
        let watched = Watched::new(sources.files());
        let read = || Credentials::read(&sources);
        let credentials = if sources.is_empty() { None } else { Some(watch::Sender::new(read()?)) };
        let (meters, failures, anybody) = (Meters::default(), Failures::default(), Arc::new(Grant::of_anybody()));
        Ok(Arc::new(Self { sources, credentials, watched, anybody, meters, failures, audit }))
    }

    /// Whether callers are asked who they are.
    #[must_use]
    pub const fn asks(&self) -> bool {
        self.credentials.is_some()
    }

    /// How many keys open anything now.
    #[must_use]
    pub fn living_keys(&self) -> usize {
        self.credentials.as_ref().map_or(0, |credentials| credentials.borrow().living_keys(SystemTime::now()))
    }

    pub(crate) const fn audit(&self) -> Option<&Audit> {
        self.audit.as_ref()
    }

    /// Reads the files again whenever they change, for ever.
    pub async fn keep_current(&self) {
        let Some(current) = &self.credentials else { return std::future::pending().await };
        let read = || {
            let mut credentials = current.borrow().clone();
            let refreshed = credentials.refresh(&self.sources);
            // What could be read holds, whatever could not.
            current.send_replace(credentials);
            refreshed
        };
        self.watched.clone().follow("keys and tokens", read).await;
    }

    /// Who shows these headers.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, `PERMISSION_DENIED`; with a pause where an address has failed too often of late.
    pub fn identify(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Result<Known> {
        let Some(credentials) = &self.credentials else { return Ok(self.known(self.anybody.clone(), None)) };
        let (mut credentials, now) = (credentials.subscribe(), SystemTime::now());
        let granted = shown(headers).and_then(|shown| {
            // A signature costs more than a look: whoever has shown nothing but wrong ones of late waits.
            if !shown.starts_with(PREFIX) && peer.is_some_and(|peer| self.failures.too_many(peer, Instant::now())) {
                return Err(Error::new(Reason::Unauthenticated, AUTHORIZATION, "not looked at"));
            }
            let granted = credentials.borrow_and_update().grant(shown, now)?;
            Ok((granted, shown.to_owned()))
        });
        match granted {
            Ok((grant, shown)) => Ok(self.known(grant, Some((shown, credentials)))),
            Err(error) => Err(self.failed(error, peer)),
        }
    }

    fn known(&self, grant: Arc<Grant>, shown: Option<(String, watch::Receiver<Credentials>)>) -> Known {
        let meter = self.meters.of(&grant.id, grant.quota);
        Known { meter, standing: Standing { grant: grant.clone(), shown }, grant }
    }

    fn failed(&self, error: Error, peer: Option<IpAddr>) -> Error {
        metrics::counter!("onespace_refused_callers_total", "reason" => error.reason.name()).increment(1);
        match peer.and_then(|peer| self.failures.count(peer, Instant::now())) {
            None => error,
            Some(pause) => {
                let message = "too many attempts of this address have failed";
                Error::new(Reason::Unauthenticated, AUTHORIZATION, message).retry_after(pause)
            }
        }
    }
}

/// The key or token that headers show.
fn shown(headers: &HeaderMap) -> Result<&str> {
    let refused = |message: &str| Error::new(Reason::Unauthenticated, AUTHORIZATION, message);
    let text = |name: &str| headers.get(name).map(|value| value.to_str().map_err(|_| refused("it is no text")));
    if let Some(value) = text(AUTHORIZATION) {
        let (scheme, shown) = value?.split_once(' ').unwrap_or_default();
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        return if is_bearer { Ok(shown.trim()) } else { Err(refused("\"Bearer KEY\" was expected")) };
    }
    let missing = "show a key in the metadata, as \"authorization: Bearer KEY\" or \"x-api-key: KEY\"";
    text(API_KEY).unwrap_or_else(|| Err(refused(missing)))
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use onespace_core::{Tenant, limits::FAILED_ATTEMPTS};

    use super::*;
    use crate::{
        grant::Scope,
        keys::{Keys, NewKey},
        quota::Quota,
    };

    fn new() -> NewKey {
        NewKey {
            name: "one".to_owned(),
            scopes: vec![Scope::Read],
            tenant: Tenant::default(),
            collections: None,
            expires: None,
            quota: Quota::default(),
        }
    }

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[tokio::test]
    async fn keys_come_in_two_headers_and_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let sources = Sources { keys: Some(path.clone()), ..Sources::default() };
        assert!(Access::new(sources.clone(), None).is_err(), "a file of keys that is not there is an error");
        let key = Keys::change(&path, true, |keys| keys.create(new())).unwrap();
        let access = Access::new(sources, None).unwrap();
        let keeping = access.clone();
        tokio::spawn(async move { keeping.keep_current().await });
        tokio::task::yield_now().await;
        for (name, value) in [(AUTHORIZATION, format!("bearer {key}")), (API_KEY, key.clone())] {
            assert_eq!(access.identify(&headers(name, &value), None).unwrap().grant.name, "one");
        }
        for wrong in [format!("Basic {key}"), key.clone(), "Bearer".to_owned(), "Bearer x.y.z".to_owned()] {
            let error = access.identify(&headers(AUTHORIZATION, &wrong), None).err().unwrap();
            assert_eq!(error.reason, Reason::Unauthenticated, "{wrong}");
        }
        fs::write(&path, "this is no file of keys").unwrap();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(access.identify(&headers(API_KEY, &key), None).is_ok(), "a broken file changes nothing");
        let mut open = access.identify(&headers(API_KEY, &key), None).unwrap().standing;
        assert!(open.check().is_ok());
        fs::write(&path, "").unwrap();
        let gone = async {
            while access.identify(&headers(API_KEY, &key), None).is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), gone).await.unwrap();
        assert!(open.check().is_err(), "a call that is open ends with its key");
    }

    #[test]
    fn who_fails_too_often_is_told_to_wait_and_who_has_a_key_is_not() {
        let mut keys = Keys::default();
        let key = keys.create(new()).unwrap();
        let text = toml::to_string(&keys).unwrap();
        let access = Access::new(Sources { inline_keys: Some(text), ..Sources::default() }, None).unwrap();
        let peer = Some(IpAddr::from([10, 0, 0, 1]));
        let fail = || access.identify(&HeaderMap::new(), peer).err().unwrap();
        for _ in 0..FAILED_ATTEMPTS {
            let error = fail();
            assert_eq!((error.reason, error.retry_after), (Reason::Unauthenticated, None));
        }
        assert!(fail().retry_after.is_some());
        assert!(access.identify(&headers(API_KEY, &key), peer).is_ok());
    }
}
