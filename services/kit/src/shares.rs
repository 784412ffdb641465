//! Units of something bounded, handed out in the order in which they are asked for, and to no client more than half
//! while others wait.

use std::{
    collections::{HashMap, VecDeque},
    fmt, mem,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use onespace_access::network::network;
use tokio::sync::oneshot;

/// Who is behind a call, as far as sharing goes: the address it comes from, or whatever a layer before knows better and
/// puts into the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Client(Arc<str>);

impl Client {
    /// The client at an address, or in its network.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        match network(address) {
            IpAddr::V4(address) => Self::named(address.to_string()),
            IpAddr::V6(network) => Self::named(format!("{network}/64")),
        }
    }

    /// A client of a name that no other has.
    #[must_use]
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }
}

/// Of so many parts, one is left free by a client that has its half: whoever comes next finds room.
const RESERVE: u32 = 8;

/// What clients share.
pub(crate) struct Pool {
    most: u32,
    state: Mutex<State>,
}

struct State {
    free: u32,
    held: HashMap<Client, u32>,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    client: Option<Client>,
    units: u32,
    grant: oneshot::Sender<Held>,
}

/// Units that a client holds until this is dropped.
pub(crate) struct Held {
    pool: Arc<Pool>,
    client: Option<Client>,
    units: u32,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        write!(f, "{} of {} free, {} wait", state.free, self.most, state.waiting.len())
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} units of {:?}", self.units, self.client)
    }
}

