//! Tokens of an identity provider: JSON Web Tokens (RFC 7519) signed with a shared secret (HS256) or with a key of a
//! JWKS file (RS256, EdDSA; RFC 7517, RFC 8037).
//!
//! An algorithm is never taken from the token alone: a shared secret checks HS256 and nothing else, a public key its
//! own kind, so that a public key cannot pass for a secret.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, Jwk, JwkSet, PublicKeyUse},
};
use onespace_core::{Error, Reason, Result, Tenant, limits::check_text};
use serde::Deserialize;

use crate::{
    files,
    grant::{Grant, Pattern, Scope},
    quota::Quota,
    ring_provider,
};

/// The least bytes of a shared secret: those of its hash (RFC 7518, 3.2).
const SECRET_BYTES: usize = 32;
/// The longest subject, and the longest name.
const SUBJECT_BYTES: usize = 256;
/// Two clocks may differ by so many seconds.
const LEEWAY: u64 = 30;

/// Where tokens come from.
#[derive(Clone, Debug, Default)]
pub struct TokenConfig {
    /// A file with the secret that HS256 tokens are signed with.
    pub secret: Option<PathBuf>,
    /// A file with the public keys of the identity provider, as its `jwks_uri` gives them.
    pub jwks: Option<PathBuf>,
    /// Who must have issued a token (`iss`); anybody who has the key where absent.
    pub issuer: Option<String>,
    /// For whom a token must be (`aud`): without it a token for another service of the same provider would do.
    pub audience: String,
    /// How much each subject may take.
    pub quota: Quota,
}

impl TokenConfig {
    /// The files that are read.
    #[must_use]
    pub fn files(&self) -> Vec<PathBuf> {
        self.secret.iter().chain(&self.jwks).cloned().collect()
    }
}

/// A public key of the identity provider.
struct PublicKey {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Reads tokens.
pub struct Tokens {
    secret: Option<DecodingKey>,
    keys: Vec<PublicKey>,
    issuer: Option<String>,
    audience: String,
    quota: Quota,
}

/// What is read of a token.
#[derive(Debug, Deserialize)]
struct Claims {
    #[serde(default)]
    sub: String,
    #[serde(default)]
    exp: u64,
    #[serde(default)]
    name: Option<String>,
    /// Others than ours may stand among them. Some providers call them `scp`.
    #[serde(default, alias = "scp")]
    scope: Scopes,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    collections: Option<Vec<String>>,
}

/// Scopes as providers write them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scopes {
    /// Between spaces (RFC 8693).
    Text(String),
    /// One by one.
    List(Vec<String>),
}

impl Default for Scopes {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Scopes {
    /// Those of ours.
    fn ours(&self) -> Vec<Scope> {
        let words: Vec<&str> = match self {
            Self::Text(text) => text.split_ascii_whitespace().collect(),
            Self::List(list) => list.iter().map(String::as_str).collect(),
        };
        words.into_iter().filter_map(|scope| scope.parse().ok()).collect()
    }
}

impl Tokens {
    /// Reads the files.
    ///
    /// # Errors
    /// `FIELD_INVALID` naming the file and what is wrong with it.
    pub fn read(config: &TokenConfig) -> Result<Self> {
        ring_provider::install();
        let secret = config.secret.as_ref().map(|path| {
            let wrong = |message: String| Error::new(Reason::FieldInvalid, "jwt-secret", message);
            let bytes = files::read(path).map_err(|error| wrong(error.to_string()))?;
            // What an editor adds at the end is no part of it.
            let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            if bytes.len() < SECRET_BYTES {
                return Err(wrong(format!("{} bytes, HS256 needs at least {SECRET_BYTES}", bytes.len())));
            }
            DecodingKey::from_secret(bytes).map_err(|error| wrong(error.to_string()))
        });
        let keys = config.jwks.as_ref().map(|path| {
            let wrong = |message: String| Error::new(Reason::FieldInvalid, "jwt-jwks", message);
            let text = files::read_text(path).map_err(|error| wrong(error.to_string()))?;
            public_keys(&text).map_err(wrong)
        });
        Ok(Self {
            secret: secret.transpose()?,
            keys: keys.transpose()?.unwrap_or_default(),
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            quota: config.quota,
        })
    }

