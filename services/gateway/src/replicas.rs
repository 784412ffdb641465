//! The replicas of one encoder: found by name, chosen by load, left alone for a while when they fail.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use onespace_client::{Road, TlsFiles};
use onespace_core::{Error, Reason, Result, Retry, limits::MESSAGE_BYTES};
use onespace_proto::encoder::v1::{
    encoder_service_client::EncoderServiceClient, transcriber_service_client::TranscriberServiceClient,
};
use tokio::net::lookup_host;
use tonic::transport::{Channel, Uri};

/// How often names are looked up again: scaling out is noticed within this time.
const REFRESH: Duration = Duration::from_secs(5);

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);

/// First pause of a replica that failed; doubled for each further failure.
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Attempts at one request: the first, and one more on another replica.
const ATTEMPTS: usize = 2;

/// One replica.
#[derive(Debug)]
pub struct Replica {
    /// Where it is.
    pub address: String,
    /// The road to it; connects when first used.
    channel: Channel,
    busy: AtomicUsize,
    failures: Mutex<Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    in_a_row: u32,
    until: Option<Instant>,
}

/// A request under way on a replica; counts towards its load until dropped.
#[derive(Debug)]
pub struct Lease(Arc<Replica>);

impl Lease {
    /// The replica.
    #[must_use]
    pub fn replica(&self) -> &Replica {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Replica {
    /// The replica of a name at one of its addresses.
    fn new(name: &Uri, address: String, tls: &Arc<TlsFiles>) -> Result<Self> {
        let road = Road::new(name, Some(&address), tls)
            .map_err(|error| Error::new(Reason::FieldInvalid, "encoder", format!("{name}: {error}")))?;
        let road = road.with(|endpoint| {
            endpoint
                .connect_timeout(CONNECT)
                .keep_alive_while_idle(true)
                .http2_keep_alive_interval(Duration::from_secs(10))
        });
        Ok(Self { address, channel: road.connect_lazy(), busy: AtomicUsize::new(0), failures: Mutex::default() })
    }

    /// What is asked of an encoder.
    #[must_use]
    pub fn encoder(&self) -> EncoderServiceClient<Channel> {
        EncoderServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    /// What is asked of a transcriber.
    #[must_use]
    pub fn transcriber(&self) -> TranscriberServiceClient<Channel> {
        TranscriberServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }

    /// Notes how a request went: a failure of the replica, not of the request, pauses it.
    pub fn report(&self, failed: bool) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed {
            *failures = Failures::default();
            return;
        }
        let pause = PAUSE_FIRST.saturating_mul(1 << failures.in_a_row.min(8)).min(PAUSE_MAX);
        failures.in_a_row += 1;
        failures.until = Some(Instant::now() + pause);
        metrics::counter!("onespace_replica_paused_total").increment(1);
        tracing::warn!(
            replica = self.address,
            pause_ms = pause.as_millis(),
            "replica failed and is left alone for a while"
        );
    }

    fn paused(&self) -> bool {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).until.is_some_and(|until| until > Instant::now())
    }
}

/// All replicas of one encoder.
#[derive(Debug)]
pub struct Replicas {
    names: Vec<Uri>,
    tls: Arc<TlsFiles>,
    known: Mutex<Arc<[Arc<Replica>]>>,
}

impl Replicas {
    /// Replicas behind URLs. A host name may stand for several addresses (a headless service): each is a replica,
    /// looked up again every few seconds.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a URL without scheme and host.
    pub async fn new(urls: &[String], tls: &Arc<TlsFiles>) -> Result<Arc<Self>> {
        let names = urls.iter().map(|url| {
            let uri: Uri =
                url.parse().map_err(|error| Error::new(Reason::FieldInvalid, "encoder", format!("{url}: {error}")))?;
            if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
                return Err(Error::new(
                    Reason::FieldInvalid,
                    "encoder",
                    format!("\"{url}\" is not of the form http://HOST:PORT or https://HOST:PORT"),
                ));
            }
            Ok(uri)
        });
        let names = names.collect::<Result<_>>()?;
        let replicas = Arc::new(Self { names, tls: tls.clone(), known: Mutex::new(Arc::new([])) });
        replicas.refresh().await?;
        let watched = Arc::downgrade(&replicas);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(REFRESH).await;
                let Some(replicas) = watched.upgrade() else { return };
                if let Err(error) = replicas.refresh().await {
                    tracing::warn!(%error, "encoder names could not be looked up");
                }
            }
        });
        Ok(replicas)
    }

    /// Looks every name up; replicas that are still there keep their connections and their load.
    async fn refresh(&self) -> Result<()> {
        let before = self.all();
        let mut found = Vec::new();
        for name in &self.names {
            let (host, port) = (
                name.host().unwrap_or_default().trim_matches(['[', ']']),
                name.port_u16().unwrap_or_else(|| usual_port(name)),
            );
            // A name that cannot be looked up for now keeps the addresses it had.
            let Ok(addresses) = lookup_host((host, port)).await else { continue };
            found.extend(addresses.map(|address| (address.to_string(), name)));
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found.dedup_by(|(one, _), (other, _)| one == other);
        if found.is_empty() {
            return Ok(());
        }
        let replicas =
            found.into_iter().map(|(address, name)| match before.iter().find(|replica| replica.address == address) {
                Some(replica) => Ok(replica.clone()),
                None => Replica::new(name, address, &self.tls).map(Arc::new),
            });
        let replicas: Vec<_> = replicas.collect::<Result<_>>()?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = replicas.into();
        Ok(())
    }

    fn all(&self) -> Arc<[Arc<Replica>]> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The replica that would be asked next.
    ///
    /// # Errors
    /// `ENCODER_UNAVAILABLE` where none is known.
    pub fn any(&self) -> Result<Lease> {
        self.choose(None).ok_or_else(unknown)
    }

    /// Asks one replica, and once more another where the first one fails.
    ///
    /// # Errors
    /// What the attempts give; `ENCODER_UNAVAILABLE` where no replica is known.
    pub async fn ask<T, F>(&self, attempt: impl Fn(Arc<Replica>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut last = None::<(Lease, Error)>;
        for _ in 0..ATTEMPTS {
            let Some(lease) = self.choose(last.as_ref().map(|(lease, _)| lease.replica())) else { break };
            match attempt(Arc::clone(&lease.0)).await {
                Err(error) if error.reason.retry() == Retry::OtherReplica => {
                    lease.replica().report(true);
                    last = Some((lease, error));
                }
                outcome => {
                    lease.replica().report(false);
                    return outcome;
                }
            }
        }
        Err(last.map_or_else(unknown, |(_, error)| error))
    }

    /// The least busy replica that is not paused and not `except`; a paused one if there is no other.
    #[must_use]
    pub fn choose(&self, except: Option<&Replica>) -> Option<Lease> {
        let all = self.all();
        let candidates = all.iter().filter(|replica| except.is_none_or(|except| except.address != replica.address));
        let best = candidates.min_by_key(|replica| (replica.paused(), replica.busy.load(Ordering::Relaxed)))?.clone();
        best.busy.fetch_add(1, Ordering::Relaxed);
        Some(Lease(best))
    }
}

/// The port of a URL that names none.
fn usual_port(url: &Uri) -> u16 {
    if url.scheme_str() == Some("https") { 443 } else { 80 }
}

fn unknown() -> Error {
    Error::new(Reason::EncoderUnavailable, "", "no replica is known")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn load_and_failures_decide() {
        let urls = ["http://127.0.0.1:7001".into(), "http://127.0.0.1:7002".into()];
        let replicas = Replicas::new(&urls, &Arc::default()).await.unwrap();
        let first = replicas.choose(None).unwrap();
        let second = replicas.choose(None).unwrap();
        assert_ne!(first.replica().address, second.replica().address);
        first.replica().report(true);
        let (paused, healthy) = (first.replica().address.clone(), second.replica().address.clone());
        drop((first, second));
        assert_eq!(replicas.choose(None).unwrap().replica().address, healthy);
        let only = replicas.choose(None).unwrap();
        assert_eq!(replicas.choose(Some(only.replica())).unwrap().replica().address, paused);
    }

    #[tokio::test]
    async fn urls_are_checked() {
        for broken in ["127.0.0.1:1", "ftp://host:1", "http://", ""] {
            let refused = Replicas::new(&[broken.to_owned()], &Arc::default()).await.unwrap_err();
            assert_eq!(refused.reason, Reason::FieldInvalid, "{broken}");
        }
    }
}
