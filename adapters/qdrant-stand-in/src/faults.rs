//! What can be wrong with a server.

use std::{
    future::pending,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use qdrant_client::qdrant::{PointsOperationResponse, UpdateResult, UpdateStatus};
use tonic::{Response, Status};

/// What is wrong with a server that can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It takes every call and answers none.
    Silent,
    /// It answers every call so much later.
    Late(Duration),
    /// Of two writes it says of one that it has begun with it, or that waiting for it took too long.
    Halves,
    /// Of two writes it does one and its answer is lost.
    LosesAnswers,
}

/// What is wrong now, and how much was asked.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    fault: Mutex<Fault>,
    calls: AtomicUsize,
    writes: AtomicUsize,
}

impl Faults {
    pub(crate) fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    fn now(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    /// Before a call is looked at.
    pub(crate) async fn before(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match self.now() {
            Fault::Silent => pending().await,
            Fault::Late(delay) => tokio::time::sleep(delay).await,
            _ => {}
        }
    }

    /// The answer to a write that was done, unless it is lost.
    pub(crate) fn answer<T>(&self, answer: T) -> Result<Response<T>, Status> {
        let turn = self.writes.fetch_add(1, Ordering::Relaxed);
        match self.now() {
            Fault::LosesAnswers if turn.is_multiple_of(2) => Err(Status::unavailable("the answer is lost")),
            _ => Ok(Response::new(answer)),
        }
    }

    /// The answer to a write of points that was done.
    pub(crate) fn done(&self) -> Result<Response<PointsOperationResponse>, Status> {
        let turn = self.writes.load(Ordering::Relaxed);
        let status = match self.now() {
            Fault::Halves if turn.is_multiple_of(4) => UpdateStatus::Acknowledged,
            Fault::Halves if turn.is_multiple_of(2) => UpdateStatus::WaitTimeout,
            _ => UpdateStatus::Completed,
        };
        let result = UpdateResult { operation_id: Some(turn as u64), status: status.into() };
        self.answer(PointsOperationResponse { result: Some(result), ..Default::default() })
    }
}
