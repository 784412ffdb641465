//! The command line: exit codes, JSON lines, tables, and errors that people can act on.

use std::{collections::BTreeSet, fs, path::Path, process::Stdio};

use onespace_tests::{
    Server, bundle, copied_bundle,
    process::{Process, command},
    root,
    said::Said,
    samples,
};
use serde_json::Value;
use tokio::sync::OnceCell;

async fn server() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(Server::start).await
}

/// Runs a client command against the shared server.
async fn run(arguments: &[&str]) -> Said {
    Said::by(command().args(arguments).args(["--endpoint", &server().await.endpoint()]))
}

fn keys(line: &Value) -> BTreeSet<&str> {
    line.as_object().unwrap().keys().map(String::as_str).collect()
}

fn path(name: &str) -> String {
    samples::named(name).path().display().to_string()
}

#[tokio::test]
async fn embed_prints_vectors_and_names_what_failed() {
    let (picture, film) = (path("images/yellow-teapot-01.jpg"), path("videos/yellow-teapot-bouncing-01.mp4"));
    let said = run(&["embed", "--json", "--text", "a yellow teapot", &picture, &film]).await.expect(0);
    let lines = said.lines();
    for line in &lines {
        let all = BTreeSet::from([
            "source",
            "modality",
            "space_fingerprint",
            "span",
            "track",
            "segment",
            "transcript",
            "vector",
        ]);
        assert_eq!(keys(line), all);
        assert_eq!(line["vector"].as_array().unwrap().len(), 256);
        assert_eq!(line["space_fingerprint"].as_str().unwrap().len(), 64);
    }
    let sources: Vec<_> = lines.iter().map(|line| line["source"].as_str().unwrap()).collect();
    assert_eq!(
        sources[..3],
        ["a yellow teapot", picture.as_str(), film.as_str()],
        "in the order in which they were named"
    );
    assert_eq!((lines[1]["modality"].as_str(), lines[2]["track"].as_str()), (Some("image"), Some("visual")));
    let table = run(&["embed", "--text", "a yellow teapot"]).await.expect(0);
    assert!(table.out.contains("modality") && table.out.contains("(256)"), "{}", table.out);

    let folder = tempfile::tempdir().unwrap();
    let (broken, empty) = (folder.path().join("broken.jpg"), folder.path().join("empty.wav"));
    fs::write(&broken, &samples::named("images/yellow-teapot-01.jpg").bytes[..300]).unwrap();
    fs::write(&empty, b"").unwrap();
    let (broken, empty, absent) = (
        broken.display().to_string(),
        empty.display().to_string(),
        folder.path().join("absent.ply").display().to_string(),
    );
    let said = run(&["embed", "--json", &broken, &picture, &empty, &absent]).await.expect(1);
    assert_eq!(said.lines().len(), 1, "what is well is printed all the same");
    for (file, why) in [(broken, "MEDIA_MALFORMED"), (empty, "MEDIA_EMPTY"), (absent, "No such file")] {
        let line = said
            .err
            .lines()
            .find(|line| line.contains(&file))
            .unwrap_or_else(|| panic!("{file} is not named: {}", said.err));
        assert!(line.contains(why), "{line}");
    }
}

