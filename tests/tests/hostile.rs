//! Whatever is sent, the server answers, stays the same process and stays within its memory.

use std::net::TcpListener;

use bytes::Bytes;
use futures::{StreamExt, stream};
use onespace_core::limits::{MEDIA_IN_FLIGHT_BYTES, MESSAGE_BYTES};
use onespace_proto::v1::{self, Modality, ingest_request};
use onespace_tests::{
    Client, PATIENCE, Server,
    bombs::{self, Bomb},
    client::{data, embed_item, embed_start, file_messages, nested, outcome, part, question, text, why},
    descriptor::{Contract, Twist},
    raw, samples,
};
use tokio::{sync::OnceCell, time::timeout};
use tonic::{Code, codec::CompressionEncoding};

/// What a process may hold at its worst: the bound on media in flight, and as much again for models, decoders and the
/// allocator. All of this file takes a third of it.
const MEMORY: u64 = 2 * MEDIA_IN_FLIGHT_BYTES as u64;

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(Server::start).await
}

/// The server is what it was: every process of it runs, none has panicked, none has grown beyond its bounds, and
/// every modality is served.
async fn assert_unharmed(server: &Server) {
    let client = server.client().await;
    let media: Vec<_> =
        ["txt", "jpg", "wav", "mp4", "ply"].iter().map(|kind| samples::with_extension(kind).media()).collect();
    for (index, embedded) in client.embed(media).await.into_iter().enumerate() {
        assert!(embedded.as_ref().is_ok_and(|all| !all.is_empty()), "{index}: {embedded:?}");
    }
    for process in server.processes() {
        assert!(process.alive(), "process {} is gone; its log:\n{}", process.pid(), process.log());
        let peak = process.peak_memory();
        println!("process {} held {} MiB at most", process.pid(), peak >> 20);
        assert!(peak < MEMORY, "process {} held {} MiB", process.pid(), peak >> 20);
        let log = process.log();
        let panic = log.lines().find(|line| line.contains("panicked"));
        assert!(panic.is_none(), "{panic:?}");
    }
}

/// What is wrong with the answers to hostile files: only refusals of the media, and sound vectors, are right.
async fn misjudged(client: &Client, files: &[Bomb], may_succeed: bool) -> Vec<String> {
    let client = &client;
    let answers = stream::iter(files).map(|bomb| async move {
        let embedded = timeout(PATIENCE, client.embed(vec![bomb.media()])).await;
        let wrong = match embedded.map(|mut all| all.remove(0)) {
            Err(_) => "no answer".to_owned(),
            Ok(Ok(found)) if may_succeed => {
                let norms = found.iter().map(|one| one.vector.iter().map(|value| value * value).sum::<f32>());
                return norms
                    .into_iter()
                    .any(|norm| (norm - 1.0).abs() > 1e-3)
                    .then(|| format!("{}: no unit vector", bomb.name));
            }
            Ok(Ok(_)) => "was embedded".to_owned(),
            Ok(Err(error))
                if error.code == Code::InvalidArgument as i32
                    && !error.message.is_empty()
                    && error.field.starts_with("items[0]") =>
            {
                return None;
            }
            Ok(Err(error)) => format!("{error:?}"),
        };
        Some(format!("{}: {wrong}", bomb.name))
    });
    answers.buffer_unordered(4).filter_map(|wrong| async { wrong }).collect().await
}

#[tokio::test]
async fn bombs_are_refused_by_name() {
    let server = server().await;
    let client = server.client().await;
    let wrong = misjudged(&client, &bombs::all(), false).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_unharmed(server).await;
}

#[tokio::test]
async fn broken_files_of_every_format_fail_alone() {
    let server = server().await;
    let client = server.client().await;
    let wrong = misjudged(&client, &bombs::broken_samples(), true).await;
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_unharmed(server).await;
}

