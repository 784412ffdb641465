//! The server's side: a media goes out to a worker, samples or an error come back.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use onespace_core::{Error, Modality, Patience, Prepare, PrepareRequest, Prepared, Reason, Result, limits};

use crate::{
    confine::Confinement,
    fault::Fault,
    message::{Ending, read_answer, write_request},
    program::{ForkServer, Program, connection, readable, receive},
    shared::Shared,
};

/// How often whoever waits for a worker asks whether anybody waits for the answer.
const LOOK: Duration = Duration::from_millis(10);

/// Where that is noticed.
const WHILE: &str = "while the media was decoded";

/// Processes that decode, one for each media.
#[derive(Debug)]
pub struct Sandbox {
    program: Program,
    confinement: Confinement,
    /// What workers are copies of. Where it has gone, the next media starts it again.
    fork_server: Mutex<Option<Arc<ForkServer>>>,
    faults: AtomicUsize,
}

impl Sandbox {
    /// Starts the program that workers are copies of.
    ///
    /// # Errors
    /// What keeps it from starting, or from copying itself.
    pub fn start(program: Program) -> io::Result<Arc<Self>> {
        let (fork_server, confinement) = ForkServer::start(&program)?;
        let fork_server = Mutex::new(Some(Arc::new(fork_server)));
        Ok(Arc::new(Self { program, confinement, fork_server, faults: AtomicUsize::new(0) }))
    }

    /// What the kernel holds workers to.
    #[must_use]
    pub const fn confinement(&self) -> Confinement {
        self.confinement
    }

    /// What prepares media of `modality` as the program's own preparer of it does, in a worker.
    #[must_use]
    pub fn preparer(self: &Arc<Self>, modality: Modality) -> Arc<dyn Prepare> {
        Arc::new(Sandboxed { sandbox: Arc::clone(self), modality })
    }

    fn prepare(&self, modality: Modality, request: &PrepareRequest<'_>) -> Result<Prepared> {
        let cannot = |error: io::Error| Error::internal(format!("no process to decode in: {error}"));
        // A fork server that somebody killed took the media's worker with it; the next one's is no other.
        for _ in 0..2 {
            let fork_server = self.fork_server()?;
            let shared = Shared::new().map_err(cannot)?;
            write_request(&shared, modality, request).map_err(cannot)?;
            match ending(&fork_server, &shared, &request.patience)? {
                Some(Ending::Answered) => return self.answer(&shared, modality),
                Some(ending) => return Err(self.fault(&fork_server, ending, &shared, modality)),
                None => self.forget(&fork_server),
            }
        }
        Err(Error::new(Reason::NotReady, "", "the program that decodes does not stay alive"))
    }

    /// What a worker has written down; a worker that somebody has taken over may have written anything.
    fn answer(&self, shared: &Shared, modality: Modality) -> Result<Prepared> {
        match read_answer(shared) {
            Ok(Ok(prepared)) => Ok(prepared),
            Ok(Err((error, said))) => {
                if error.reason == Reason::Panicked {
                    metrics::counter!("onespace_panics_total").increment(1);
                    tracing::error!(%modality, panic = said, "a decoder panicked");
                }
                Err(error)
            }
            Err(error) => {
                tracing::warn!(%modality, %error, "a decoder gave no answer that can be read");
                Err(Fault::Broke.error(modality))
            }
        }
    }

    fn fault(&self, fork_server: &Arc<ForkServer>, ending: Ending, shared: &Shared, modality: Modality) -> Error {
        let last_words = shared.last_words();
        let fault = Fault::of(ending, &last_words);
        metrics::counter!("onespace_decoder_faults_total", "modality" => modality.name(), "cause" => fault.name())
            .increment(1);
        tracing::warn!(%modality, cause = fault.name(), ?ending, last_words, "a decoder was stopped");
        if fault.is_attack() && (self.faults.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(limits::DECODER_FAULTS)
        {
            self.forget(fork_server);
        }
        fault.error(modality)
    }

    /// What makes workers, started where it is not there.
    fn fork_server(&self) -> Result<Arc<ForkServer>> {
        let mut current = self.fork_server.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fork_server) = current.as_ref() {
            return Ok(Arc::clone(fork_server));
        }
        let (started, _) = ForkServer::start(&self.program).map_err(|error| {
            tracing::error!(%error, "the program that decodes does not start");
            Error::new(Reason::NotReady, "", "the program that decodes does not start")
        })?;
        tracing::info!("the program that decodes was started again");
        Ok(Arc::clone(current.insert(Arc::new(started))))
    }

    /// Has the next media start another one. Workers that this one has made go on.
    fn forget(&self, fork_server: &Arc<ForkServer>) {
        let mut current = self.fork_server.lock().unwrap_or_else(PoisonError::into_inner);
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, fork_server)) {
            *current = None;
        }
    }
}

/// Has a worker work on `shared`; none where the fork server is not there any more. The worker is killed where
/// `patience` is over first, since its wire ends with this.
fn ending(fork_server: &ForkServer, shared: &Shared, patience: &Patience) -> Result<Option<Ending>> {
    let lost = |error: io::Error| Error::internal(format!("no word from the process that decodes: {error}"));
    let (wire, theirs) = connection().map_err(lost)?;
    if let Err(error) = fork_server.fork(&theirs, shared) {
        tracing::warn!(%error, "the program that decodes takes no media");
        return Ok(None);
    }
    drop(theirs);
    loop {
        patience.check(WHILE)?;
        if readable(&wire, LOOK).map_err(lost)? {
            let mut message = [0; 16];
            let message = receive(&wire, &mut message).map_err(lost)?;
            return Ok((!message.is_empty()).then(|| Ending::of(message)));
        }
    }
}

/// One modality's decoder, in workers.
#[derive(Debug)]
struct Sandboxed {
    sandbox: Arc<Sandbox>,
    modality: Modality,
}

impl Prepare for Sandboxed {
    fn modality(&self) -> Modality {
        self.modality
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        self.sandbox.prepare(self.modality, request)
    }
}
