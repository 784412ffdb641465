//! The addresses of one Qdrant: the one that answers is used, and another is tried when it goes away.
//!
//! A server that cannot be reached is away from then on: calls pass it by, and a task of its own asks until it answers.
//! So no call is spent on finding out, and while all are away every call is refused at once. A server that says nothing
//! for a while is asked whether it is still there, since a long search is not an absence.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use onespace_core::limits::STORE_GRACE_MS;
use qdrant_client::{Qdrant, QdrantError};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout, timeout_at},
};
use tonic::Status;

use super::{
    TIMEOUT,
    calls::METADATA_KEY,
    convert::{unanswered, unreachable},
};

/// How long a call may go without an answer before the server is asked whether it is there.
const SUSPICION: Duration = Duration::from_secs(1);
/// How long that answer may take where another address is there to be used.
const PROBE: Duration = Duration::from_secs(1);
/// How long it may take where there is none: a server that is slow is better than none.
const PROBE_ONLY: Duration = Duration::from_secs(6);
/// Between two questions to a server that is away.
const PROBE_AGAIN: Duration = Duration::from_millis(250);
/// How often all addresses are tried for one call.
const ROUNDS: usize = 2;

/// Servers that hold the same vectors.
pub(super) struct Servers {
    servers: Vec<Arc<Server>>,
    /// The one that answered last.
    current: AtomicUsize,
    presence: watch::Sender<Vec<Presence>>,
}

/// One address.
struct Server {
    index: usize,
    /// Replaced with a new connection when the server comes back.
    client: RwLock<Qdrant>,
    /// Whether a task asks it at this moment.
    asked: AtomicBool,
}

/// Whether a server is there, as far as is known.
#[derive(Clone, Copy)]
struct Presence {
    there: bool,
    /// When it went away, where it was ever there.
    lost: Option<Instant>,
    answered: bool,
}

impl Servers {
    /// Servers that are taken to be there until one is asked. At least one.
    pub(super) fn new(clients: Vec<Qdrant>) -> Arc<Self> {
        let presence = vec![Presence { there: true, lost: None, answered: false }; clients.len()];
        let server =
            |(index, client)| Arc::new(Server { index, client: RwLock::new(client), asked: AtomicBool::new(false) });
        let servers = clients.into_iter().enumerate().map(server).collect();
        Arc::new(Self { servers, current: AtomicUsize::new(0), presence: watch::Sender::new(presence) })
    }

    /// Makes a call to the server that answered last, and to the others where that one is away. Making it twice must do
    /// what making it once does: the answer of the first may have been lost.
    ///
    /// # Errors
    /// What the server answered; what the last attempt met, where none answered.
    pub(super) async fn call<T, F>(self: &Arc<Self>, call: impl Fn(Qdrant) -> F) -> Result<T, QdrantError>
    where
        F: Future<Output = Result<T, QdrantError>> + Send,
    {
        let mut last = None;
        for _ in 0..ROUNDS {
            if !self.wait_within_grace().await {
                break;
            }
            for server in self.in_turn() {
                match self.attempt(server, &call).await {
                    Err(problem) if unanswered(&problem) => last = Some(problem),
                    answer => {
                        self.current.store(server.index, Ordering::Relaxed);
                        return answer;
                    }
                }
            }
            if self.is_there_any() {
                break;
            }
        }
        Err(last.unwrap_or_else(|| Status::unavailable("no address answers; it is asked until one does").into()))
    }

    /// Those that are there, the one that answered last first.
    fn in_turn(&self) -> impl Iterator<Item = &Arc<Server>> {
        let current = self.current.load(Ordering::Relaxed);
        let (before, after) = self.servers.split_at_checked(current).unwrap_or((&[], &self.servers));
        after.iter().chain(before).filter(|server| self.is_there(server.index))
    }

