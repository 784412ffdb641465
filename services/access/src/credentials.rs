//! All keys and tokens that a server knows, as its files have them at one moment.

use std::{path::PathBuf, time::SystemTime};

use onespace_core::{Error, Reason, Result};

use crate::{
    grant::Grant,
    keys::{Entry, Keys, PREFIX},
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
pub struct Credentials {
    keys: Keys,
    tokens: Option<Tokens>,
}

impl Credentials {
    /// Reads all sources.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the source and what is wrong with it.
    pub fn read(sources: &Sources) -> Result<Self> {
        let mut keys = Keys::default();
        if let Some(path) = &sources.keys {
            keys.keys = Keys::read(path, false)?.keys;
        }
        if let Some(text) = &sources.inline_keys {
            keys.keys.extend(Keys::parse(text).map_err(|error| error.under("inline"))?.keys);
        }
        let tokens = sources.tokens.as_ref().map(Tokens::read).transpose()?;
        Ok(Self { keys, tokens })
    }

    /// What a key or a token that was shown allows, and a name for its quota that no other caller has.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, `PERMISSION_DENIED`.
    pub fn grant(&self, shown: &str, now: SystemTime) -> Result<(Grant, String)> {
        if shown.starts_with(PREFIX) {
            let grant = self.keys.grant(shown, now)?;
            let meter = format!("key {}", grant.id);
            return Ok((grant, meter));
        }
        let Some(tokens) = &self.tokens else {
            let message = format!("a key begins with {PREFIX:?}; tokens are not taken here");
            return Err(Error::new(Reason::Unauthenticated, "authorization", message));
        };
        let grant = tokens.grant(shown)?;
        let meter = format!("token {}", grant.id);
        Ok((grant, meter))
    }

    /// How many keys open anything.
    #[must_use]
    pub fn living_keys(&self, now: SystemTime) -> usize {
        let ended = |entry: &&Entry| !entry.has_ended(now);
        self.keys.keys.iter().filter(ended).count()
    }
}
