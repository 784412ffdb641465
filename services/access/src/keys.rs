//! Keys: what they look like, and the file that holds all of them but their secrets.
//!
//! A key is `os_ID_SECRET`: the id finds its entry, the secret is 256 random bits, of which the file has the SHA-256.
//! So long a secret needs no slow hash: nobody guesses it, whatever the speed.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    time::SystemTime,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use onespace_core::{
    Error, Reason, Result, Tenant,
    bytes::{from_hex, hex},
    limits::{KEYS, NAME_BYTES, check_text},
};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::{
    files,
    grant::{Pattern, Scope},
    quota::Quota,
};

/// What every key begins with: scanners for leaked secrets know keys by it.
pub const PREFIX: &str = "os_";

/// Bytes of an id.
const ID: usize = 6;
/// Bytes of a secret.
const SECRET: usize = 32;

/// What a file says of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Finds it; not secret.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The SHA-256 of the secret, in hexadecimal.
    pub sha256: String,
    /// What may be done.
    pub scopes: Vec<Scope>,
    /// Whose collections it is for.
    #[serde(default)]
    pub tenant: Tenant,
    /// Which collections may be reached; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collections: Option<Vec<Pattern>>,
    /// When it was made, as RFC 3339 writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// From when on it opens nothing any more, as RFC 3339 writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// How much may be taken.
    #[serde(default)]
    pub quota: Quota,
}

impl Entry {
    fn check(&self) -> Result<()> {
        let wrong = |field: &str, message: &str| {
            Err(Error::new(Reason::FieldInvalid, format!("keys[\"{}\"].{field}", self.id), message))
        };
        if self.id.is_empty() || !self.id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return wrong("id", "use letters and digits");
        }
        if self.digest().is_err() {
            return wrong("sha256", "64 hexadecimal digits were expected");
        }
        if self.name.chars().any(char::is_control) {
            return wrong("name", "control characters have no place in a name");
        }
        check_text(&format!("keys[\"{}\"].name", self.id), &self.name, NAME_BYTES)?;
        if self.scopes.is_empty() {
            return wrong("scopes", "a key without a scope opens nothing: read, write, metrics, admin");
        }
        if self.expires.as_ref().is_some_and(|when| humantime::parse_rfc3339_weak(when).is_err()) {
            return wrong("expires", "a time such as 2027-01-31T00:00:00Z was expected");
        }
        self.quota.check().map_err(|error| error.under(&format!("keys[\"{}\"]", self.id)))
    }

    /// The SHA-256 of its secret.
    pub(crate) fn digest(&self) -> Result<[u8; 32]> {
        let wrong = || Error::new(Reason::FieldInvalid, "sha256", "64 hexadecimal digits were expected");
        from_hex(&self.sha256).ok_or_else(wrong)
    }

    /// When it ends.
    pub(crate) fn ends(&self) -> Option<SystemTime> {
        // A time that cannot be read was refused when the file was.
        self.expires.as_ref().and_then(|when| humantime::parse_rfc3339_weak(when).ok())
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self, now: SystemTime) -> bool {
        self.ends().is_some_and(|ends| ends <= now)
    }
}

/// What a new key is to allow.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What people call it.
    pub name: String,
    /// What may be done.
    pub scopes: Vec<Scope>,
    /// Whose collections it is for.
    pub tenant: Tenant,
    /// Which collections may be reached; absent: all.
    pub collections: Option<Vec<Pattern>>,
    /// From when on it opens nothing any more.
    pub expires: Option<SystemTime>,
    /// How much may be taken.
    pub quota: Quota,
}

/// All keys of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// In the order of the file.
    #[serde(default)]
    pub keys: Vec<Entry>,
}

