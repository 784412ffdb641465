//! The replicas of one encoder: found by name, chosen by load, left alone for a while when they do badly.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use onespace_client::{Road, TlsFiles};
use onespace_core::{Error, Reason, Result, Retry, limits::MESSAGE_BYTES};
use onespace_proto::encoder::v1::{
    encoder_service_client::EncoderServiceClient, transcriber_service_client::TranscriberServiceClient,
};
use tokio::net::lookup_host;
use tonic::transport::{Channel, Uri};

use crate::{
    outliers::{Record, Standing, outlier},
    presence::{Presence, Signs},
    retry_budget::RetryBudget,
};

/// How often names are looked up again: scaling out is noticed within this time.
const REFRESH: Duration = Duration::from_secs(5);

/// How often replicas are asked how they are, and compared.
const WATCH: Duration = Duration::from_millis(500);

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(2);

/// How long a connection is silent before it is asked for a sign of life, and how long that may take: a machine that
/// vanished closes none.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// One replica.
#[derive(Debug)]
pub struct Replica {
    /// Where it is.
    pub address: String,
    /// The road to it; connects when first used.
    channel: Channel,
    busy: AtomicUsize,
    /// Whether it is there.
    pub signs: Signs,
    record: Mutex<Record>,
}

/// A request under way on a replica; counts towards its load until dropped. One that is dropped without a word of how
/// it went was given up.
#[derive(Debug)]
pub struct Lease {
    /// The replica.
    pub replica: Arc<Replica>,
    began: Instant,
    reported: bool,
}

impl Lease {
    fn new(replica: Arc<Replica>) -> Self {
        replica.busy.fetch_add(1, Ordering::Relaxed);
        Self { replica, began: Instant::now(), reported: false }
    }

    /// Makes an attempt and notes how it went.
    pub async fn attempt<T, F>(mut self, attempt: impl Fn(Arc<Replica>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let outcome = attempt(self.replica.clone()).await;
        let reason = outcome.as_ref().err().map(|error| error.reason);
        self.replica.report(reason, self.began.elapsed());
        self.reported = true;
        outcome
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.replica.busy.fetch_sub(1, Ordering::Relaxed);
        if !self.reported {
            self.replica.record().missed(self.began.elapsed());
        }
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
                .http2_keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE)
        });
        Ok(Self::of(address, road.connect_lazy()))
    }

    fn of(address: String, channel: Channel) -> Self {
        Self { address, channel, busy: AtomicUsize::new(0), signs: Signs::default(), record: Mutex::default() }
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

    /// Notes how an attempt went: a failure of the replica, not of the request, pauses it.
    fn report(&self, failed: Option<Reason>, took: Duration) {
        match failed {
            Some(reason) if reason.retry() == Retry::OtherReplica => return self.pause("it failed"),
            Some(Reason::DeadlineExceeded) => return self.record().missed(took),
            Some(_) => self.record().spoke(),
            None => self.record().answered(took),
        }
        self.signs.answered();
    }

    fn pause(&self, why: &str) {
        let pause = self.record().pause();
        metrics::counter!("onespace_replica_paused_total").increment(1);
        tracing::warn!(
            replica = self.address,
            pause_ms = pause.as_millis(),
            why,
            "a replica is left alone for a while"
        );
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether requests go elsewhere while they can.
    fn is_out(&self) -> bool {
        self.signs.presence() != Presence::Serving || self.record().is_paused()
    }

    async fn watch(&self) {
        if self.signs.ask(self.channel.clone()).await {
            tracing::info!(replica = self.address, presence = ?self.signs.presence(), "a replica came or went");
        }
    }
}

/// All replicas of one encoder.
#[derive(Debug)]
pub struct Replicas {
    names: Vec<Uri>,
    tls: Arc<TlsFiles>,
    known: Mutex<Arc<[Arc<Replica>]>>,
    /// Who comes first among those that are equally busy.
    turn: AtomicUsize,
    /// Second attempts that may be made.
    pub budget: RetryBudget,
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
        let replicas = Arc::new(Self::of(names.collect::<Result<_>>()?, Vec::new(), tls.clone()));
        replicas.refresh().await?;
        let named = Arc::downgrade(&replicas);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(REFRESH).await;
                let Some(replicas) = named.upgrade() else { return };
                if let Err(error) = replicas.refresh().await {
                    tracing::warn!(%error, "encoder names could not be looked up");
                }
            }
        });
        let watched = Arc::downgrade(&replicas);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(WATCH).await;
                let Some(replicas) = watched.upgrade() else { return };
                replicas.watch().await;
            }
        });
        Ok(replicas)
    }

    fn of(names: Vec<Uri>, known: Vec<Arc<Replica>>, tls: Arc<TlsFiles>) -> Self {
        let (known, turn, budget) = (Mutex::new(known.into()), AtomicUsize::new(0), RetryBudget::default());
        Self { names, tls, known, turn, budget }
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

    /// Asks every replica how it is, and leaves alone who does worse than its peers: at most half of all.
    async fn watch(&self) {
        let all = self.all();
        join_all(all.iter().map(|replica| replica.watch())).await;
        let standings: Vec<Standing> = all.iter().map(|replica| replica.record().standing()).collect();
        let mut out = all.iter().filter(|replica| replica.is_out()).count();
        for (index, replica) in all.iter().enumerate() {
            let Some((this, others)) = split_off(&standings, index) else { continue };
            if replica.is_out() || 2 * (out + 1) > all.len() {
                continue;
            }
            if let Some(why) = outlier(&this, &others) {
                replica.pause(why);
                out += 1;
            }
        }
    }

    /// The replica that would be asked next.
    ///
    /// # Errors
    /// `ENCODER_UNAVAILABLE` where none is known.
    pub fn any(&self) -> Result<Lease> {
        self.choose(None).ok_or_else(unknown)
    }

    /// Whether a replica serves, as far as is known.
    ///
    /// # Errors
    /// `ENCODER_UNAVAILABLE` where none does.
    pub fn ready(&self) -> Result<()> {
        if self.all().iter().any(|replica| replica.signs.presence() == Presence::Serving) {
            return Ok(());
        }
        Err(Error::new(Reason::EncoderUnavailable, "", "no replica answers"))
    }

    /// The least busy replica that is there, not paused and not `except`; the best of the others if there is none.
    #[must_use]
    pub fn choose(&self, except: Option<&Replica>) -> Option<Lease> {
        let all = self.all();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % all.len().max(1);
        let (later, first) = all.split_at_checked(turn)?;
        let candidates = first.iter().chain(later);
        let candidates = candidates.filter(|replica| except.is_none_or(|except| except.address != replica.address));
        let best = candidates.min_by_key(|replica| {
            let busy = replica.busy.load(Ordering::Relaxed);
            (replica.signs.presence(), replica.record().is_paused(), busy)
        });
        best.cloned().map(Lease::new)
    }
}