#[tokio::test]
async fn nothing_is_what_it_is_not_claimed_to_be() {
    let server = server().await;
    let client = server.client().await;
    let modalities = [Modality::Text, Modality::Image, Modality::Audio, Modality::Video, Modality::PointCloud];
    let mut media = Vec::new();
    let mut expected = Vec::new();
    for extension in ["txt", "jpg", "wav", "mp4", "ply"] {
        let sample = samples::with_extension(extension);
        for claimed in modalities.into_iter().filter(|claimed| *claimed != sample.modality) {
            // A film's sound is a recording.
            if (sample.modality, claimed) != (Modality::Video, Modality::Audio) {
                media.push(v1::Media {
                    modality: claimed.into(),
                    media_type: "image/png".to_owned(),
                    ..sample.media()
                });
                expected.push(format!("{} as {claimed:?}", sample.name));
            }
        }
    }
    for (outcome, name) in client.embed(media).await.into_iter().zip(expected) {
        let error = outcome.expect_err(&name);
        assert_eq!(error.reason, "MODALITY_MISMATCH", "{name}: {error:?}");
    }
    assert_unharmed(server).await;
}

#[tokio::test]
async fn no_playlist_opens_a_connection() {
    let server = server().await;
    let client = server.client().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/a.ts", listener.local_addr().unwrap());
    let playlists = [
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\u{1}\n{url}\n#EXT-X-ENDLIST\n"),
        format!("ffconcat version 1.0\n# \u{1}\nfile {url}\n"),
        format!(
            "<?xml version=\"1.0\"?><MPD \u{1} xmlns=\"urn:mpeg:dash:schema:mpd:2011\" \
                 type=\"static\"><Period><BaseURL>{url}</BaseURL></Period></MPD>"
        ),
        format!("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=\u{1}\r\nu={url}\r\nm=video 1234 RTP/AVP 96\r\n"),
    ];
    let claims = [Modality::Video, Modality::Audio];
    let media = playlists.iter().flat_map(|playlist| {
        claims.map(|claimed| v1::Media {
            modality: claimed.into(),
            media_type: "video/mp4".to_owned(),
            ..data(playlist.clone())
        })
    });
    for outcome in client.embed(media.collect()).await {
        let error = outcome.expect_err("a playlist is no film");
        assert!(["MEDIA_UNSUPPORTED", "MEDIA_MALFORMED"].contains(&error.reason.as_str()), "{error:?}");
        assert!(!error.message.contains("/etc/passwd"));
    }
    let called = listener.accept().map(|(_, from)| from);
    assert_eq!(called.unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "somebody fetched what the playlist names");
    assert_unharmed(server).await;
}

#[tokio::test]
async fn every_method_answers_whatever_comes() {
    let server = server().await;
    let client = server.client().await;
    let contract = Contract::read();
    let methods = contract.methods();
    assert!(methods.len() >= 15, "{methods:?}");
    for method in methods {
        let garbage = [
            bombs::noise(1, 300).into(),
            Bytes::from_static(&[0xff; 64]),
            Bytes::from_static(b"\x0a\xff\xff\xff\xff\x0f"),
        ];
        let mut trials: Vec<(String, Vec<Bytes>, bool)> =
            vec![("nothing".into(), vec![], false), ("emptiness".into(), vec![Bytes::new(); 3], false)];
        trials.extend(garbage.map(|bytes| ("garbage".to_owned(), vec![bytes], true)));
        for twist in [Twist::UnknownEnums, Twist::Extremes] {
            for choice in 0..5 {
                let message = contract.twisted(&method.input, twist, choice);
                trials.push((format!("{twist:?} {choice}"), vec![message.clone()], false));
                trials.push((format!("{twist:?} {choice}, thrice"), vec![message; 3], false));
            }
        }
        for (name, messages, undecodable) in trials {
            let answered = timeout(PATIENCE, raw::call(client.channel(), &method.path, messages)).await;
            let (status, _) = answered.unwrap_or_else(|_| panic!("{}: no answer to {name}", method.path));
            // What is no protobuf at all, or no message where one is due, gRPC itself answers so.
            let by_grpc = (undecodable || name == "nothing" || name.ends_with("thrice") || name == "emptiness")
                && status.code() == Code::Internal;
            let defect = matches!(status.code(), Code::Internal | Code::Unknown | Code::DataLoss | Code::Unavailable);
            assert!(!defect || by_grpc, "{}: {name}: {status:?}", method.path);
        }
    }
    assert_unharmed(server).await;
}

