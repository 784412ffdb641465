//! How a request is put to the replicas of an encoder.
//!
//! It goes to one of them. Where that one fails, or falls silent, and another is there, the request is tried there as
//! well, as far as the budget for second attempts goes. Replicas are asked all the time whether they are there, so a
//! frozen one costs those requests alone that it holds, and these a second.

use std::{pin::pin, sync::Arc};

use futures::future::{Either, select};
use onespace_core::{Result, Retry};

use crate::{
    presence::Presence,
    replicas::{Lease, Replica, Replicas},
};

impl Replicas {
    /// Asks one replica, and another as well where the first one fails or falls silent. That other one must be there,
    /// and the budget must have a second attempt left.
    ///
    /// # Errors
    /// What the attempts give; `ENCODER_UNAVAILABLE` where no replica is known.
    pub async fn ask<T, F>(&self, attempt: impl Fn(Arc<Replica>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        self.budget.request();
        let lease = self.any()?;
        let asked = lease.replica.clone();
        let first = pin!(lease.attempt(&attempt));
        let silence = pin!(asked.signs.silence());
        match select(first, silence).await {
            Either::Left((Err(error), _)) if error.reason.retry() == Retry::OtherReplica => {
                match self.another(&asked) {
                    Some(lease) => lease.attempt(&attempt).await,
                    None => Err(error),
                }
            }
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), first)) => match self.another(&asked) {
                Some(lease) => either(first, pin!(lease.attempt(&attempt))).await,
                None => first.await,
            },
        }
    }

    /// A replica for a second attempt.
    fn another(&self, except: &Replica) -> Option<Lease> {
        let lease = self.choose(Some(except))?;
        let there = lease.replica.signs.presence() != Presence::Silent;
        let may = there && self.budget.take();
        if may {
            metrics::counter!("onespace_retries_total").increment(1);
            return Some(lease);
        }
        None
    }
}

/// The answer of whichever gives one; the error of the last, where both fail by themselves.
async fn either<T>(
    first: impl Future<Output = Result<T>> + Unpin,
    second: impl Future<Output = Result<T>> + Unpin,
) -> Result<T> {
    let failed = |outcome: &Result<T>| matches!(outcome, Err(error) if error.reason.retry() == Retry::OtherReplica);
    match select(first, second).await {
        Either::Left((outcome, second)) if failed(&outcome) => second.await,
        Either::Right((outcome, first)) if failed(&outcome) => first.await,
        Either::Left((outcome, _)) | Either::Right((outcome, _)) => outcome,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use onespace_core::{Deadline, Error, Reason, limits::RETRY_EXTRA};

    use super::*;

    const REQUESTS: usize = 2_000;

    /// Addresses at which nobody listens.
    async fn nobody(count: usize) -> Arc<Replicas> {
        let listeners: Vec<_> = (0..count).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let urls: Vec<_> = listeners.iter().map(|one| format!("http://{}", one.local_addr().unwrap())).collect();
        drop(listeners);
        Replicas::new(&urls, &Arc::default()).await.unwrap()
    }

    fn away() -> Error {
        Error::new(Reason::EncoderUnavailable, "", "away")
    }

    #[tokio::test]
    async fn when_all_fail_a_tenth_is_asked_twice() {
        let (replicas, attempts) = (nobody(3).await, AtomicUsize::new(0));
        for _ in 0..REQUESTS {
            let asked = replicas.ask(|_| async {
                attempts.fetch_add(1, Ordering::Relaxed);
                Err::<(), _>(away())
            });
            assert_eq!(asked.await.unwrap_err(), away());
        }
        let attempts = attempts.load(Ordering::Relaxed);
        assert!((REQUESTS..=REQUESTS + REQUESTS / 10 + 10 * RETRY_EXTRA).contains(&attempts), "{attempts} attempts");
    }

    #[tokio::test]
    async fn what_fails_on_one_is_tried_on_another() {
        let replicas = nobody(2).await;
        for _ in 0..10 {
            let first = AtomicUsize::new(0);
            let answer = replicas.ask(|replica| async {
                if first.fetch_add(1, Ordering::Relaxed) == 0 { Err(away()) } else { Ok(replica) }
            });
            assert!(answer.await.is_ok());
        }
        let refused = replicas.ask(|_| async { Err::<(), _>(Error::malformed("bytes", "no")) });
        assert_eq!(refused.await.unwrap_err().reason, Reason::MediaMalformed);
        let late = replicas.ask(|_| async { Err::<(), _>(Deadline::exceeded("somewhere")) });
        assert_eq!(late.await.unwrap_err().reason, Reason::DeadlineExceeded);
    }

    #[tokio::test]
    async fn the_only_one_is_asked_once_however_it_fails() {
        let (replicas, attempts) = (nobody(1).await, AtomicUsize::new(0));
        for _ in 0..5 {
            let asked = replicas.ask(|_| async {
                attempts.fetch_add(1, Ordering::Relaxed);
                Err::<(), _>(away())
            });
            assert!(asked.await.is_err());
        }
        assert_eq!(attempts.load(Ordering::Relaxed), 5);
    }

    /// A replica that accepts and says nothing, beside one that says something; the work on the first never ends.
    #[tokio::test]
    async fn a_request_on_a_replica_that_falls_silent_is_answered_by_another() {
        let frozen = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let talking = tonic_health::server::health_reporter();
        talking.0.set_service_status("", tonic_health::ServingStatus::Serving).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let urls = [frozen.local_addr().unwrap(), listener.local_addr().unwrap()].map(|at| format!("http://{at}"));
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(talking.1)
                .serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)),
        );
        let replicas = Replicas::new(&urls, &Arc::default()).await.unwrap();
        let work = |replica: Arc<Replica>| {
            let stuck = urls.first().is_some_and(|frozen| frozen.ends_with(&replica.address));
            async move { if stuck { std::future::pending().await } else { Ok(replica.address.clone()) } }
        };
        let asked = (0..8).map(|_| tokio::time::timeout(Duration::from_secs(5), replicas.ask(work)));
        let address = urls[1].trim_start_matches("http://");
        for answer in futures::future::join_all(asked).await {
            assert_eq!(answer.unwrap().unwrap(), address);
        }
        // From now on it is left alone.
        for _ in 0..20 {
            assert_eq!(replicas.choose(None).unwrap().replica.address, address);
        }
        assert!(replicas.ready().is_ok());
        let silent = Replicas::new(&urls[..1], &Arc::default()).await.unwrap();
        let only = silent.choose(None).unwrap();
        let told = tokio::time::timeout(Duration::from_secs(5), only.replica.signs.silence());
        assert!(told.await.is_ok() && silent.ready().is_err());
        assert!(silent.choose(None).is_some(), "the last one is always asked");
    }
}
