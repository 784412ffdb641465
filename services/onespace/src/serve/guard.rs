//! What it takes to listen beyond this machine, and the files that let somebody in.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result, bail};
use onespace_access::{
    access::{Access, Sources},
    audit::Audit,
    token::TokenConfig,
};
use onespace_kit::tls::{Protocol, Tls, TlsFiles};

use crate::args::{AccessArgs, TlsArgs};

/// Refuses to listen beyond this machine in plaintext, or to everybody, unless that was said to be meant. `knows` tells
/// whether callers are asked who they are.
pub fn check(address: SocketAddr, tls: &TlsArgs, knows: bool) -> Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    if tls.tls_cert.is_none() {
        if !tls.allow_plaintext {
            bail!(
                "{address} is open to the network and would be served in plaintext: give --tls-cert and --tls-key, or \
                 --allow-plaintext where something in front of it encrypts"
            );
        }
        tracing::warn!(%address, "listening beyond this machine in plaintext");
    }
    if !knows {
        if !tls.allow_anonymous {
            bail!(
                "{address} is open to the network and would let everybody read, store and delete: give --keys, \
                 --jwt-secret, --jwt-jwks or --tls-client-ca, or --allow-anonymous where something in front of it asks \
                 who calls"
            );
        }
        tracing::warn!(%address, "listening beyond this machine to everybody");
    }
    Ok(())
}

/// TLS of a port, where there is to be any.
pub fn tls(args: &TlsArgs, protocol: Protocol) -> Result<Option<Arc<Tls>>> {
    let (Some(certificate), Some(key)) = (args.tls_cert.clone(), args.tls_key.clone()) else { return Ok(None) };
    let client_ca = match protocol {
        Protocol::Http2 => args.tls_client_ca.clone(),
        // Probes show no certificate; what is not for everybody asks for a key.
        Protocol::Http1 => None,
    };
    let files = TlsFiles { certificate, key, client_ca };
    Ok(Some(Tls::read(files, protocol).context("--tls-cert, --tls-key")?))
}

/// Who is let in.
pub fn access(args: AccessArgs) -> Result<Arc<Access>> {
    let audit = match &args.audit {
        Some(path) => Some(Audit::open(path).with_context(|| format!("--audit {}", path.display()))?),
        None => None,
    };
    let tokens = (args.jwt_secret.is_some() || args.jwt_jwks.is_some()).then(|| TokenConfig {
        secret: args.jwt_secret,
        jwks: args.jwt_jwks,
        issuer: args.jwt_issuer,
        audience: args.jwt_audience.unwrap_or_default(),
        quota: args.jwt_quota,
    });
    let sources = Sources { keys: args.keys, inline_keys: args.keys_inline, tokens };
    let access = Access::new(sources, audit).context("who is let in")?;
    if access.asks() {
        tracing::info!(keys = access.living_keys(), "callers are asked who they are");
    }
    Ok(access)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: TlsArgs =
        TlsArgs { tls_cert: None, tls_key: None, tls_client_ca: None, allow_plaintext: false, allow_anonymous: false };

    #[test]
    fn beyond_this_machine_it_takes_tls_and_keys_or_a_word() {
        let everywhere = "0.0.0.0:1".parse().unwrap();
        for here in ["127.0.0.1:1", "[::1]:1"] {
            assert!(check(here.parse().unwrap(), &NONE, false).is_ok(), "{here}");
        }
        let said = |args: &TlsArgs, knows| check(everywhere, args, knows).unwrap_err().to_string();
        assert!(said(&NONE, true).contains("--tls-cert"));
        let plain = TlsArgs { allow_plaintext: true, ..NONE };
        assert!(said(&plain, false).contains("--keys"));
        assert!(check(everywhere, &plain, true).is_ok());
        let encrypted = TlsArgs { tls_cert: Some("c".into()), tls_key: Some("k".into()), ..NONE };
        assert!(said(&encrypted, false).contains("--allow-anonymous"));
        assert!(check(everywhere, &TlsArgs { allow_anonymous: true, ..encrypted }, false).is_ok());
    }
}