#[tokio::test]
async fn unknown_modalities_are_named_wherever_they_stand() {
    let client = server().await.client().await;
    let odd = || v1::Media { modality: 4711, ..text("a mug") };
    let field = |status: tonic::Status| {
        assert_eq!(status.code(), Code::InvalidArgument);
        why(&status)
    };
    client.create("any").await;
    let mut found = Vec::new();
    let mut searching = client.searching();
    found.push(field(searching.search(question("any", vec![part(odd())])).await.unwrap_err()));
    found.push(field(
        searching
            .search(v1::SearchRequest { modalities: vec![-5], ..question("any", vec![part(text("a"))]) })
            .await
            .unwrap_err(),
    ));
    found.push(field(
        searching
            .rank(v1::RankRequest {
                parts: vec![part(odd())],
                candidates: vec![text("a")],
                calibrate: None,
                ..Default::default()
            })
            .await
            .unwrap_err(),
    ));
    let labels =
        vec![v1::Label { name: "a".into(), examples: vec![odd()] }, v1::Label { name: "b".into(), examples: vec![] }];
    found.push(field(
        searching
            .classify(v1::ClassifyRequest { media: Some(text("a")), labels, ..Default::default() })
            .await
            .unwrap_err(),
    ));
    let indexed = [("colour".to_owned(), 4711)].into();
    let create = v1::CreateCollectionRequest { name: "odd".into(), indexed, ..Default::default() };
    found.push(field(client.collections().create_collection(create).await.unwrap_err()));
    let start = v1::FileStart { modality: 4711, ..Default::default() };
    let request = stream::iter(file_messages(start, &bytes::Bytes::new()));
    let mut events = client.embedding().embed_file(request).await.unwrap().into_inner();
    found.push(field(events.message().await.unwrap_err()));
    let fields: Vec<_> = found.iter().map(|(reason, field, _)| (reason.as_str(), field.as_str())).collect();
    assert_eq!(
        fields,
        [
            ("FIELD_INVALID", "parts[0].media.modality"),
            ("FIELD_INVALID", "modalities[0].modality"),
            ("FIELD_INVALID", "parts[0].media.modality"),
            ("FIELD_INVALID", "labels[0].examples[0].modality"),
            ("FIELD_INVALID", "indexed[\"colour\"]"),
            ("FIELD_INVALID", "start.modality"),
        ][..]
    );

    let request = stream::iter([embed_start(None), embed_item("x", odd())]);
    let answer = client.embedding().embed_stream(request).await.unwrap().into_inner().message().await.unwrap().unwrap();
    assert_eq!(outcome(answer.result.unwrap()).unwrap_err().field, "item.media.modality");
    let item = v1::IngestItem { request_id: "x".into(), media: Some(odd()), ..Default::default() };
    let event = client.ingest("odd-items", vec![item]).await.remove(0);
    assert_eq!(event.error.unwrap().reason, "FIELD_INVALID");
}

