//! Shorter vectors: the leading values of whole ones, embedded, stored and asked with.

use futures::stream;
use onespace_proto::v1::{self, Modality, embed_file_response::Event, query_part::Part};
use onespace_tests::{
    Client, Embedded, Server, Topology,
    client::{embed_item, embed_start, file_messages, outcome, part, question, text, weighted, why},
    process::command,
    readable_bundle, samples,
    vectors::{assert_sound, cosine},
};
use tokio::sync::OnceCell;
use tonic::Code;

const LENGTHS: [usize; 2] = [128, 64];
const WHOLE: usize = 256;

struct Ground {
    server: Server,
    _folder: tempfile::TempDir,
}

async fn launch() -> Ground {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::launch(Topology::chosen(), &readable_bundle(folder.path(), &LENGTHS, &[])).await;
    server.ready().await;
    Ground { server, _folder: folder }
}

async fn ground() -> &'static Ground {
    static GROUND: OnceCell<Ground> = OnceCell::const_new();
    GROUND.get_or_init(launch).await
}

async fn client() -> Client {
    ground().await.server.client().await
}

/// The leading values, scaled to unit length.
fn cut(vector: &[f32], length: usize) -> Vec<f32> {
    let head = &vector[..length];
    let norm = cosine(head, head).sqrt();
    head.iter().map(|value| value / norm).collect()
}

async fn create(client: &Client, name: &str, dimension: u32, exist_ok: bool) -> Result<v1::Collection, tonic::Status> {
    let request = v1::CreateCollectionRequest { name: name.to_owned(), dimension, exist_ok, ..Default::default() };
    client.collections().create_collection(request).await.map(|answer| answer.into_inner().collection.unwrap())
}

/// Vectors of so many values.
fn long(dimension: u32) -> v1::EmbedOptions {
    v1::EmbedOptions { dimension, ..Default::default() }
}

async fn embed(client: &Client, media: v1::Media, dimension: usize) -> Embedded {
    let options = Some(long(u32::try_from(dimension).unwrap()));
    let request = v1::EmbedRequest { items: vec![media], options, ..Default::default() };
    outcome(client.embedding().embed(request).await.unwrap().into_inner().results.remove(0))
}

#[tokio::test]
async fn listed_lengths_are_embedded_and_no_others() {
    let client = client().await;
    let space = client.served_space().await;
    assert_eq!((space.dimension, space.dimensions), (256, vec![128, 64]));
    for (modality, name) in [
        (Modality::Text, "texts/red-mug-01.txt"),
        (Modality::Image, "images/yellow-teapot-01.jpg"),
        (Modality::Video, "videos/yellow-teapot-bouncing-01.mp4"),
    ] {
        let media = samples::named(name).media();
        let whole = client.vector(media.clone()).await;
        for length in LENGTHS.into_iter().chain([WHOLE]) {
            let embeddings = embed(&client, media.clone(), length).await.unwrap();
            embeddings.iter().for_each(|embedding| assert_sound(embedding, modality, &space.space_fingerprint, length));
            assert!(cosine(&embeddings[0].vector, &cut(&whole, length)) > 0.9999);
        }
    }
    for length in [1, 63, 100, 255, 257, u32::MAX] {
        let request =
            v1::EmbedRequest { items: vec![text("a mug")], options: Some(long(length)), ..Default::default() };
        let status = client.embedding().embed(request).await.unwrap_err();
        assert_eq!(why(&status), ("FIELD_INVALID".into(), "options.dimension".into(), Code::InvalidArgument));
        let said = status.message();
        assert!(said.contains(&length.to_string()) && said.contains("256, 128, 64"), "{said}");
    }
}

#[tokio::test]
async fn streams_and_files_are_cut_as_well() {
    let client = client().await;
    let ask = |dimension| {
        let requests = stream::iter([embed_start(Some(long(dimension))), embed_item("it", text("a red mug"))]);
        let client = client.clone();
        async move {
            let answer = client.embedding().embed_stream(requests).await?.into_inner().message().await?.unwrap();
            Ok::<_, tonic::Status>(outcome(answer.result.unwrap()).unwrap()[0].vector.len())
        }
    };
    assert_eq!((ask(64).await.unwrap(), ask(0).await.unwrap()), (64, WHOLE));
    let refused = why(&ask(65).await.unwrap_err());
    assert_eq!(refused, ("FIELD_INVALID".into(), "start.options.dimension".into(), Code::InvalidArgument));

    let send = |dimension| {
        let start = v1::FileStart { options: Some(long(dimension)), ..Default::default() };
        let messages = file_messages(start, &samples::with_extension("ply").bytes);
        let client = client.clone();
        async move {
            let mut events = client.embedding().embed_file(stream::iter(messages)).await?.into_inner();
            while let Some(event) = events.message().await? {
                if let Some(Event::Embedding(embedding)) = event.event {
                    return Ok(embedding.vector.len());
                }
            }
            panic!("no embedding came");
        }
    };
    assert_eq!(send(128).await.unwrap(), 128);
    let refused: Result<usize, tonic::Status> = send(127).await;
    let refused = why(&refused.unwrap_err());
    assert_eq!(refused, ("FIELD_INVALID".into(), "start.options.dimension".into(), Code::InvalidArgument));
}