#[tokio::test]
async fn ingest_then_search_rank_and_classify() {
    let folder = tempfile::tempdir().unwrap();
    for (index, name) in [
        "images/red-mug-01.jpg",
        "images/orange-piano-01.jpg",
        "points/red-mug-01.ply",
        "sounds/piano-01.flac",
        "texts/red-mug-01.txt",
    ]
    .iter()
    .enumerate()
    {
        let inner = folder.path().join(index.to_string());
        fs::create_dir(&inner).unwrap();
        fs::copy(samples::named(name).path(), inner.join(name.split('/').next_back().unwrap())).unwrap();
    }
    let there = folder.path().display().to_string();
    let said = run(&["ingest", "--json", &there, "-c", "cli", "--metadata", "shop=diorama", "--metadata", "shelf=7"])
        .await
        .expect(0);
    let lines = said.lines();
    assert_eq!(lines.len(), 5);
    for line in &lines {
        assert_eq!(keys(line), BTreeSet::from(["source", "item_id", "status", "reason"]));
        assert_eq!((line["status"].as_str(), &line["reason"]), (Some("stored"), &Value::Null));
    }
    let broken = folder.path().join("broken.png");
    fs::write(&broken, b"\x89PNG\r\n\x1a\n and no more").unwrap();
    let said = run(&["ingest", &there, "-c", "cli"]).await.expect(1);
    assert!(said.out.contains("unchanged: 5") && said.out.contains("failed: 1"), "{}", said.out);
    assert!(said.err.contains("broken.png") && said.err.contains("MEDIA_MALFORMED"), "{}", said.err);

    let said = run(&["search", "--json", "-c", "cli", "--text", "a red mug", "--limit", "3"]).await.expect(0);
    let lines = said.lines();
    assert_eq!(lines.len(), 3);
    for (rank, line) in (1..).zip(&lines) {
        let all =
            ["rank", "item_id", "source", "modality", "score", "calibrated_score", "span", "transcript", "metadata"];
        assert_eq!(keys(line), BTreeSet::from(all));
        assert_eq!(line["rank"].as_u64(), Some(rank));
        assert!(line["source"].as_str().unwrap().contains("red-mug"), "{line}");
    }
    let sound = path("sounds/piano-01.flac");
    let filter = "shop = diorama and shelf >= 7";
    let said = run(&[
        "search", "--json", "-c", "cli", "--file", &sound, "--weight", "2", "--text", "pink", "--weight", "-0.5",
        "--to", "image", "--filter", filter,
    ])
    .await
    .expect(0);
    assert!(said.lines()[0]["source"].as_str().unwrap().contains("orange-piano"), "{}", said.out);
    let none =
        run(&["search", "--json", "-c", "cli", "--text", "a mug", "--filter", "shop != diorama"]).await.expect(0);
    assert!(none.out.is_empty());
    let table = run(&["search", "-c", "cli", "--text", "a red mug", "--each", "1"]).await.expect(0);
    assert!(
        ["rank", "score", "image", "point_cloud", "audio", "text"].iter().all(|word| table.out.contains(word)),
        "{}",
        table.out
    );

    rank_and_classify(&broken.display().to_string()).await;
}

/// What stores nothing.
async fn rank_and_classify(broken: &str) {
    let (mug, piano) = (path("images/red-mug-02.jpg"), path("images/orange-piano-02.jpg"));
    let said = run(&["rank", "--json", "--text", "a red mug", &piano, &mug]).await.expect(0);
    assert!(said.lines()[0]["source"].as_str().unwrap().contains("red-mug"));
    assert_eq!(keys(&said.lines()[0]), BTreeSet::from(["rank", "source", "score", "calibrated_score"]));
    let said = run(&["rank", "--text", "a red mug", &piano, broken]).await.expect(1);
    assert!(said.err.contains("broken.png"), "{}", said.err);

    let shown = format!("@{}", path("points/red-mug-01.ply"));
    let said = run(&["classify", "--json", &mug, "--label", &shown, "--label", "a piano", "--label", "a tree"])
        .await
        .expect(0);
    let lines = said.lines();
    assert_eq!(lines[0]["label"].as_str(), Some(&shown[1..]));
    let sum: f64 = lines.iter().map(|line| line["probability"].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-3 && lines.len() == 3);
    run(&["classify", "--text", "a mug", "--label", "mug", "--label", "tree", "--template", "a picture of a {}"])
        .await
        .expect(0);
}

