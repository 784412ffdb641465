//! State that is there once loading is done. A server listens from the first moment, so that its health can say
//! NOT_SERVING and a probe need not guess.

use std::sync::{Arc, OnceLock};

use onespace_core::{Error, Reason, Result};

/// A cell that is filled once, when the server is ready to serve.
#[derive(Debug)]
pub struct Ready<T>(Arc<OnceLock<Arc<T>>>);

impl<T> Ready<T> {
    /// An empty cell.
    #[must_use]
    pub fn pending() -> Self {
        Self(Arc::new(OnceLock::new()))
    }

    /// Fills it. A second filling changes nothing.
    pub fn fill(&self, state: T) -> Arc<T> {
        self.0.get_or_init(|| Arc::new(state)).clone()
    }

    /// The state.
    ///
    /// # Errors
    /// `NOT_READY` while it is being loaded.
    pub fn get(&self) -> Result<Arc<T>> {
        self.0.get().cloned().ok_or_else(|| Error::new(Reason::NotReady, "", "the server is still loading its models"))
    }
}

impl<T> Clone for Ready<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
