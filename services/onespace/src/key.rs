//! `onespace key`: makes, prints and takes away keys.

use std::time::SystemTime;

use anyhow::{Context, Result};
use onespace_access::{
    grant::Scope,
    keys::{Entry, Keys, NewKey},
    quota::Quota,
};
use onespace_core::Tenant;
use serde_json::json;

use crate::{
    args::KeyCommand,
    output::{Outcome, Rows, print_error, print_line},
};

/// Runs a command; `tenant` is whose collections a new key is for.
pub fn run(command: KeyCommand, tenant: Option<String>, json: bool) -> Result<Outcome> {
    match command {
        KeyCommand::Create { file, name, scope, collection, expires, quota } => {
            let tenant = tenant.map_or_else(|| Ok(Tenant::default()), |tenant| tenant.parse()).context("--tenant")?;
            let collections = (!collection.is_empty()).then_some(collection);
            let ends = expires.map(|time| SystemTime::now().checked_add(time).context("--expires is too far away"));
            let new = NewKey { name, scopes: scope, tenant, collections, expires: ends.transpose()?, quota };
            let key = Keys::change(&file.keys, true, |keys| keys.create(new))?;
            let id = key.split('_').nth(1).unwrap_or_default();
            if json {
                print_line(&json!({ "id": id, "key": key }).to_string());
            } else {
                print_error(&format!("key {id} is in {}; what its holder shows is told once:", file.keys.display()));
                print_line(&key);
            }
        }
        KeyCommand::List { file } => list(&Keys::read(&file.keys, false)?, json),
        KeyCommand::Revoke { file, id } => {
            let entry = Keys::change(&file.keys, false, |keys| keys.revoke(&id))?;
            if json {
                print_line(&json!({ "id": id, "revoked": true }).to_string());
            } else {
                print_line(&format!("key {id} ({}) is revoked", entry.name));
            }
        }
    }
    Ok(Outcome::AllWell)
}

fn list(keys: &Keys, json: bool) {
    let mut rows = Rows::new(json, ["id", "name", "tenant", "scopes", "collections", "quota", "ends"]);
    let now = SystemTime::now();
    for entry in &keys.keys {
        let object = json!({
            "id": entry.id, "name": entry.name, "tenant": entry.tenant, "scopes": entry.scopes,
            "collections": entry.collections, "quota": entry.quota, "created": entry.created,
            "expires": entry.expires, "ended": entry.has_ended(now),
        });
        rows.push(cells(entry, now), &object);
    }
    rows.finish();
}

fn cells(entry: &Entry, now: SystemTime) -> Vec<String> {
    let patterns = entry.collections.as_ref().map(|those| those.iter().map(ToString::to_string).collect::<Vec<_>>());
    let ends = match &entry.expires {
        Some(when) if entry.has_ended(now) => format!("ended {when}"),
        Some(when) => when.clone(),
        None => "never".to_owned(),
    };
    vec![
        entry.id.clone(),
        entry.name.clone(),
        entry.tenant.to_string(),
        entry.scopes.iter().map(|scope: &Scope| scope.name()).collect::<Vec<_>>().join(" "),
        patterns.map_or_else(|| "all".to_owned(), |those| those.join(" ")),
        told(&entry.quota),
        ends,
    ]
}

/// A quota as the flag takes it.
fn told(quota: &Quota) -> String {
    let part = |name: &str, value: Option<u64>| value.map(|value| format!("{name}={value}"));
    let parts = [
        part("requests", quota.requests_per_second.map(u64::from)),
        part("concurrency", quota.concurrency.map(u64::from)),
        part("bytes", quota.bytes_per_second),
        part("items", quota.items),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(",") }
}