#[tokio::test]
async fn collections_and_items_are_managed() {
    let said = run(&["collection", "create", "shelf", "--index", "year=integer", "--json"]).await.expect(0);
    let all = BTreeSet::from(["collection", "space_fingerprint", "dimension", "points", "indexed", "aliases"]);
    assert_eq!(keys(&said.lines()[0]), all);
    assert!(run(&["collection", "create", "shelf"]).await.expect(1).err.contains("shelf"));
    assert!(run(&["collection", "list"]).await.expect(0).out.contains("shelf"));
    run(&["ingest", &path("texts/red-mug-01.txt"), "-c", "shelf"]).await.expect(0);
    let said = run(&["item", "list", "-c", "shelf", "--json"]).await.expect(0);
    let item = said.lines()[0]["item_id"].as_str().unwrap().to_owned();
    let (title, shop) = (["--title", "a red cup"], ["--metadata", "shop=salt and pepper"]);
    run(&[&["item", "update", "-c", "shelf", &item][..], &title, &shop].concat()).await.expect(0);
    let filter = ["--filter", ".title = \"a red cup\" and (shop = \"salt and pepper\" or year > 1999)"];
    let count = async |filter: &[&str]| {
        let said = run(&[&["item", "count", "-c", "shelf"][..], filter].concat()).await.expect(0);
        said.out.trim().to_owned()
    };
    assert_eq!((count(&filter).await.as_str(), count(&[]).await.as_str()), ("1", "1"));
    run(&["item", "update", "-c", "shelf", &item, "--remove", "shop"]).await.expect(0);
    assert_eq!(count(&["--filter", "shop exists"]).await, "0");
    assert!(run(&["collection", "index", "shelf", "shop=keyword"]).await.expect(0).out.contains("shop=keyword"));
    let other = run(&["collection", "list", "--tenant", "somebody-else"]).await.expect(0);
    assert!(!other.out.contains("shelf"), "{}", other.out);
    let none = run(&["item", "delete", "-c", "shelf", "--filter", "shop exists"]).await.expect(0);
    assert!(none.out.contains("deleted 0"), "{}", none.out);
    assert!(run(&["item", "delete", "-c", "shelf", &item]).await.expect(0).out.contains("deleted 1"));
    assert!(run(&["item", "list", "-c", "shelf", "--json"]).await.expect(0).out.is_empty());
    run(&["collection", "delete", "shelf"]).await.expect(0);
    assert!(run(&["search", "-c", "shelf", "--text", "a mug"]).await.expect(1).err.contains("shelf"));
}

#[tokio::test]
async fn wrong_usage_ends_with_2_and_says_what_is_right() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["fly"], "fly"),
        (&["embed"], "FILE"),
        (&["embed", "--txt", "a mug"], "--text"),
        (&["search", "--text", "a mug"], "--collection"),
        (&["search", "-c", "x", "--text", "a mug", "--limit", "99999999999999999999"], "--limit"),
        (&["search", "-c", "x", "--text", "a mug", "--limit", "many"], "--limit"),
        (&["search", "-c", "x", "--text", "a mug", "--to", "smell"], "smell"),
        (&["search", "-c", "x", "--text", "a mug", "--weight", "heavy"], "--weight"),
        (&["search", "-c", "x", "--text", "a mug", "--filter", "colour ~ red"], "colour ~ red"),
        (&["search", "-c", "x"], "--text"),
        (&["search", "-c", "x", "--weight", "2", "--text", "a mug"], "--weight"),
        (&["classify", "--text", "a mug"], "--label"),
        (&["ingest", "samples", "-c", "x", "--metadata", "colour"], "NAME=VALUE"),
        (&["gateway"], "--encoder"),
        (&["gateway", "--encoder", "image"], "MODALITY=URL"),
        (&["up", "--listen", "nowhere"], "--listen"),
    ];
    for (arguments, named) in cases {
        let said = run(arguments).await;
        assert_eq!(said.code, 2, "{arguments:?}: {}{}", said.out, said.err);
        assert!(said.err.contains(named) && said.out.is_empty(), "{arguments:?}: {}", said.err);
    }
    let help = Said::by(command().arg("--help")).expect(0);
    assert!(
        ["up", "embed", "ingest", "search", "classify", "bundle", "--json", "--endpoint"]
            .iter()
            .all(|word| help.out.contains(word))
    );
    Said::by(command().arg("--version")).expect(0);
}