    /// Makes the call once. Ends when the server goes away meanwhile.
    async fn attempt<T, F>(self: &Arc<Self>, server: &Arc<Server>, call: impl Fn(Qdrant) -> F) -> Result<T, QdrantError>
    where
        F: Future<Output = Result<T, QdrantError>> + Send,
    {
        let gone = async {
            sleep(SUSPICION).await;
            self.ask(server);
            let _ = self.presence.subscribe().wait_for(|all| !is_there(all, server.index)).await;
        };
        let answer = tokio::select! {
            answer = timeout(TIMEOUT, call(server.client())) => answer,
            () = gone => return Err(Status::unavailable("the server went away before it answered").into()),
        };
        let answer = answer.unwrap_or_else(|_| {
            Err(Status::deadline_exceeded(format!("no answer within {} s", TIMEOUT.as_secs())).into())
        });
        match &answer {
            Err(problem) if unreachable(problem) => {
                self.note(server, false);
                self.ask(server);
            }
            Err(problem) if unanswered(problem) => self.ask(server),
            _ => self.note(server, true),
        }
        answer
    }

    /// Asks a server whether it is there, in a task of its own that goes on until it is. Does nothing where such a task
    /// is at work.
    fn ask(self: &Arc<Self>, server: &Arc<Server>) {
        if server.asked.swap(true, Ordering::AcqRel) {
            return;
        }
        let (store, server) = (Arc::downgrade(self), server.clone());
        tokio::spawn(async move {
            let mut client = server.client();
            while let Some(servers) = store.upgrade() {
                let patience = if servers.is_another_there(server.index) { PROBE } else { PROBE_ONLY };
                drop(servers);
                let answers = timeout(patience, client.collection_exists(METADATA_KEY)).await;
                let there = matches!(&answers, Ok(Ok(_))) || matches!(&answers, Ok(Err(met)) if !unanswered(met));
                let Some(servers) = store.upgrade() else { return };
                if there {
                    server.replace(client);
                    server.asked.store(false, Ordering::Release);
                    servers.note(&server, true);
                    return;
                }
                servers.note(&server, false);
                drop(servers);
                sleep(PROBE_AGAIN).await;
                // A connection whose other end has vanished never fails; a new one tells.
                client = Qdrant::new(client.config.clone()).unwrap_or(client);
            }
        });
    }

    /// Notes whether a server is there.
    fn note(&self, server: &Server, there: bool) {
        let changed = |all: &mut Vec<Presence>| {
            let Some(known) = all.get_mut(server.index) else { return false };
            let lost = match there {
                true => None,
                false if known.there && known.answered => Some(Instant::now()),
                false => known.lost,
            };
            let changed = known.there != there;
            *known = Presence { there, lost, answered: known.answered || there };
            changed
        };
        if self.presence.send_if_modified(changed) {
            let address = server.client().config.uri;
            if there {
                tracing::info!(address, "Qdrant answers again");
            } else {
                tracing::warn!(address, "Qdrant does not answer: it is asked until it does, calls go elsewhere");
            }
        }
    }

    /// Whether a server is there; where the last one has just gone away, waits a moment for it.
    async fn wait_within_grace(&self) -> bool {
        let lost = match &*self.presence.borrow() {
            all if all.iter().any(|known| known.there) => return true,
            all => all.iter().filter_map(|known| known.lost).max(),
        };
        let Some(lost) = lost else { return false };
        let until = lost + Duration::from_millis(STORE_GRACE_MS as u64);
        let mut presence = self.presence.subscribe();
        let back = presence.wait_for(|all| all.iter().any(|known| known.there));
        matches!(timeout_at(until, back).await, Ok(Ok(_)))
    }

    fn is_there(&self, index: usize) -> bool {
        is_there(&self.presence.borrow(), index)
    }

    fn is_there_any(&self) -> bool {
        self.presence.borrow().iter().any(|known| known.there)
    }

    fn is_another_there(&self, index: usize) -> bool {
        self.presence.borrow().iter().enumerate().any(|(other, known)| other != index && known.there)
    }
}

impl Server {
    fn client(&self) -> Qdrant {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, client: Qdrant) {
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
    }
}

fn is_there(all: &[Presence], index: usize) -> bool {
    all.get(index).is_some_and(|known| known.there)
}
