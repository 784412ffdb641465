//! Keys: what they look like, and the file that holds all of them but their secrets.
//!
//! A key is `os_ID_SECRET`: the id finds its entry, the secret is 256 random bits, of which the file has the SHA-256.
//! So long a secret needs no slow hash: nobody guesses it, whatever the speed.

use std::{
    io::{self, Write},
    path::Path,
    time::SystemTime,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use onespace_core::{Error, Reason, Result, Tenant, limits::KEYS};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tempfile::NamedTempFile;

use crate::{
    files,
    grant::{Grant, Pattern, Scope},
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
    /// Which collections may be reached; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<Pattern>,
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
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return wrong("sha256", "64 hexadecimal digits were expected");
        }
        if self.scopes.is_empty() {
            return wrong("scopes", "a key without a scope opens nothing: read, write, admin");
        }
        if self.expires.as_ref().is_some_and(|when| humantime::parse_rfc3339_weak(when).is_err()) {
            return wrong("expires", "a time such as 2027-01-31T00:00:00Z was expected");
        }
        self.quota.check().map_err(|error| error.under(&format!("keys[\"{}\"]", self.id)))
    }

    /// Whether a secret is this key's.
    fn opened_by(&self, secret: &str) -> bool {
        hashed(secret).as_bytes().ct_eq(self.sha256.to_ascii_lowercase().as_bytes()).into()
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self, now: SystemTime) -> bool {
        // A time that cannot be read was refused when the file was.
        let ends = self.expires.as_ref().and_then(|when| humantime::parse_rfc3339_weak(when).ok());
        ends.is_some_and(|ends| ends <= now)
    }

    fn grant(&self) -> Grant {
        let Self { id, name, tenant, scopes, collections, quota, .. } = self.clone();
        Grant { id, name, tenant, scopes, collections, quota }
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
    /// Which collections may be reached; none: all.
    pub collections: Vec<Pattern>,
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

    /// Writes a file, whole or not at all, that only its owner reads.
    ///
    /// # Errors
    /// As the system says.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        writeln!(file, "# Keys of onespace: `onespace key create`, `list`, `revoke`. Secrets are not in it.\n")?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }

    /// Adds a key and gives what its holder shows, which nobody can read again.
    ///
    /// # Errors
    /// `INTERNAL` when the system has no random numbers; what [`Self::parse`] would say of it.
    pub fn create(&mut self, new: NewKey) -> Result<String> {
        let (id, secret) = (hex(&random::<ID>()?), BASE64_URL_SAFE_NO_PAD.encode(random::<SECRET>()?));
        let rfc3339 = |when| humantime::format_rfc3339_seconds(when).to_string();
        let NewKey { name, scopes, tenant, collections, expires, quota } = new;
        let entry = Entry {
            id: id.clone(),
            name,
            sha256: hashed(&secret),
            scopes,
            tenant,
            collections,
            created: Some(rfc3339(SystemTime::now())),
            expires: expires.map(rfc3339),
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

    /// What a key allows.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, in the same words whether the id or the secret is wrong.
    pub fn grant(&self, key: &str, now: SystemTime) -> Result<Grant> {
        let unknown = || Error::new(Reason::Unauthenticated, "authorization", "this key is not known");
        let (id, secret) = key.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or_else(unknown)?;
        let found = self.keys.iter().find(|entry| entry.id == id);
        // The same work is done for an id that is not known: the time of an answer must not tell which ids are.
        let opened = found.map_or_else(|| hashed(secret).is_empty(), |entry| entry.opened_by(secret));
        let entry = found.filter(|_| opened).ok_or_else(unknown)?;
        if entry.has_ended(now) {
            let ended = entry.expires.clone().unwrap_or_default();
            return Err(Error::new(Reason::Unauthenticated, "authorization", format!("this key ended at {ended}")));
        }
        Ok(entry.grant())
    }
}

fn hashed(secret: &str) -> String {
    hex(digest(&SHA256, secret.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::internal("the system has no random numbers"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

    use super::*;

    fn new(name: &str) -> NewKey {
        NewKey {
            name: name.to_owned(),
            scopes: vec![Scope::Read],
            tenant: "acme".parse().unwrap(),
            collections: vec!["film-*".parse().unwrap()],
            expires: None,
            quota: Quota { items: Some(9), ..Quota::default() },
        }
    }

    #[test]
    fn a_key_opens_what_it_was_made_for_and_nothing_once_it_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let mut keys = Keys::read(&path, true).unwrap();
        let (one, two) = (keys.create(new("one")).unwrap(), keys.create(new("two")).unwrap());
        keys.write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(one.rsplit('_').next().unwrap()), "the secret is not in the file");

        let mut read = Keys::read(&path, false).unwrap();
        assert_eq!(read, keys);
        let now = SystemTime::now();
        let grant = read.grant(&one, now).unwrap();
        assert_eq!((grant.name.as_str(), grant.tenant.as_str()), ("one", "acme"));
        assert!(grant.reaches("film-1") && !grant.reaches("photos"));
        let id = grant.id;
        read.revoke(&id).unwrap();
        assert!(read.revoke(&id).is_err());
        assert_eq!(read.grant(&one, now).unwrap_err().reason, Reason::Unauthenticated);
        assert!(read.grant(&two, now).is_ok());
    }

    #[test]
    fn a_wrong_secret_and_a_wrong_id_are_refused_in_the_same_words() {
        let mut keys = Keys::default();
        let key = keys.create(new("one")).unwrap();
        let now = SystemTime::now();
        let mut other = key.clone();
        other.pop();
        let said: Vec<_> = [other.as_str(), "os_000000000000_AAAA", "os_", "", "secret"]
            .map(|wrong| keys.grant(wrong, now).unwrap_err().to_string())
            .into();
        assert!(said.iter().all(|words| words == &said[0]), "{said:?}");
    }

    #[test]
    fn a_key_ends_when_it_says() {
        let mut keys = Keys::default();
        let now = SystemTime::now();
        let key = keys.create(NewKey { expires: Some(now + Duration::from_secs(60)), ..new("one") }).unwrap();
        assert!(keys.grant(&key, now).is_ok());
        let error = keys.grant(&key, now + Duration::from_secs(61)).unwrap_err();
        assert!(error.message.contains("ended"), "{error}");
    }

    #[test]
    fn a_file_that_is_wrong_is_refused_with_the_key_and_its_part() {
        let entry = |rest: &str| format!("[[keys]]\nid = \"a1\"\nname = \"n\"\n{rest}");
        let hash = "0".repeat(64);
        for (text, named) in [
            (entry("sha256 = \"00\"\nscopes = [\"read\"]"), "sha256"),
            (entry(&format!("sha256 = \"{hash}\"\nscopes = []")), "scopes"),
            (entry(&format!("sha256 = \"{hash}\"\nscopes = [\"all\"]")), "all"),
            (entry(&format!("sha256 = \"{hash}\"\nscopes = [\"read\"]\nexpires = \"soon\"")), "expires"),
            (entry(&format!("sha256 = \"{hash}\"\nscopes = [\"read\"]\nsecret = \"x\"")), "secret"),
            (entry(&format!("sha256 = \"{hash}\"\nscopes = [\"read\"]\nquota = {{ bytes_per_second = 1 }}")), "quota"),
        ] {
            let error = Keys::parse(&text).unwrap_err();
            assert!(error.to_string().contains(named), "{named}: {error}");
        }
        let twice = entry(&format!("sha256 = \"{hash}\"\nscopes = [\"read\"]\n"));
        assert!(Keys::parse(&format!("{twice}{twice}")).unwrap_err().message.contains("a1"));
    }
}