impl Pool {
    pub(crate) fn new(most: u32) -> Arc<Self> {
        let state = State { free: most, held: HashMap::new(), waiting: VecDeque::new() };
        Arc::new(Self { most, state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock; were it so, the numbers would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Units that are there, and that nobody waits for who came before.
    pub(crate) fn take(self: &Arc<Self>, client: Option<&Client>, units: u32) -> Option<Held> {
        let mut state = self.lock();
        let before = state.waiting.iter().any(|other| self.is_in_turn(&state, other.client.as_ref(), other.units));
        if before || !self.fits(&state, client, units) {
            return None;
        }
        Some(self.hand_out(&mut state, client, units))
    }

    /// Units as soon as they are there; the sender is gone where there are never so many. What is handed out to one who
    /// no longer waits comes back.
    pub(crate) fn wait(self: &Arc<Self>, client: Option<&Client>, units: u32) -> oneshot::Receiver<Held> {
        let (grant, granted) = oneshot::channel();
        if units <= self.most {
            self.lock().waiting.push_back(Waiting { client: client.cloned(), units, grant });
            self.go_on();
        }
        granted
    }

    /// Whether a client may have so many more: up to its half always; beyond it only while nobody else waits, and so
    /// that the next one finds room.
    fn is_in_turn(&self, state: &State, client: Option<&Client>, units: u32) -> bool {
        let Some(client) = client else { return true };
        let held = state.held.get(client).copied().unwrap_or_default();
        if held == 0 || held.saturating_add(units) <= self.most / 2 {
            return true;
        }
        let others =
            state.waiting.iter().any(|other| other.client.as_ref() != Some(client) && !other.grant.is_closed());
        !others && state.free.saturating_sub(units) >= self.most / RESERVE
    }

    fn fits(&self, state: &State, client: Option<&Client>, units: u32) -> bool {
        units <= state.free && self.is_in_turn(state, client, units)
    }

    fn hand_out(self: &Arc<Self>, state: &mut State, client: Option<&Client>, units: u32) -> Held {
        state.free -= units;
        if let Some(client) = client {
            *state.held.entry(client.clone()).or_default() += units;
        }
        Held { pool: self.clone(), client: client.cloned(), units }
    }

    /// Hands out what is there to those who wait. One who has its half is passed over; one for whom there is not enough
    /// yet is not, or the small would keep the large waiting for ever.
    fn go_on(self: &Arc<Self>) {
        let mut state = self.lock();
        let mut granted = Vec::new();
        state.waiting.retain(|waiting| !waiting.grant.is_closed());
        let mut index = 0;
        while let Some(next) = state.waiting.get(index) {
            if !self.is_in_turn(&state, next.client.as_ref(), next.units) {
                index += 1;
            } else if next.units > state.free {
                break;
            } else if let Some(next) = state.waiting.remove(index) {
                let held = self.hand_out(&mut state, next.client.as_ref(), next.units);
                granted.push((next.grant, held));
            }
        }
        drop(state);
        for (grant, held) in granted {
            // Dropping it gives it back, and goes on.
            drop(grant.send(held));
        }
    }
}

impl State {
    fn give_back(&mut self, client: Option<&Client>, units: u32) {
        self.free += units;
        if let Some(client) = client
            && let Some(held) = self.held.get_mut(client)
        {
            *held = held.saturating_sub(units);
            if *held == 0 {
                self.held.remove(client);
            }
        }
    }
}

impl Held {
    /// Holds what `other` of the same pool holds, too.
    pub(crate) fn join(&mut self, mut other: Self) {
        let units = mem::take(&mut other.units);
        let mut state = self.pool.lock();
        if self.client != other.client {
            state.give_back(other.client.as_ref(), units);
            state.free -= units;
            if let Some(client) = &self.client {
                *state.held.entry(client.clone()).or_default() += units;
            }
        }
        drop(state);
        self.units += units;
    }

    /// Gives back all but so many.
    pub(crate) fn keep(&mut self, units: u32) {
        let more = self.units.saturating_sub(units);
        self.units -= more;
        self.pool.lock().give_back(self.client.as_ref(), more);
        self.pool.go_on();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.units > 0 {
            self.keep(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> (Client, Client) {
        (Client::named("one"), Client::named("other"))
    }

    #[test]
    fn a_client_alone_may_have_more_than_half_but_not_all() {
        let (one, other) = clients();
        let pool = Pool::new(80);
        let _most = pool.take(Some(&one), 70).unwrap();
        assert!(pool.take(Some(&one), 1).is_none(), "an eighth is left for whoever comes next");
        assert!(pool.take(Some(&other), 10).is_some());
        assert!(pool.take(None, 10).is_some(), "what nobody is known for is bounded by what is there");
    }

    #[tokio::test]
    async fn nobody_gets_more_than_half_while_others_wait() {
        let (one, other) = clients();
        let pool = Pool::new(80);
        let mut first = pool.take(Some(&one), 40).unwrap();
        let second = pool.take(Some(&other), 30).unwrap();
        let mut greedy = pool.wait(Some(&one), 20);
        let mut large = pool.wait(Some(&other), 10);
        let large = large.try_recv().expect("it has its half yet to come");
        drop(second);
        let greedy = greedy.try_recv().expect("nobody else waits any more");
        assert_eq!((large.units, greedy.units), (10, 20));
        let mut waiting = pool.wait(Some(&other), 30);
        assert!(waiting.try_recv().is_err());
        first.keep(20);
        assert!(waiting.try_recv().is_ok(), "what comes back goes to the one who waits");
    }

    #[test]
    fn an_address_is_a_client_and_so_is_a_network() {
        let at = |text: &str| Client::at(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }

    #[tokio::test]
    async fn the_small_do_not_overtake_the_large_and_nothing_is_lost() {
        let (one, other) = clients();
        let pool = Pool::new(10);
        let mut all = pool.take(None, 6).unwrap();
        all.join(pool.take(Some(&one), 4).unwrap());
        let large = pool.wait(Some(&one), 8);
        let mut small = pool.wait(Some(&other), 1);
        all.keep(5);
        assert!(small.try_recv().is_err() && pool.take(Some(&other), 1).is_none());
        // Whoever stops waiting is passed over.
        drop(large);
        all.keep(4);
        assert_eq!(small.try_recv().unwrap().units, 1);
        drop(all);
        assert_eq!(pool.take(None, 10).unwrap().units, 10);
    }
}