/// The port of a URL that names none.
fn usual_port(url: &Uri) -> u16 {
    if url.scheme_str() == Some("https") { 443 } else { 80 }
}

/// One of them, and the others.
fn split_off(standings: &[Standing], index: usize) -> Option<(Standing, Vec<Standing>)> {
    let others = standings.iter().enumerate().filter(|(other, _)| *other != index);
    Some((*standings.get(index)?, others.map(|(_, standing)| *standing).collect()))
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
        assert_ne!(first.replica.address, second.replica.address);
        first.replica.report(Some(Reason::EncoderUnavailable), Duration::ZERO);
        let (paused, healthy) = (first.replica.address.clone(), second.replica.address.clone());
        drop((first, second));
        assert_eq!(replicas.choose(None).unwrap().replica.address, healthy);
        let only = replicas.choose(None).unwrap();
        assert_eq!(replicas.choose(Some(&only.replica)).unwrap().replica.address, paused);
    }

    #[tokio::test]
    async fn who_is_idle_takes_turns() {
        let urls = ["http://127.0.0.1:7001".into(), "http://127.0.0.1:7002".into()];
        let replicas = Replicas::new(&urls, &Arc::default()).await.unwrap();
        let turns: Vec<_> = (0..4).map(|_| replicas.choose(None).unwrap().replica.address.clone()).collect();
        assert!(turns[0] == turns[2] && turns[1] == turns[3] && turns[0] != turns[1], "{turns:?}");
    }

    #[tokio::test]
    async fn urls_are_checked() {
        for broken in ["127.0.0.1:1", "ftp://host:1", "http://", ""] {
            let refused = Replicas::new(&[broken.to_owned()], &Arc::default()).await.unwrap_err();
            assert_eq!(refused.reason, Reason::FieldInvalid, "{broken}");
        }
    }
}
