//! Whether a replica is there. A frozen process and a vanished machine refuse nothing, they only say nothing; so each
//! is asked how it is, all the time and by nobody's request. Work that takes long keeps no one from answering that.

use std::{
    error::Error as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::{sync::watch, time::timeout};
use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

/// How long a replica may take to say how it is.
const PROBE: Duration = Duration::from_millis(700);

/// What is known of a replica, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// It serves, or nobody has asked yet.
    Serving,
    /// It says that it does not serve now: it loads, or is about to stop.
    Leaving,
    /// It says nothing.
    Silent,
}

/// What is known of a replica, and when it last gave a sign of life.
#[derive(Debug)]
pub struct Signs {
    presence: watch::Sender<Presence>,
    answered: Mutex<Option<Instant>>,
}

impl Default for Signs {
    fn default() -> Self {
        Self { presence: watch::Sender::new(Presence::Serving), answered: Mutex::default() }
    }
}

impl Signs {
    /// What is known.
    #[must_use]
    pub fn presence(&self) -> Presence {
        *self.presence.borrow()
    }

    /// It answered something.
    pub fn answered(&self) {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Waits until it is known to say nothing.
    pub async fn silence(&self) {
        // The sender is here, so this ends with an answer.
        let _ = self.presence.subscribe().wait_for(|presence| *presence == Presence::Silent).await;
    }

    /// Asks a replica how it is. Returns whether what is known of it changed.
    pub async fn ask(&self, channel: Channel) -> bool {
        let asked = Instant::now();
        let answer = timeout(PROBE, HealthClient::new(channel).check(HealthCheckRequest::default())).await;
        let presence = match answer {
            Ok(Ok(health)) if health.get_ref().status() == ServingStatus::Serving => Presence::Serving,
            Ok(Ok(_)) => Presence::Leaving,
            // What the transport met has a source; what a server says has none. It may know nothing of health.
            Ok(Err(status)) if status.source().is_none() => Presence::Serving,
            Ok(Err(_)) => Presence::Silent,
            // Too busy for this, but not for requests.
            Err(_) if self.has_answered_since(asked) && self.presence() == Presence::Leaving => Presence::Leaving,
            Err(_) if self.has_answered_since(asked) => Presence::Serving,
            Err(_) => Presence::Silent,
        };
        self.presence.send_replace(presence) != presence
    }

    fn has_answered_since(&self, instant: Instant) -> bool {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|when| when > instant)
    }
}