#[tokio::test]
async fn what_goes_wrong_elsewhere_ends_with_1() {
    let nowhere =
        Said::by(command().args(["search", "-c", "x", "--text", "a mug", "--endpoint", "http://127.0.0.1:1"]))
            .expect(1);
    assert!(nowhere.err.contains("http://127.0.0.1:1") && nowhere.err.contains("onespace up"), "{}", nowhere.err);
    assert!(run(&["search", "-c", "nowhere", "--text", "a mug"]).await.expect(1).err.contains("nowhere"));
    assert!(
        run(&["search", "-c", "x", "--text", "a mug", "--limit", "5000"]).await.expect(1).err.contains("1000"),
        "the limit is named"
    );
    assert!(run(&["classify", "--text", "a mug", "--label", "one"]).await.expect(1).err.contains("label"));
    assert!(run(&["ingest", "/nowhere/at/all", "-c", "x"]).await.expect(1).err.contains("/nowhere/at/all"));
    assert_eq!(run(&["health"]).await.expect(0).out.trim(), "SERVING");
    run(&["health", "--service", "nobody"]).await.expect(1);
    let taken = server().await.endpoint().replace("http://", "");
    let folder = tempfile::tempdir().unwrap();
    let said =
        Said::by(command().args(["up", "--listen", &taken, "--http", "127.0.0.1:0", "--data"]).arg(folder.path()))
            .expect(1);
    assert!(said.err.contains(&taken), "{}", said.err);
}

#[tokio::test]
async fn space_and_bundles_are_shown() {
    let said = run(&["space", "--json"]).await.expect(0);
    let space = said.lines().remove(0);
    assert_eq!((space["dimension"].as_u64(), space["towers"].as_array().unwrap().len()), (Some(256), 5));
    assert!(run(&["space"]).await.expect(0).out.contains("IMAGE_PIXELS"));

    let shipped = bundle().display().to_string();
    let inspected = Said::by(command().args(["bundle", "inspect", "--json", &shipped])).expect(0);
    assert_eq!(inspected.lines()[0]["space_fingerprint"], space["space_fingerprint"], "the server serves this bundle");
    assert!(
        Said::by(command().args(["bundle", "inspect"])).expect(0).out.contains("diorama"),
        "the shipped one where none is named"
    );
    let verified = Said::by(command().args(["bundle", "verify", "--json", "--bundle", &shipped])).expect(0);
    let towers = verified.lines();
    assert_eq!(towers.len(), 5);
    assert!(towers.iter().all(|tower| tower["golden_cosine"].as_f64().unwrap() >= 0.999), "{}", verified.out);

    // Nobody reads the log any more: the answer is given all the same.
    let mut unheard = command();
    unheard.args(["bundle", "verify", "--json", "--bundle", &shipped]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut unheard = unheard.spawn().unwrap();
    drop(unheard.stderr.take());
    let output = unheard.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), verified.out);

    let folder = tempfile::tempdir().unwrap();
    let copy = copied_bundle(folder.path());
    fs::write(copy.join("tokenizer.json"), b"{}").unwrap();
    let copy = copy.display().to_string();
    for arguments in [&["bundle", "inspect", &copy][..], &["bundle", "verify", "--bundle", &copy]] {
        let said = Said::by(command().args(arguments)).expect(1);
        // What is wrong is the answer of the one, and what kept the other from answering.
        let told = if arguments[1] == "verify" { &said.out } else { &said.err };
        assert!(told.contains("tokenizer.json: ") && told.trim().lines().count() == 1, "{told}");
    }
    let absent = Said::by(command().args(["bundle", "inspect"]).arg(Path::new("/nowhere"))).expect(1);
    assert!(absent.err.contains("/nowhere"), "{}", absent.err);
}

#[tokio::test]
async fn the_first_minute_asks_a_question_of_each_modality() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let samples = root().join("samples").display().to_string();
    let line = ["up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", &data, "--demo", &samples];
    let mut up = Process::spawn(&line.map(ToOwned::to_owned), folder.path());
    for modality in ["text", "image", "audio", "video", "point_cloud"] {
        up.line(&format!("{modality} asks: ")).await;
    }
    up.line("Serving on until Ctrl-C").await;
    up.terminate();
    assert!(up.exit().await.success(), "{}", up.log());
}
