use std::{fs, time::SystemTime};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, PublicKeyComponents},
    signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256},
};
use serde_json::{Value, json};

use super::*;

const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

fn soon() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() + 300
}

fn claims() -> Value {
    json!({"sub": "ann", "exp": soon(), "aud": "onespace", "iss": "us", "scope": "openid read", "tenant": "acme"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn signed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn hs256(claims: &Value, secret: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    signed(&json!({"alg": "HS256"}), claims, |message| hmac::sign(&key, message).as_ref().to_vec())
}

struct Provider {
    _folder: tempfile::TempDir,
    pair: Ed25519KeyPair,
    config: TokenConfig,
}

fn provider() -> Provider {
    let folder = tempfile::tempdir().unwrap();
    let (secret, jwks) = (folder.path().join("secret"), folder.path().join("jwks.json"));
    fs::write(&secret, [SECRET.as_slice(), b"\n"].concat()).unwrap();
    let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap();
    let public = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "one", "x": public}]});
    fs::write(&jwks, keys.to_string()).unwrap();
    let config = TokenConfig {
        secret: Some(secret),
        jwks: Some(jwks),
        issuer: Some("us".to_owned()),
        audience: "onespace".to_owned(),
        quota: Quota::default(),
    };
    Provider { _folder: folder, pair, config }
}

#[test]
fn tokens_of_both_kinds_are_read() {
    let provider = provider();
    let tokens = Tokens::read(&provider.config).unwrap();
    let grant = tokens.grant(&hs256(&with("collections", json!(["film-*"])), SECRET)).unwrap();
    assert_eq!((grant.id.as_str(), grant.tenant.as_str()), ("token:ann", "acme"));
    assert_eq!(grant.scopes, [Scope::Read]);
    for (name, value) in [("scope", json!(["read", "email"])), ("scp", json!("write read"))] {
        let mut claims = without("scope");
        claims[name] = value;
        assert!(tokens.grant(&hs256(&claims, SECRET)).unwrap().has(Scope::Read), "{claims}");
    }
    let nothing = tokens.grant(&hs256(&with("collections", json!([])), SECRET)).unwrap();
    assert!(!nothing.reaches("photos"), "an empty list is no collection, not all of them");
    assert!(tokens.grant(&hs256(&with("aud", json!(["other", "onespace"])), SECRET)).is_ok());
    assert!(grant.reaches("film-1") && !grant.reaches("photos"));
    for header in [json!({"alg": "EdDSA", "kid": "one"}), json!({"alg": "EdDSA"})] {
        let token = signed(&header, &claims(), |message| provider.pair.sign(message).as_ref().to_vec());
        assert_eq!(tokens.grant(&token).unwrap().id, "token:ann", "{header}");
    }
}

/// A key of the kind that most providers sign with. The library here signs with one but makes none, so openssl does.
#[test]
fn a_token_signed_with_rsa_is_read() {
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // Its form is PKCS #1 or #8, as the version of openssl likes.
    let pair = RsaKeyPair::from_der(&made.stdout).or_else(|_| RsaKeyPair::from_pkcs8(&made.stdout)).unwrap();
    let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let PublicKeyComponents::<Vec<u8>> { n, e } = pair.public().into();
    let key = |used: &str| json!({"kty": "RSA", "kid": used, "use": used, "n": number(&n), "e": number(&e)});
    let provider = provider();
    let jwks = provider.config.jwks.as_ref().unwrap();
    fs::write(jwks, json!({"keys": [key("enc"), {"kty": "RSA", "n": "!", "e": "!"}, key("sig")]}).to_string()).unwrap();
    let tokens = Tokens::read(&provider.config).unwrap();
    let token = |algorithm: &str, kid: &str| {
        signed(&json!({"alg": algorithm, "kid": kid}), &claims(), |message| {
            let mut signature = vec![0; pair.public().modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
            signature
        })
    };
    assert_eq!(tokens.grant(&token("RS256", "sig")).unwrap().id, "token:ann");
    for (algorithm, kid) in [("RS256", "enc"), ("RS512", "sig"), ("PS256", "sig")] {
        let error = tokens.grant(&token(algorithm, kid)).unwrap_err();
        assert_eq!(error.reason, Reason::Unauthenticated, "{algorithm} {kid}");
    }
}

#[test]
fn what_is_wrong_with_a_token_is_said() {
    let provider = provider();
    let tokens = Tokens::read(&provider.config).unwrap();
    let said = |token: &str| tokens.grant(token).unwrap_err();
    for (claims, words) in [
        (with("exp", json!(1)), "expired"),
        (with("exp", json!("9999999999")), "token"),
        (without("exp"), "exp"),
        (with("nbf", json!(soon())), "not valid yet"),
        (with("aud", json!("other")), "audience"),
        (without("aud"), "aud"),
        (with("iss", json!("them")), "issuer"),
        (without("iss"), "iss"),
        (without("sub"), "sub"),
        (with("sub", json!("")), "sub"),
        (with("tenant", json!("a/b")), "tenant"),
        (with("collections", json!(["a b"])), "collections"),
    ] {
        let error = said(&hs256(&claims, SECRET));
        assert_eq!(error.reason, Reason::Unauthenticated, "{claims}");
        assert!(error.message.contains(words), "{claims}: {error}");
    }
    let error = said(&hs256(&with("scope", json!("openid")), SECRET));
    assert_eq!(error.reason, Reason::PermissionDenied);
    assert!(said(&hs256(&claims(), &[7; 32])).message.contains("signature"));
    assert!(said("a.b.c").message.contains("neither"));
}

#[test]
fn an_algorithm_of_the_tokens_own_choice_opens_nothing() {
    let provider = provider();
    let tokens = Tokens::read(&provider.config).unwrap();
    // The public key, which everybody knows, as a shared secret.
    let public = hs256(&claims(), provider.pair.public_key().as_ref());
    // Nothing signed at all, and algorithms that are not taken.
    let none = signed(&json!({"alg": "none"}), &claims(), |_| Vec::new());
    let key = hmac::Key::new(hmac::HMAC_SHA512, SECRET);
    let longer = signed(&json!({"alg": "HS512"}), &claims(), |message| hmac::sign(&key, message).as_ref().to_vec());
    let unknown = signed(&json!({"alg": "EdDSA", "kid": "two"}), &claims(), |message| {
        provider.pair.sign(message).as_ref().to_vec()
    });
    for token in [public, none, longer, unknown] {
        assert_eq!(tokens.grant(&token).unwrap_err().reason, Reason::Unauthenticated, "{token}");
    }
}

#[test]
fn files_that_are_wrong_are_refused() {
    let provider = provider();
    fs::write(provider.config.secret.as_ref().unwrap(), "short").unwrap();
    assert!(Tokens::read(&provider.config).err().unwrap().message.contains("32"));
    let config = TokenConfig { secret: None, ..provider.config.clone() };
    for (text, words) in [("{}", "Key Set"), (r#"{"keys":[]}"#, "no key")] {
        fs::write(config.jwks.as_ref().unwrap(), text).unwrap();
        let error = Tokens::read(&config).err().unwrap();
        assert!(error.message.contains(words), "{text}: {error}");
    }
}