    /// What a token allows.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` saying what is wrong with it; `PERMISSION_DENIED` without any scope of ours.
    pub fn grant(&self, token: &str) -> Result<Grant> {
        let refused = |message: String| Error::new(Reason::Unauthenticated, "authorization", message);
        let header = decode_header(token).map_err(|_| refused("neither a key nor a token".to_owned()))?;
        let key = self.key(header.alg, header.kid.as_deref()).map_err(refused)?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "aud", "sub"]);
        if let Some(issuer) = &self.issuer {
            validation.set_issuer(&[issuer]);
            validation.required_spec_claims.insert("iss".to_owned());
        }
        let claims = decode::<Claims>(token, key, &validation).map_err(|error| refused(why(error.kind())))?.claims;
        self.granted(claims)
    }

    fn granted(&self, claims: Claims) -> Result<Grant> {
        let claim = |name: &str| {
            let name = format!("the token's \"{name}\"");
            move |error: Error| Error::new(Reason::Unauthenticated, "authorization", format!("{name}: {error}"))
        };
        check_text("authorization", &claims.sub, SUBJECT_BYTES)?;
        if claims.sub.is_empty() {
            return Err(Error::new(Reason::Unauthenticated, "authorization", "the token's \"sub\" is empty"));
        }
        let scopes = claims.scope.ours();
        if scopes.is_empty() {
            let message = "the token's \"scope\" has none of read, write, metrics, admin";
            return Err(Error::new(Reason::PermissionDenied, "authorization", message));
        }
        let tenant = claims.tenant.map_or_else(|| Ok(Tenant::default()), |tenant| tenant.parse());
        let patterns = |names: Vec<String>| names.iter().map(|name| name.parse()).collect::<Result<Vec<Pattern>>>();
        let collections = claims.collections.map(patterns).transpose();
        let name = claims.name.filter(|name| name.len() <= SUBJECT_BYTES && !name.chars().any(char::is_control));
        Ok(Grant {
            id: format!("token:{}", claims.sub),
            name: name.unwrap_or(claims.sub),
            tenant: tenant.map_err(claim("tenant"))?,
            scopes,
            collections: collections.map_err(claim("collections"))?,
            quota: self.quota,
            ends: SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(claims.exp.saturating_add(LEEWAY))),
        })
    }

    fn key(&self, algorithm: Algorithm, id: Option<&str>) -> Result<&DecodingKey, String> {
        if algorithm == Algorithm::HS256 {
            return self.secret.as_ref().ok_or_else(|| "no token signed with HS256 is taken here".to_owned());
        }
        let mut fitting = self.keys.iter().filter(|key| key.algorithm == algorithm);
        let found = match id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id)),
            // Without an id there must be no choice.
            None => fitting.next().filter(|_| fitting.next().is_none()),
        };
        found.map(|found| &found.key).ok_or_else(|| format!("no key for a token of {algorithm:?} with this key id"))
    }
}

fn public_keys(text: &str) -> Result<Vec<PublicKey>, String> {
    let set: JwkSet = serde_json::from_str(text).map_err(|error| format!("not a JSON Web Key Set: {error}"))?;
    let keys: Vec<_> = set.keys.iter().filter_map(public_key).collect();
    if keys.is_empty() {
        return Err("it has no key for RS256 or EdDSA".to_owned());
    }
    Ok(keys)
}

/// A key that checks signatures of one of our algorithms; none where it is for something else, or broken.
fn public_key(jwk: &Jwk) -> Option<PublicKey> {
    if jwk.common.public_key_use.as_ref().is_some_and(|used| *used != PublicKeyUse::Signature) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::OctetKeyPair(_) => Algorithm::EdDSA,
        _ => return None,
    };
    let named = jwk.common.key_algorithm.map(|named| named.to_string().to_ascii_uppercase());
    if named.is_some_and(|named| named != format!("{algorithm:?}").to_ascii_uppercase()) {
        return None;
    }
    let id = jwk.common.key_id.clone();
    let key = DecodingKey::from_jwk(jwk).inspect_err(|error| tracing::warn!(?id, %error, "a key is left out"));
    key.ok().map(|key| PublicKey { id, algorithm, key })
}

/// What is wrong with a token, in a sentence.
fn why(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::ExpiredSignature => "the token has expired".to_owned(),
        ErrorKind::ImmatureSignature => "the token is not valid yet".to_owned(),
        ErrorKind::InvalidSignature => "the token's signature is wrong".to_owned(),
        ErrorKind::InvalidAudience => "the token is for another audience".to_owned(),
        ErrorKind::InvalidIssuer => "the token is of another issuer".to_owned(),
        ErrorKind::MissingRequiredClaim(claim) => format!("the token has no \"{claim}\""),
        _ => "the token cannot be read".to_owned(),
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