#[tokio::test]
async fn a_collection_keeps_shorter_vectors_and_answers_right() {
    let Ground { mut server, _folder } = launch().await;
    let client = server.client().await;
    assert_eq!(create(&client, "short", 64, false).await.unwrap().dimension, 64);
    client.store("short", samples::all()).await;
    server.process_mut().kill();
    server.restart().await;
    let client = server.client().await;
    let listed =
        client.collections().list_collections(v1::ListCollectionsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.collections[0].dimension, 64, "it is remembered");

    // Every item where its cut vector says.
    let mut stored = Vec::new();
    for sample in samples::of(Modality::Image) {
        stored.push((sample.name.clone(), cut(&client.vector(sample.media()).await, 64)));
    }
    let images = |parts| v1::SearchRequest {
        modalities: vec![Modality::Image.into()],
        limit: 1000,
        calibrate: Some(false),
        ..question("short", parts)
    };
    let asked = cut(&client.vector(text("a red mug")).await, 64);
    let hits = client.search(images(vec![part(text("a red mug"))])).await;
    assert_eq!(hits.len(), stored.len());
    for hit in &hits {
        let (_, vector) = stored.iter().find(|(name, _)| *name == hit.item.as_ref().unwrap().item_id).unwrap();
        assert!((hit.score - cosine(&asked, vector)).abs() < 1e-3, "{hit:?}");
    }
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));

    // Stored items and media in one question, each as long as the others.
    let name = "images/purple-guitar-01.jpg";
    let item = v1::QueryPart { part: Some(Part::ItemId(name.to_owned())), ..Default::default() };
    let hits = client.search(images(vec![item, weighted(text("a guitar"), 0.5)])).await;
    assert_eq!(hits[0].item.as_ref().unwrap().item_id, name);
    let request = v1::GetItemRequest { collection: "short".to_owned(), item_id: name.to_owned(), view: None };
    let shown = client.collections().get_item(request).await.unwrap().into_inner().item.unwrap().embeddings.remove(0);
    assert_sound(&shown, Modality::Image, &client.fingerprint().await, 64);
    let again = client.ingest("short", vec![samples::named(name).item()]).await;
    assert_eq!(again[0].status(), v1::IngestStatus::Unchanged);
}

#[tokio::test]
async fn vectors_meet_vectors_of_their_length() {
    let client = client().await;
    let space = client.fingerprint().await;
    create(&client, "sixty-four", 64, false).await.unwrap();
    create(&client, "all", 0, false).await.unwrap();
    let sample = samples::named("images/yellow-teapot-01.jpg");
    client.store("sixty-four", [sample]).await;
    client.store("all", [sample]).await;
    let whole = client.vector(sample.media()).await;
    let ask = |collection: &str, values: Vec<f32>| {
        let vector = v1::RawVector { values, space_fingerprint: space.clone(), ..Default::default() };
        let part = v1::QueryPart { part: Some(Part::Vector(vector)), ..Default::default() };
        let (client, request) = (client.clone(), question(collection, vec![part]));
        async move { client.searching().search(request).await.map(|answer| answer.into_inner().hits) }
    };
    for (collection, length) in [("sixty-four", 64), ("sixty-four", WHOLE), ("all", WHOLE)] {
        let hits = ask(collection, cut(&whole, length)).await.unwrap();
        assert!(hits[0].score > 0.999, "{collection} {length}: {}", hits[0].score);
    }
    for (collection, length, named) in [("sixty-four", 128, "64"), ("sixty-four", 65, "64"), ("all", 64, "256")] {
        let status = ask(collection, cut(&whole, length)).await.unwrap_err();
        assert_eq!(why(&status), ("FIELD_INVALID".into(), "parts[0].vector.values".into(), Code::InvalidArgument));
        let said = status.message();
        assert!(said.contains(&length.to_string()) && said.contains(named), "{said}");
    }
    let mut nothing = vec![0.0; WHOLE];
    nothing[WHOLE - 1] = 1.0;
    let status = ask("sixty-four", nothing).await.unwrap_err();
    assert_eq!(why(&status).1, "parts[0].vector.values", "its leading values have no direction");
}

#[tokio::test]
async fn a_collection_has_one_length() {
    let client = client().await;
    create(&client, "fixed", 128, false).await.unwrap();
    for asked in [0, 128] {
        assert_eq!(create(&client, "fixed", asked, true).await.unwrap().dimension, 128, "{asked}: it stands");
    }
    let status = create(&client, "fixed", 64, true).await.unwrap_err();
    assert_eq!(why(&status), ("COLLECTION_EXISTS".into(), "collection".into(), Code::AlreadyExists));
    assert!(status.message().contains("128") && status.message().contains("not 64"), "{}", status.message());
    let status = create(&client, "odd", 65, false).await.unwrap_err();
    assert_eq!(why(&status), ("FIELD_INVALID".into(), "dimension".into(), Code::InvalidArgument));
    assert!(status.message().contains("256, 128, 64"), "{}", status.message());
}

#[tokio::test]
async fn the_command_line_cuts_too() {
    let endpoint = ground().await.server.endpoint();
    let run = |line: &[&str]| {
        let output = command().args(line).args(["--endpoint", &endpoint]).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code().unwrap(), said)
    };
    let (code, [out, _]) = run(&["embed", "--json", "--text", "a mug", "--dimension", "64"]);
    let line: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, line["vector"].as_array().unwrap().len()), (0, 64));
    let (code, [_, err]) = run(&["embed", "--text", "a mug", "--dimension", "65"]);
    assert!(code == 1 && err.contains("65") && err.contains("256, 128, 64"), "{err}");
    let (code, [out, _]) = run(&["collection", "create", "by-hand", "--dimension", "128", "--json"]);
    assert!(code == 0 && out.contains("\"dimension\":128"), "{out}");
    assert!(run(&["collection", "list"]).1[0].contains("128"));
    assert!(run(&["space"]).1[0].contains("256 (or 128, 64)"));
}