impl Keys {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the key and its part; `TOO_MANY` over `KEYS`.
    pub fn parse(text: &str) -> Result<Self> {
        let keys: Self = toml::from_str(text).map_err(|error| {
            // Not the whole of it: it would print the line, and with it what somebody took for a hash.
            Error::new(Reason::FieldInvalid, "keys", format!("not a file of keys: {}", error.message()))
        })?;
        if keys.keys.len() > KEYS {
            return Err(Error::new(Reason::TooMany, "keys", format!("{}, the limit is {KEYS}", keys.keys.len())));
        }
        keys.keys.iter().try_for_each(Entry::check)?;
        let mut ids: Vec<_> = keys.keys.iter().map(|entry| &entry.id).collect();
        ids.sort_unstable();
        if let Some(twice) = ids.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[_]>::first) {
            return Err(Error::new(Reason::FieldInvalid, "keys", format!("two keys have the id {twice}")));
        }
        Ok(keys)
    }

    /// Reads a file; one that is not there holds no keys where `absent` is fine.
    ///
    /// # Errors
    /// As [`Self::parse`]; `FIELD_INVALID` for a file that cannot be read.
    pub fn read(path: &Path, absent_is_empty: bool) -> Result<Self> {
        match files::read_text(path) {
            Ok(text) => Self::parse(&text),
            Err(error) if absent_is_empty && error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::new(Reason::FieldInvalid, "keys", error.to_string())),
        }
    }

    /// Changes a file, whole or not at all, while nobody else does. A file that is made is its owner's alone; one that
    /// was there keeps its owner and its rights, so that the server that reads it still can.
    ///
    /// # Errors
    /// As [`Self::read`], what `change` gives, and as the system says.
    pub fn change<T>(path: &Path, absent_is_empty: bool, change: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let failed =
            |error: io::Error| Error::new(Reason::FieldInvalid, "keys", format!("{}: {error}", path.display()));
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // Beside the file, because the file itself is replaced.
        let lock = File::create(with_suffix(&place, ".lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut keys = Self::read(&place, absent_is_empty)?;
        let changed = change(&mut keys)?;
        keys.write(&place).map_err(failed)?;
        Ok(changed)
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        writeln!(file, "# Keys of onespace: `onespace key create`, `list`, `revoke`. Secrets are not in it.\n")?;
        file.write_all(text.as_bytes())?;
        if let Ok(before) = fs::metadata(path) {
            fs::set_permissions(file.path(), Permissions::from_mode(before.mode() & 0o777))?;
            let now = file.as_file().metadata()?;
            if (now.uid(), now.gid()) != (before.uid(), before.gid()) {
                chown(file.path(), Some(before.uid()), Some(before.gid()))?;
            }
        }
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }

    /// Adds a key and gives what its holder shows, which nobody can read again.
    ///
    /// # Errors
    /// `INTERNAL` when the system has no random numbers; what [`Self::parse`] would say of it.
    pub fn create(&mut self, new: NewKey) -> Result<String> {
        if self.keys.len() >= KEYS {
            return Err(Error::new(Reason::TooMany, "keys", format!("{}, the limit is {KEYS}", self.keys.len())));
        }
        let (id, secret) = (hex(&random::<ID>()?), BASE64_URL_SAFE_NO_PAD.encode(random::<SECRET>()?));
        let NewKey { name, scopes, tenant, collections, expires, quota } = new;
        let entry = Entry {
            id: id.clone(),
            name,
            sha256: hashed(&secret),
            scopes,
            tenant,
            collections,
            created: Some(rfc3339(SystemTime::now())?),
            expires: expires.map(rfc3339).transpose()?,
            quota,
        };
        entry.check()?;
        self.keys.push(entry);
        Ok(format!("{PREFIX}{id}_{secret}"))
    }

    /// Takes a key away.
    ///
    /// # Errors
    /// `FIELD_INVALID` for an id that is none of these.
    pub fn revoke(&mut self, id: &str) -> Result<Entry> {
        let place = self.keys.iter().position(|entry| entry.id == id);
        let place = place.ok_or_else(|| Error::new(Reason::FieldInvalid, "id", format!("no key has the id {id:?}")))?;
        Ok(self.keys.remove(place))
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.to_owned().into_os_string();
    name.push(suffix);
    name.into()
}

/// A time as RFC 3339 writes it, which ends with the year 9999.
fn rfc3339(when: SystemTime) -> Result<String> {
    use std::fmt::Write as _;
    let mut text = String::new();
    write!(text, "{}", humantime::format_rfc3339_seconds(when))
        .map_err(|_| Error::new(Reason::FieldInvalid, "expires", "it is too far away"))?;
    Ok(text)
}

fn hashed(secret: &str) -> String {
    hex(digest(&SHA256, secret.as_bytes()).as_ref())
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("the system has no random numbers"))?;
    Ok(bytes)
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
