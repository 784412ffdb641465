use std::time::Duration;

use super::*;
use crate::key_ring::KeyRing;

fn ring(keys: &Keys) -> KeyRing {
    KeyRing::new([keys.clone()]).unwrap()
}

fn new(name: &str) -> NewKey {
    NewKey {
        name: name.to_owned(),
        scopes: vec![Scope::Read],
        tenant: "acme".parse().unwrap(),
        collections: Some(vec!["film-*".parse().unwrap()]),
        expires: None,
        quota: Quota { items: Some(9), ..Quota::default() },
    }
}

#[test]
fn a_key_opens_what_it_was_made_for_and_nothing_once_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    let create = |name| Keys::change(&path, true, |keys| keys.create(new(name))).unwrap();
    let (one, two) = (create("one"), create("two"));
    let mode = || fs::metadata(&path).unwrap().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains(one.rsplit('_').next().unwrap()), "the secret is not in the file");

    let now = SystemTime::now();
    let read = || ring(&Keys::read(&path, false).unwrap());
    let grant = read().grant(&one, now).unwrap();
    assert_eq!((grant.name.as_str(), grant.tenant.as_str()), ("one", "acme"));
    assert!(grant.reaches("film-1") && !grant.reaches("photos"));
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    let id = grant.id.strip_prefix("key:").unwrap();
    Keys::change(&path, false, |keys| keys.revoke(id)).unwrap();
    assert_eq!(mode(), 0o640, "whoever could read it still can");
    assert!(Keys::change(&path, false, |keys| keys.revoke(id)).is_err());
    assert_eq!(read().grant(&one, now).unwrap_err().reason, Reason::Unauthenticated);
    assert!(read().grant(&two, now).is_ok());
}

#[test]
fn a_file_behind_a_link_is_changed_and_the_link_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("real.toml"), folder.path().join("link.toml"));
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    Keys::change(&link, false, |keys| keys.create(new("one"))).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(Keys::read(&file, false).unwrap().keys.len(), 1);
}

#[test]
fn changes_that_meet_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.toml");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = &path;
            scope.spawn(move || Keys::change(path, true, |keys| keys.create(new(&number.to_string()))).unwrap());
        }
    });
    assert_eq!(Keys::read(&path, false).unwrap().keys.len(), 8);
}

#[test]
fn a_wrong_secret_and_a_wrong_id_are_refused_in_the_same_words() {
    let mut keys = Keys::default();
    let key = keys.create(new("one")).unwrap();
    let now = SystemTime::now();
    let mut other = key.clone();
    other.pop();
    let said: Vec<_> = [other.as_str(), "os_000000000000_AAAA", "os_", "", "secret"]
        .map(|wrong| ring(&keys).grant(wrong, now).unwrap_err().to_string())
        .into();
    assert!(said.iter().all(|words| words == &said[0]), "{said:?}");
}

#[test]
fn a_key_ends_when_it_says() {
    let mut keys = Keys::default();
    let now = SystemTime::now();
    let key = keys.create(NewKey { expires: Some(now + Duration::from_secs(60)), ..new("one") }).unwrap();
    assert!(ring(&keys).grant(&key, now).is_ok());
    let error = ring(&keys).grant(&key, now + Duration::from_secs(61)).unwrap_err();
    assert!(error.message.contains("ended"), "{error}");
    let never = now + Duration::from_secs(60 * 60 * 24 * 365 * 9000);
    let refused = keys.create(NewKey { expires: Some(never), ..new("two") }).unwrap_err();
    assert_eq!(refused.field, "expires");
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
