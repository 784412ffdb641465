//! How much a caller may take.

use std::str::FromStr;

use onespace_core::{Error, Reason, Result, limits::QUOTA_BYTES_MIN};
use serde::{Deserialize, Serialize};

/// How much a caller may take; what is absent is not bounded for this caller alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// Calls that begin within a second; as many may begin at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
    /// Calls at the same time, streams among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Bytes of requests in a second. What comes faster is read more slowly, not refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// Items that the tenant may have stored, in all its collections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
}

impl Quota {
    /// Refuses what would let nothing through.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the part.
    pub fn check(&self) -> Result<()> {
        let wrong = |field: &str, message: String| Err(Error::new(Reason::FieldInvalid, field, message));
        if self.requests_per_second == Some(0) {
            return wrong("quota.requests_per_second", "0 lets nobody in; take the key away instead".to_owned());
        }
        if self.concurrency == Some(0) {
            return wrong("quota.concurrency", "0 lets nobody in; take the key away instead".to_owned());
        }
        if let Some(bytes) = self.bytes_per_second.filter(|bytes| *bytes < QUOTA_BYTES_MIN as u64) {
            let message = format!("{bytes}, the least is {QUOTA_BYTES_MIN}: what is slower is cut as stalled");
            return wrong("quota.bytes_per_second", message);
        }
        Ok(())
    }
}

/// `requests=50,concurrency=8,bytes=1048576,items=1000`, any of them.
impl FromStr for Quota {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut quota = Self::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let wrong = |message: String| Error::new(Reason::FieldInvalid, "quota", message);
            let (name, value) = part.split_once('=').ok_or_else(|| wrong(format!("{part:?} is not NAME=NUMBER")))?;
            let number = || value.parse().map_err(|_| wrong(format!("{value:?} is no whole number")));
            let small = || value.parse().map_err(|_| wrong(format!("{value:?} is no number up to {}", u32::MAX)));
            match name {
                "requests" => quota.requests_per_second = Some(small()?),
                "concurrency" => quota.concurrency = Some(small()?),
                "bytes" => quota.bytes_per_second = Some(number()?),
                "items" => quota.items = Some(number()?),
                _ => return Err(wrong(format!("{name:?} is none of requests, concurrency, bytes, items"))),
            }
        }
        quota.check()?;
        Ok(quota)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_read_and_what_lets_nothing_through_is_refused() {
        let quota: Quota = "requests=50,items=7".parse().unwrap();
        assert_eq!(quota, Quota { requests_per_second: Some(50), items: Some(7), ..Quota::default() });
        assert_eq!("".parse::<Quota>().unwrap(), Quota::default());
        for wrong in ["requests", "requests=x", "requests=0", "concurrency=0", "bytes=100", "speed=1", "requests=-1"] {
            assert_eq!(wrong.parse::<Quota>().unwrap_err().reason, Reason::FieldInvalid, "{wrong}");
        }
    }
}
