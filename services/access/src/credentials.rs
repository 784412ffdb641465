//! All keys and tokens that a server knows, as its files have them at one moment.

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use onespace_core::{Error, Reason, Result};

use crate::{
    grant::Grant,
    key_ring::KeyRing,
    keys::{Keys, PREFIX},
    token::{TokenConfig, Tokens},
};

/// Where a server's keys and tokens come from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file of keys.
    pub keys: Option<PathBuf>,
    /// The text of such a file, from the environment. It is not read again.
    pub inline_keys: Option<String>,
    /// Tokens of an identity provider.
    pub tokens: Option<TokenConfig>,
}

impl Sources {
    /// Whether there is any. Without one nobody is asked who they are.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_none() && self.inline_keys.is_none() && self.tokens.is_none()
    }

    /// The files that are read.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        let tokens = self.tokens.iter().flat_map(TokenConfig::files);
        self.keys.iter().cloned().chain(tokens).collect()
    }
}

/// What is known of callers.
#[derive(Clone, Default)]
pub struct Credentials {
    keys: Arc<KeyRing>,
    tokens: Option<Arc<Tokens>>,
}

impl Credentials {
    /// Reads all sources.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the source and what is wrong with it.
    pub fn read(sources: &Sources) -> Result<Self> {
        let mut credentials = Self::default();
        credentials.refresh(sources)?;
        Ok(credentials)
    }

    /// Reads all sources again. One that cannot be read keeps what it had and does not keep the others from what they
    /// have now: a broken file of tokens must not stop a key from being revoked.
    ///
    /// # Errors
    /// `FIELD_INVALID` of the first source that could not be read.
    pub fn refresh(&mut self, sources: &Sources) -> Result<()> {
        let keys = keys(sources).map(|keys| self.keys = Arc::new(keys));
        let tokens = sources.tokens.as_ref().map(Tokens::read).transpose();
        let tokens = tokens.map(|tokens| self.tokens = tokens.map(Arc::new));
        keys.and(tokens)
    }

    /// What a key or a token that was shown allows.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, `PERMISSION_DENIED`.
    pub fn grant(&self, shown: &str, now: SystemTime) -> Result<Arc<Grant>> {
        if shown.starts_with(PREFIX) {
            return self.keys.grant(shown, now);
        }
        let Some(tokens) = &self.tokens else {
            let message = format!("a key begins with {PREFIX:?}; tokens are not taken here");
            return Err(Error::new(Reason::Unauthenticated, "authorization", message));
        };
        tokens.grant(shown).map(Arc::new)
    }

    /// How many keys open anything.
    #[must_use]
    pub fn living_keys(&self, now: SystemTime) -> usize {
        self.keys.living(now)
    }
}

fn keys(sources: &Sources) -> Result<KeyRing> {
    let file = sources.keys.as_ref().map(|path| Keys::read(path, false)).transpose()?;
    let inline = sources.inline_keys.as_ref().map(|text| Keys::parse(text).map_err(|error| error.under("inline")));
    KeyRing::new(file.into_iter().chain(inline.transpose()?))
}
