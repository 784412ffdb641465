//! What is written down of one call.

use std::{collections::BTreeMap, net::SocketAddr, time::SystemTime};

use onespace_core::Reason;
use onespace_proto::status;
use serde::Serialize;
use tonic::{Code, Status};

use crate::about::About;

/// One line of the audit log. No content of any message is in it, and no key.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    /// When the call began, as RFC 3339 writes it.
    time: String,
    request_id: String,
    /// `key:ID` or `token:SUBJECT`; empty where nobody was asked, or nobody let in.
    caller: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<SocketAddr>,
    method: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    tenant: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    collections: Vec<String>,
    /// OK, or the name of the status code.
    code: String,
    /// The reason of an error, from the table of errors.
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'static str,
    /// What became of items, where any were stored or deleted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    items: BTreeMap<&'static str, u64>,
    /// Bytes of the request.
    bytes: u64,
    milliseconds: u64,
}

impl Record {
    /// A call that begins now.
    pub fn new(request_id: &str, method: &str, peer: Option<SocketAddr>) -> Self {
        Self {
            time: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            request_id: request_id.to_owned(),
            caller: String::new(),
            name: String::new(),
            peer,
            method: method.trim_start_matches('/').to_owned(),
            tenant: String::new(),
            collections: Vec::new(),
            code: name(Code::Ok),
            reason: "",
            items: BTreeMap::new(),
            bytes: 0,
            milliseconds: 0,
        }
    }

    /// Who calls.
    pub fn of(self, caller: &str, name: &str) -> Self {
        Self { caller: caller.to_owned(), name: name.to_owned(), ..self }
    }

    /// What the call was about, and how large and long it was.
    pub fn about(self, about: About, bytes: u64, milliseconds: u64) -> Self {
        let tenant = about.tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
        let collections = about.collections.into_iter().collect();
        Self { tenant, collections, items: about.items, bytes, milliseconds, ..self }
    }

    /// How it ended.
    pub fn ended(self, status: &Status) -> Self {
        let code = name(status.code());
        let known = status.code() != Code::Ok && !status.details().is_empty();
        let reason = if known { status::error(status, Reason::Internal).reason.name() } else { "" };
        Self { code, reason, ..self }
    }
}

/// The name of a code, as the gRPC specification writes it.
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use onespace_core::Error;

    use super::*;

    #[test]
    fn a_record_tells_the_code_and_the_reason() {
        let error = Error::new(Reason::PermissionDenied, "collection", "no");
        let record = Record::new("id", "/onespace.v1.SearchService/Search", None).ended(&status::status(&error));
        let line = serde_json::to_value(&record).unwrap();
        assert_eq!(line["code"], "PERMISSION_DENIED");
        assert_eq!(line["reason"], "PERMISSION_DENIED");
        assert_eq!(line["method"], "onespace.v1.SearchService/Search");
        assert_eq!(name(Code::Ok), "OK");
    }
}
