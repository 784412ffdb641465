//! All keys of a server, found by their ids.

use std::{collections::HashMap, sync::Arc, time::SystemTime};

use onespace_core::{Error, Reason, Result};
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

use crate::{
    grant::Grant,
    keys::{Entry, Keys, PREFIX},
};

/// What there is of a key to look a caller up by.
struct Held {
    sha256: [u8; 32],
    grant: Arc<Grant>,
}

/// Keys by their ids.
#[derive(Default)]
pub struct KeyRing(HashMap<String, Held>);

impl KeyRing {
    /// The keys of some files.
    ///
    /// # Errors
    /// `FIELD_INVALID` for an id that is in two of them.
    pub fn new(files: impl IntoIterator<Item = Keys>) -> Result<Self> {
        let mut ring = HashMap::new();
        for entry in files.into_iter().flat_map(|keys| keys.keys) {
            let held = Held { sha256: entry.digest()?, grant: Arc::new(granted(&entry)) };
            if ring.insert(entry.id.clone(), held).is_some() {
                let message = format!("two keys have the id {}", entry.id);
                return Err(Error::new(Reason::FieldInvalid, "keys", message));
            }
        }
        Ok(Self(ring))
    }

    /// What a key allows.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, in the same words whether the id or the secret is wrong.
    pub fn grant(&self, key: &str, now: SystemTime) -> Result<Arc<Grant>> {
        let unknown = || Error::new(Reason::Unauthenticated, "authorization", "this key is not known");
        let (id, secret) = key.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or_else(unknown)?;
        let shown = digest(&SHA256, secret.as_bytes());
        let found = self.0.get(id);
        // An id that is not known is compared with something, too: the time of an answer must not tell which ids are.
        let expected = found.map_or([0; 32], |held| held.sha256);
        let opens: bool = shown.as_ref().ct_eq(&expected).into();
        let held = found.filter(|_| opens).ok_or_else(unknown)?;
        held.grant.check_end(now)?;
        Ok(held.grant.clone())
    }

    /// How many keys open anything.
    #[must_use]
    pub fn living(&self, now: SystemTime) -> usize {
        self.0.values().filter(|held| held.grant.check_end(now).is_ok()).count()
    }
}

fn granted(entry: &Entry) -> Grant {
    let Entry { id, name, tenant, scopes, collections, quota, .. } = entry.clone();
    Grant { id: format!("key:{id}"), name, tenant, scopes, collections, quota, ends: entry.ends() }
}
