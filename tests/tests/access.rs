//! Who is let in, what they may, how much of it, and what is written down.

use std::{
    fs,
    time::{Duration, Instant},
};

use bytes::Bytes;
use onespace_client::{Client, EmbedOptions, IngestItem, IngestStart, media};
use onespace_proto::v1;
use onespace_tests::{
    PATIENCE,
    client::{embed_item, embed_start},
    descriptor::Contract,
    guarded::{Guarded, create_key, folder, key_command, key_file},
    http,
    process::command,
    raw,
};
use serde_json::Value;
use tonic::{Code, Request, transport::Endpoint};

/// Makes a collection.
async fn create(client: &Client, name: &str) -> onespace_client::Result<v1::CreateCollectionResponse> {
    let request = v1::CreateCollectionRequest { name: name.to_owned(), ..Default::default() };
    client
        .call(request, async |client: Client, request| client.collection_service().create_collection(request).await)
        .await
}

/// The names of the collections that are listed.
async fn listed(client: &Client) -> Vec<String> {
    let list = async |client: Client, request| client.collection_service().list_collections(request).await;
    let answer = client.call(v1::ListCollectionsRequest::default(), list).await.unwrap();
    answer.collections.into_iter().map(|collection| collection.name).collect()
}

/// Stores texts and gives how many were stored, and the reasons of those that were not.
async fn store(client: &Client, collection: &str, texts: &[&str]) -> (usize, Vec<String>) {
    let item = |text: &&str| IngestItem { media: Some(media::text(*text)), ..Default::default() };
    let items: Vec<_> = texts.iter().map(item).collect();
    let start = IngestStart { collection: collection.to_owned(), create: true, ..Default::default() };
    let mut reasons = Vec::new();
    let tally = client
        .ingest(start, items, |_, event| {
            if let Some(error) = &event.error {
                reasons.push(error.reason.clone());
            }
        })
        .await;
    tally.map_or_else(|error| (0, vec![error.reason.clone()]), |tally| (tally.stored.values().sum(), reasons.clone()))
}

async fn embed(client: &Client) -> Result<(), onespace_client::Error> {
    client.embed(media::text("a mug"), &EmbedOptions::default()).await.map(drop)
}

#[tokio::test]
async fn without_a_key_no_method_of_the_contract_answers() {
    let folder = folder();
    let key = create_key(folder.path(), &["--name", "reader"]);
    let keys = key_file(folder.path()).display().to_string();
    let server = Guarded::start(folder, &["--keys", &keys]).await;
    let channel = Endpoint::from_shared(format!("http://{}", server.grpc)).unwrap().connect().await.unwrap();
    let methods = Contract::read().methods();
    assert!(methods.len() >= 18, "{methods:?}");
    for method in &methods {
        let (status, _) = raw::call(channel.clone(), &method.path, vec![Bytes::new()]).await;
        assert_eq!(status.code(), Code::Unauthenticated, "{}: {status:?}", method.path);
    }
    let mut wrong = key.clone();
    wrong.pop();
    assert!(embed(&server.client(Some(&wrong)).await).await.is_err());
    assert!(embed(&server.client(Some(&key)).await).await.is_ok(), "a good key is let in however many have failed");
}