#[tokio::test]
async fn messages_over_the_limit_are_refused_and_compressed_ones_not_inflated() {
    let server = server().await;
    let client = server.client().await;
    // The largest picture still fits.
    let large = vec![0; 20 << 20];
    let claimed = v1::Media { modality: Modality::Image.into(), ..data(large) };
    assert_eq!(client.embed(vec![claimed]).await.remove(0).unwrap_err().code, Code::InvalidArgument as i32);
    let over = v1::EmbedRequest { items: vec![data(vec![0; MESSAGE_BYTES + 1])], ..Default::default() };
    let status = client.embedding().embed(over).await.unwrap_err();
    assert!(matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted), "{status:?}");

    // A thousand to one: 200 MB of zeros.
    let before = server.process().peak_memory();
    let bomb = v1::EmbedRequest { items: vec![data(vec![0; 200 << 20])], ..Default::default() };
    let status = client.embedding().send_compressed(CompressionEncoding::Gzip).embed(bomb).await.unwrap_err();
    assert!(matches!(status.code(), Code::Unimplemented | Code::OutOfRange | Code::ResourceExhausted), "{status:?}");
    let grown = server.process().peak_memory().saturating_sub(before);
    // Other tests run beside this one; inflating the bomb would show by its whole size and more.
    assert!(grown < 150 << 20, "grew by {} MiB", grown >> 20);
    assert_unharmed(server).await;
}

#[tokio::test]
async fn names_tokens_and_nesting_are_checked() {
    let server = server().await;
    let client = server.client().await;
    let long = "x".repeat(129);
    for name in ["../../etc", "a/b", "a\0b", "ü", " ", long.as_str()] {
        let request = v1::CreateCollectionRequest { name: name.to_owned(), ..Default::default() };
        assert_eq!(
            why(&client.collections().create_collection(request).await.unwrap_err()).0,
            "FIELD_INVALID",
            "{name}"
        );
        let request = v1::DeleteCollectionRequest { name: name.to_owned() };
        assert_eq!(
            why(&client.collections().delete_collection(request).await.unwrap_err()).0,
            "FIELD_INVALID",
            "{name}"
        );
    }
    client.create("checked").await;
    let deep =
        (0..20).fold(v1::Filter::default(), |inner, _| v1::Filter { must: vec![nested(inner)], ..Default::default() });
    let wide = v1::Filter { should: vec![onespace_tests::client::equals("a", "b"); 65], ..Default::default() };
    for (filter, reason) in [(deep, "FIELD_INVALID"), (wide, "TOO_MANY")] {
        let request = v1::SearchRequest { filter: Some(filter.clone()), ..question("checked", vec![part(text("a"))]) };
        assert_eq!(why(&client.searching().search(request).await.unwrap_err()).0, reason);
        let request = v1::ListItemsRequest { collection: "checked".into(), filter: Some(filter), ..Default::default() };
        assert_eq!(why(&client.collections().list_items(request).await.unwrap_err()).0, reason);
    }
    for token in ["garbage", "\u{7}", "00000000-0000-0000-0000-00000000000g", long.as_str()] {
        let request =
            v1::ListItemsRequest { collection: "checked".into(), page_token: token.to_owned(), ..Default::default() };
        let status = client.collections().list_items(request).await.unwrap_err();
        assert_eq!(why(&status).0, "FIELD_INVALID", "{token}");
    }
    let many = v1::DeleteItemsRequest { collection: "checked".into(), item_ids: vec!["x".into(); 65], filter: None };
    assert_eq!(why(&client.collections().delete_items(many).await.unwrap_err()).0, "TOO_MANY");

    let deep = (0..20).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
    let fields: serde_json::Map<_, _> = (0..65).map(|index| (index.to_string(), serde_json::json!(1))).collect();
    let heavy = serde_json::json!({"text": "x".repeat(17_000)});
    let item = |metadata: serde_json::Value| {
        ingest_request::Message::Item(v1::IngestItem {
            request_id: "x".into(),
            media: Some(text("a mug")),
            metadata: onespace_tests::client::metadata(metadata),
            ..Default::default()
        })
    };
    let parts = vec![item(serde_json::json!({"deep": deep})), item(fields.into()), item(heavy)];
    let events = client.ingest_parts("checked", parts).await.unwrap();
    let mut reasons: Vec<_> = events.into_iter().map(|event| event.error.unwrap().reason).collect();
    reasons.sort();
    assert_eq!(reasons, ["FIELD_INVALID", "TOO_MANY", "TOO_MANY"]);
    assert_unharmed(server).await;
}