#[tokio::test]
async fn a_key_opens_its_scope_its_tenant_and_its_collections() {
    let folder = folder();
    let acme = ["--tenant", "acme"];
    let with = |more: &[&str]| create_key(folder.path(), &[&acme, more].concat());
    let reader = with(&["--name", "reader"]);
    let writer = with(&["--name", "writer", "--scope", "read,write"]);
    let films = with(&["--name", "films", "--scope", "read,write", "--collection", "film-*"]);
    let admin = create_key(folder.path(), &["--name", "admin", "--scope", "admin"]);
    let keys = key_file(folder.path()).display().to_string();
    let server = Guarded::start(folder, &["--keys", &keys]).await;

    let (reader, writer) = (server.client(Some(&reader)).await, server.client(Some(&writer)).await);
    let error = create(&reader, "photos").await.unwrap_err();
    assert_eq!(error.code, Code::PermissionDenied);
    assert!(error.message.contains("write"), "it says what is missing: {error}");
    create(&writer, "photos").await.unwrap();
    create(&writer, "film-1").await.unwrap();
    assert_eq!(listed(&reader).await, ["film-1", "photos"]);

    let films = server.client(Some(&films)).await;
    assert_eq!(listed(&films).await, ["film-1"], "a list shows what may be reached");
    for hidden in ["photos", "not-there"] {
        let get = async |client: Client, request| client.collection_service().get_collection(request).await;
        let error = films.call(v1::GetCollectionRequest { name: hidden.to_owned() }, get).await.unwrap_err();
        assert_eq!((error.code, error.reason.as_str()), (Code::PermissionDenied, "PERMISSION_DENIED"), "{hidden}");
        let (stored, reasons) = store(&films, hidden, &["a"]).await;
        assert_eq!((stored, reasons), (0, vec!["PERMISSION_DENIED".to_owned()]), "{hidden}");
    }
    assert_eq!(store(&films, "film-1", &["a mug", "a lamp"]).await.0, 2);

    names_are_reached(&films, &reader, &writer).await;
    let admin_client = server.client(Some(&admin)).await;
    assert!(listed(&admin_client).await.is_empty(), "an admin's own tenant");
    assert_eq!(listed(&server.client_as(Some(&admin), Some("acme")).await).await, ["film-1", "photos"]);
}

/// Whoever leads a name somewhere may reach both; whoever may reach the name follows it.
async fn names_are_reached(films: &Client, reader: &Client, writer: &Client) {
    let lead = async |client: &Client, alias: &str, collection: &str| {
        let request = v1::SetAliasRequest { alias: alias.to_owned(), collection: collection.to_owned() };
        let call = async |client: Client, request| client.collection_service().set_alias(request).await;
        client.call(request, call).await.map_err(|error| error.code)
    };
    for (client, alias, collection) in
        [(reader, "latest", "photos"), (films, "latest", "film-1"), (films, "film-latest", "photos")]
    {
        assert_eq!(lead(client, alias, collection).await.unwrap_err(), Code::PermissionDenied, "{alias}");
    }
    lead(writer, "latest", "film-1").await.unwrap();
    let told = lead(films, "film-latest", "film-1").await.unwrap().collection.unwrap();
    assert_eq!(told.aliases, ["film-latest"], "names that may not be reached are not shown");
    let rename = v1::RenameCollectionRequest { name: "film-1".to_owned(), new_name: "photos-2".to_owned() };
    let call = async |client: Client, request| client.collection_service().rename_collection(request).await;
    assert_eq!(films.call(rename, call).await.unwrap_err().code, Code::PermissionDenied);
    assert_eq!(store(films, "film-latest", &["a mug"]).await.0, 0, "it is there already");
}

#[tokio::test]
async fn another_tenant_is_named_by_an_admin_alone() {
    let folder = folder();
    let reader = create_key(folder.path(), &["--name", "reader", "--tenant", "acme"]);
    let keys = key_file(folder.path()).display().to_string();
    let server = Guarded::start(folder, &["--keys", &keys]).await;
    assert!(listed(&server.client_as(Some(&reader), Some("acme")).await).await.is_empty());
    let other = server.client_as(Some(&reader), Some("other")).await;
    let list = async |client: Client, request| client.collection_service().list_collections(request).await;
    let error = other.call(v1::ListCollectionsRequest::default(), list).await.unwrap_err();
    assert_eq!((error.code, error.field.as_str()), (Code::PermissionDenied, "onespace-tenant"));
}

#[tokio::test]
async fn keys_are_made_and_revoked_while_the_server_runs() {
    let folder = folder();
    let first = create_key(folder.path(), &["--name", "first"]);
    let keys = key_file(folder.path()).display().to_string();
    let server = Guarded::start(folder, &["--keys", &keys]).await;
    let second = create_key(server.folder(), &["--name", "second"]);
    until(async || embed(&server.client(Some(&second)).await).await.is_ok()).await;

    let table = key_command(server.folder(), "list", &[]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.contains("first") && table.contains("second"), "{table}");
    let id = first.split('_').nth(1).unwrap();
    assert!(key_command(server.folder(), "revoke", &[id]).status.success());
    let client = server.client(Some(&first)).await;
    until(async || embed(&client).await.is_err_and(|error| error.code == Code::Unauthenticated)).await;
    assert!(embed(&server.client(Some(&second)).await).await.is_ok());
    let log = server.log();
    for secret in [&first, &second].map(|key| key.rsplit('_').next().unwrap()) {
        assert!(!log.contains(secret), "no key is logged");
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_key_that_opened_it() {
    let folder = folder();
    let key = create_key(folder.path(), &["--name", "short"]);
    let keys = key_file(folder.path()).display().to_string();
    let server = Guarded::start(folder, &["--keys", &keys]).await;
    let client = server.client(Some(&key)).await;
    let (send, messages) = tokio::sync::mpsc::channel::<v1::EmbedStreamRequest>(1);
    let stream = tokio_stream::wrappers::ReceiverStream::new(messages);
    send.send(embed_start(None)).await.unwrap();
    let mut answers = client.embedding_service().embed_stream(stream).await.unwrap().into_inner();
    send.send(embed_item("1", media::text("a mug"))).await.unwrap();
    assert!(answers.message().await.unwrap().is_some());
    assert!(key_command(server.folder(), "revoke", &[key.split('_').nth(1).unwrap()]).status.success());
    let ended = async {
        loop {
            let _ = send.send(embed_item("2", media::text("a lamp"))).await;
            match answers.message().await {
                Ok(Some(_)) => tokio::time::sleep(Duration::from_millis(100)).await,
                Ok(None) => return None,
                Err(status) => return Some(status.code()),
            }
        }
    };
    assert_eq!(tokio::time::timeout(PATIENCE, ended).await.unwrap(), Some(Code::Unauthenticated));
}

/// Waits until something is so.
async fn until(so: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !so().await {
        assert!(began.elapsed() < PATIENCE, "it never came to be");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_quota_bounds_requests_calls_and_items() {
    let folder = folder();
    let few = create_key(folder.path(), &["--name", "few", "--quota", "requests=3"]);
    let small = create_key(folder.path(), &["--name", "small", "--scope", "read,write", "--quota", "items=2"]);
    let one = create_key(folder.path(), &["--name", "one", "--quota", "concurrency=1"]);
    let keys = key_file(folder.path()).display().to_string();
    let server = Guarded::start(folder, &["--keys", &keys]).await;

    let few = server.client(Some(&few)).await;
    let mut refused = None;
    for _ in 0..20 {
        if let Err(error) = embed(&few).await {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.expect("twenty calls in a row are more than three a second");
    assert_eq!((refused.code, refused.reason.as_str()), (Code::ResourceExhausted, "QUOTA_EXCEEDED"));
    assert!(refused.retry_after.is_some(), "{refused:?}");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let request = Request::new(v1::GetSpaceRequest {});
    let answer = few.space_service().get_space(request).await.unwrap();
    let header = |name: &str| answer.metadata().get(name).unwrap().to_str().unwrap().to_owned();
    assert_eq!(header("x-ratelimit-limit"), "3");
    assert!(header("x-ratelimit-remaining").parse::<u32>().unwrap() <= 2);
    assert_eq!(header("x-request-id").len(), 32);

    let small = server.client(Some(&small)).await;
    assert_eq!(store(&small, "texts", &["one", "two"]).await, (2, Vec::new()));
    let (stored, reasons) = store(&small, "texts", &["one", "three", "two", "four"]).await;
    assert_eq!(stored, 0, "what is stored already takes no more room");
    assert_eq!(reasons, vec!["ITEM_QUOTA_EXCEEDED".to_owned(); 2]);

    let one = server.client(Some(&one)).await;
    let (open, messages) = tokio::sync::mpsc::channel::<v1::EmbedStreamRequest>(1);
    let stream = tokio_stream::wrappers::ReceiverStream::new(messages);
    let held = one.embedding_service().embed_stream(stream).await.unwrap();
    let error = embed(&one).await.unwrap_err();
    assert_eq!((error.reason.as_str(), error.field.as_str()), ("QUOTA_EXCEEDED", "quota.concurrency"));
    drop((open, held));
    until(async || embed(&one).await.is_ok()).await;
}

#[tokio::test]
async fn the_audit_log_tells_who_did_what_with_what_outcome() {
    let folder = folder();
    let writer = create_key(folder.path(), &["--name", "writer", "--scope", "read,write", "--tenant", "acme"]);
    let keys = key_file(folder.path()).display().to_string();
    let log = folder.path().join("audit.log").display().to_string();
    let server = Guarded::start(folder, &["--keys", &keys, "--audit", &log]).await;
    let client = server.client(Some(&writer)).await;
    create(&client, "photos").await.unwrap();
    assert_eq!(store(&client, "photos", &["a secret text"]).await.0, 1);
    create(&client, "no/name").await.unwrap_err();
    embed(&server.client(None).await).await.unwrap_err();
    let mut named = Request::new(v1::GetSpaceRequest {});
    named.metadata_mut().insert("x-request-id", "mine".parse().unwrap());
    let answer = client.space_service().get_space(named).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "mine");

    let lines = || -> Vec<Value> {
        let text = fs::read_to_string(&log).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    until(async || lines().len() >= 5).await;
    let lines = lines();
    let of = |method: &str, code: &str| {
        let found =
            lines.iter().find(|line| line["method"].as_str().unwrap().ends_with(method) && line["code"] == code);
        found.unwrap_or_else(|| panic!("{method} {code} is not in {lines:#?}"))
    };
    let created = of("CollectionService/CreateCollection", "OK");
    assert_eq!((created["name"].as_str(), created["tenant"].as_str()), (Some("writer"), Some("acme")));
    assert_eq!(created["collections"], serde_json::json!(["photos"]));
    let id = format!("key:{}", writer.split('_').nth(1).unwrap());
    assert_eq!(created["caller"].as_str(), Some(id.as_str()));
    assert!(created["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    let stored = of("CollectionService/Ingest", "OK");
    assert_eq!(stored["collections"], serde_json::json!(["photos"]));
    assert!(stored["bytes"].as_u64().unwrap() > 10, "{stored}");
    assert_eq!(stored["items"], serde_json::json!({"stored": 1}));
    assert_eq!(of("CollectionService/CreateCollection", "INVALID_ARGUMENT")["reason"], "FIELD_INVALID");
    let refused = of("EmbeddingService/Embed", "UNAUTHENTICATED");
    assert_eq!((refused["caller"].as_str(), refused["reason"].as_str()), (Some(""), Some("UNAUTHENTICATED")));
    assert_eq!(of("SpaceService/GetSpace", "OK")["request_id"], "mine");
    let text = fs::read_to_string(&log).unwrap();
    assert!(!text.contains("a secret text") && !text.contains(writer.rsplit('_').next().unwrap()));
}

#[tokio::test]
async fn pages_but_probes_ask_for_a_key() {
    let folder = folder();
    let key = create_key(folder.path(), &["--name", "scraper", "--scope", "metrics"]);
    let reader = create_key(folder.path(), &["--name", "reader"]);
    let keys = key_file(folder.path()).display().to_string();
    let server = Guarded::start(folder, &["--keys", &keys]).await;
    for (path, expected) in [("/healthz", 200), ("/readyz", 200), ("/metrics", 401), ("/v1/space", 401)] {
        assert_eq!(page(&server.http, path, None), expected, "{path}");
    }
    assert_eq!(page(&server.http, "/metrics", Some(&key)), 200);
    assert_eq!(page(&server.http, "/metrics", Some(&reader)), 403, "what is everybody's is not a reader's");
    assert_eq!(page(&server.http, "/v1/space", Some(&reader)), 200);
    let health = command().args(["health", "--endpoint", &format!("http://{}", server.grpc)]).status().unwrap();
    assert!(health.success(), "a probe shows no key");
}

/// The doors of others are calls like any other: who calls, what they may, how much of it, and what is written down.
#[tokio::test(flavor = "multi_thread")]
async fn calls_over_http_are_let_in_as_those_over_grpc_are() {
    let folder = folder();
    let log = folder.path().join("audit.jsonl");
    let reader = create_key(folder.path(), &["--name", "reader", "--quota", "requests=3"]);
    let writer = create_key(folder.path(), &["--name", "writer", "--scope", "read,write", "--collection", "photos"]);
    let keys = key_file(folder.path()).display().to_string();
    let server = Guarded::start(folder, &["--keys", &keys, "--audit", &log.display().to_string()]).await;
    let ask = |path: &str, key: &[(&str, &str)], body: &str| {
        let headers = [&[("content-type", "application/json")], key].concat();
        http::send(&server.http, "POST", path, &headers, body.as_bytes())
    };
    let (embed, bearer) = (r#"{"input":"a secret text"}"#, format!("Bearer {reader}"));
    assert_eq!(ask("/v1/embeddings", &[], embed).refusal().0, 401);
    let first = ask("/v1/embeddings", &[("authorization", &bearer)], embed);
    assert_eq!((first.status, first.header("x-ratelimit-limit-requests")), (200, Some("3")), "{}", first.text());
    assert_eq!(ask("/v1/embeddings", &[("x-api-key", &writer)], embed).status, 200);
    let refused = ask("/v1/collections", &[("authorization", &bearer)], r#"{"name":"photos"}"#).refusal();
    assert_eq!((refused.0, refused.1.as_str()), (403, "PERMISSION_DENIED"), "a reader makes nothing");
    assert_eq!(ask("/v1/collections", &[("x-api-key", &writer)], r#"{"name":"photos"}"#).status, 200);
    assert_eq!(ask("/v1/collections", &[("x-api-key", &writer)], r#"{"name":"others"}"#).refusal().0, 403);
    let answers: Vec<_> = (0..6).map(|_| ask("/v1/embeddings", &[("authorization", &bearer)], embed)).collect();
    let over = answers.iter().find(|answer| answer.status == 429).expect("three a second are what it may");
    assert_eq!((over.refusal().1.as_str(), over.header("retry-after")), ("QUOTA_EXCEEDED", Some("1")));
    let lines = || -> Vec<serde_json::Value> {
        let text = fs::read_to_string(&log).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let written = async {
        while !lines().iter().any(|line| line["code"] == "RESOURCE_EXHAUSTED") {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(onespace_tests::PATIENCE, written).await.expect("all calls are written down");
    let lines = lines();
    let of = |method: &str, code: &str| lines.iter().find(|line| line["method"] == method && line["code"] == code);
    let embedded = of("v1/embeddings", "OK").expect("an embedding is written down");
    assert!(embedded["name"] == "reader" && embedded["bytes"].as_u64() == Some(embed.len() as u64), "{embedded}");
    assert!(of("v1/embeddings", "UNAUTHENTICATED").is_some());
    assert_eq!(of("v1/collections", "OK").unwrap()["collections"], serde_json::json!(["photos"]));
    assert!(!fs::read_to_string(&log).unwrap().contains("a secret text"));
}

/// The status of a page.
fn page(http: &str, path: &str, key: Option<&str>) -> u16 {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(http).unwrap();
    let key = key.map_or_else(String::new, |key| format!("Authorization: Bearer {key}\r\n"));
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {http}\r\n{key}Connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn beyond_this_machine_it_takes_tls_and_keys_or_a_word_for_each() {
    let bundle = onespace_tests::bundle().display().to_string();
    let encoder = ["encoder", "--modality", "text", "--bundle", &bundle, "--listen"];
    let gateway = ["gateway", "--encoder", "text=http://127.0.0.1:1", "--http", "127.0.0.1:0", "--listen"];
    for arguments in [&encoder[..], &gateway[..]] {
        for (more, missing) in [(&[][..], "--tls-cert"), (&["--allow-plaintext"][..], "--allow-anonymous")] {
            let ended = command().args(arguments).arg("0.0.0.0:0").args(more).output().unwrap();
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(!ended.status.success() && said.contains(missing), "{arguments:?} {more:?}: {said}");
        }
    }
    let ended = command().arg("up").args(["--demo", "samples", "--keys", "keys.toml"]).output().unwrap();
    assert_eq!(ended.status.code(), Some(2), "the demonstration has no key");
}
