//! Separate spaces brought into one: `bundle fit`, `bundle compose`, and an index that outlives both.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use onespace_core::vector::dot;
use onespace_proto::v1::{self, Modality};
use onespace_tests::{
    Client, Server, Topology, apart,
    apart::{direction, npy},
    bundle,
    client::{part, question, text, why},
    copied_bundle,
    process::command,
    root, samples,
};
use serde_json::Value;
use tempfile::TempDir;
use tonic::Code;

const COLOURS: [&str; 8] = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "black"];

/// A base that cannot hear, a space elsewhere that can, and texts that both know.
struct Ground {
    folder: TempDir,
    base: PathBuf,
    other: PathBuf,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (base, other) = (apart::silent(folder.path()), apart::elsewhere(folder.path()));
        // Kinds lie at right angles to one another: what is not among the pairs is not mapped.
        let kinds: BTreeSet<_> = samples::all().iter().map(|sample| &sample.kind).collect();
        let texts: Vec<_> =
            COLOURS.iter().flat_map(|colour| kinds.iter().map(move |kind| format!("a {colour} {kind}"))).collect();
        let lines = |line: &dyn Fn(&String) -> String| texts.iter().map(line).collect::<String>();
        fs::write(folder.path().join("texts.txt"), lines(&|text| format!("{text}\n"))).unwrap();
        fs::write(folder.path().join("texts.tsv"), lines(&|text| format!("{text}\t{text}\n"))).unwrap();
        Self { folder, base, other }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Fits from the space elsewhere into the base.
    fn fit(&self, out: &str, more: &[&str]) -> Said {
        let spaces = [("--source", &self.other), ("--target", &self.base), ("--out", &self.at(out))];
        let mut line = vec!["bundle".to_owned(), "fit".to_owned(), "--json".to_owned()];
        line.extend(spaces.into_iter().flat_map(|(flag, path)| [flag.to_owned(), path.display().to_string()]));
        line.extend(more.iter().map(ToString::to_string));
        said(&line)
    }

    /// Composes a base with the audio tower from elsewhere.
    fn compose(&self, base: &Path, add: &str, alignment: &str, out: &str) -> Said {
        let paths = [("--base", base.to_owned()), ("--alignment", self.at(alignment)), ("--out", self.at(out))];
        let mut line = ["bundle", "compose", "--json", "--add", add].map(ToOwned::to_owned).to_vec();
        line.extend(paths.into_iter().flat_map(|(flag, path)| [flag.to_owned(), path.display().to_string()]));
        said(&line)
    }

    fn audio(&self) -> String {
        format!("audio={}", self.other.display())
    }
}

/// What a command said, and how it ended.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn well(self) -> Value {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.out, self.err);
        serde_json::from_str(self.out.lines().next().unwrap()).unwrap()
    }

    /// It failed, said why, and that in words.
    fn failed(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        assert!(words.iter().all(|word| self.err.contains(word)), "{words:?} are not all in: {}", self.err);
    }
}

fn said(line: &[impl AsRef<std::ffi::OsStr>]) -> Said {
    let output = command().args(line).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn inspected(bundle: &Path) -> Value {
    said(&["bundle".as_ref(), "inspect".as_ref(), "--json".as_ref(), bundle.as_os_str()]).well()
}

/// Where a number of a report is.
fn found(report: &Value, what: &str, way: &str) -> f64 {
    report[what][way]["r1"].as_f64().unwrap()
}

/// The audio vector of a server, and the fingerprint that it carries.
async fn heard(client: &Client, sound: &samples::Sample) -> (Vec<f32>, String) {
    let embedding = client.embed(vec![sound.media()]).await.remove(0).unwrap().remove(0);
    (embedding.vector, embedding.space_fingerprint)
}

async fn answers(client: &Client, request: v1::SearchRequest) -> BTreeSet<String> {
    client.search(request).await.into_iter().map(|hit| hit.item.unwrap().item_id).collect()
}

#[tokio::test]
async fn a_map_is_fitted_and_one_that_is_worth_nothing_is_not_written() {
    let ground = Ground::new();
    let pairs = ground.at("texts.tsv").display().to_string();
    let report = ground.fit("direct.safetensors", &["--method", "procrustes", "--pairs", &pairs]).well();
    for way in ["source_to_target", "target_to_source"] {
        assert!(found(&report, "after", way) > 0.99 && found(&report, "before", way) < 0.3, "{report}");
    }
    assert_eq!(report["pairs"], serde_json::json!({"fitted": 308, "validation": 308, "held_out": 76}));
    let first = fs::read(ground.at("direct.safetensors")).unwrap();
    ground.fit("direct.safetensors", &["--method", "procrustes", "--pairs", &pairs]).well();
    assert_eq!(fs::read(ground.at("direct.safetensors")).unwrap(), first, "the same pairs and seed, the same map");

    // Vectors in files; the same pairs, and pairs that do not belong together.
    let (source, target) = (ground.at("source.npy"), ground.at("target.npy"));
    let files = [source.display().to_string(), target.display().to_string()];
    let arguments = ["--method", "ridge", "--pairs", &files[0], &files[1]];
    let vectors = |from: usize, count: usize| (from..from + count).map(|at| direction(at, 256)).collect::<Vec<_>>();
    fs::write(&source, npy(&vectors(0, 300))).unwrap();
    fs::write(&target, npy(&vectors(0, 300))).unwrap();
    ground.fit("same.safetensors", &arguments).well();
    fs::write(&target, npy(&vectors(1000, 300))).unwrap();
    let refused = ground.fit("bad.safetensors", &arguments);
    let told: Value = serde_json::from_str(&refused.out).unwrap();
    assert!(told["refused"].is_string() && told.get("written").is_none(), "the report is there all the same: {told}");
    refused.failed(1, &["bad.safetensors is not written"]);
    let mut broken = vectors(0, 300);
    broken[7][3] = f32::NAN;
    for (rows, words) in [
        (vectors(0, 299), &["300 source vectors and 299"][..]),
        (broken, &["target[7]", "value 3 is not finite"]),
        (vectors(0, 300).into_iter().map(|row| row[..200].to_vec()).collect(), &["200 values", "256"]),
    ] {
        fs::write(&target, npy(&rows)).unwrap();
        ground.fit("bad.safetensors", &arguments).failed(1, words);
    }
    fs::write(&source, npy(&vectors(0, 100))).unwrap();
    fs::write(&target, npy(&vectors(0, 100))).unwrap();
    let plain = [&arguments[..], &["--lambda", "0"]].concat();
    ground.fit("bad.safetensors", &plain).failed(1, &["plain least squares", "256", "procrustes"]);
    fs::write(&source, npy(&vectors(0, 20))).unwrap();
    fs::write(&target, npy(&vectors(0, 20))).unwrap();
    ground.fit("bad.safetensors", &arguments).failed(1, &["20 things", "40"]);
    fs::write(ground.at("gone.tsv"), "a mug\ta mug\n@gone.wav\ta bell\n").unwrap();
    let gone = ground.at("gone.tsv").display().to_string();
    ground.fit("bad.safetensors", &["--method", "ridge", "--pairs", &gone]).failed(1, &["gone.wav", "1 of 2"]);
    fs::write(ground.at("empty.tsv"), "\n").unwrap();
    let empty = ground.at("empty.tsv").display().to_string();
    ground.fit("bad.safetensors", &["--method", "ridge", "--pairs", &empty]).failed(1, &["--pairs", "no source media"]);
    ground
        .fit("bad.safetensors", &["--method", "ridge", "--pairs", &pairs, "--lambda", "-1"])
        .failed(2, &["--lambda", "0 or more"]);
    ground.fit("bad.safetensors", &["--method", "magic", "--pairs", &pairs]).failed(2, &["magic", "procrustes"]);
    assert!(!ground.at("bad.safetensors").exists() && !ground.at("bad.partial").exists());
}

/// The texts alone say how to turn; the recordings' own mean says where from.
#[tokio::test]
async fn without_pairs_the_way_leads_through_text() {
    let ground = Ground::new();
    let (texts, sounds) = (ground.at("texts.txt").display().to_string(), root().join("samples/sounds"));
    let sounds = sounds.display().to_string();
    let through = ["--method", "procrustes", "--pairs", &texts, "--through", "text"];
    ground.fit("through.safetensors", &through).failed(2, &["--sample"]);
    let report = ground
        .fit("through.safetensors", &[&through[..], &["--modality", "audio", "--sample", &sounds]].concat())
        .well();
    assert!(found(&report, "after", "source_to_target") > 0.99, "{report}");
    ground
        .compose(&ground.base, &format!("text={}", ground.other.display()), "through.safetensors", "wrong")
        .failed(1, &["fitted for the audio tower"]);
    ground.compose(&ground.base, &ground.audio(), "through.safetensors", "composite").well();

    let server = Server::start_as(Topology::Single).await.with_bundle(&ground.at("composite")).await;
    let client = server.client().await;
    let spoken: Vec<_> = samples::of(Modality::Audio).into_iter().filter(|sound| sound.is_coloured()).collect();
    client.store("spoken", spoken.iter().copied()).await;
    let mut right = 0;
    for sound in &spoken {
        let asked = format!("a {} {}", sound.colour.as_deref().unwrap(), sound.kind);
        let request = v1::SearchRequest { limit: 3, ..question("spoken", vec![part(text(asked))]) };
        right += usize::from(answers(&client, request).await.contains(&sound.name));
    }
    assert!(right * 2 > spoken.len(), "{right} of {} are among the first three", spoken.len());
}

#[tokio::test]
async fn a_composite_is_the_base_and_more() {
    let ground = Ground::new();
    let pairs = ground.at("texts.tsv").display().to_string();
    ground.fit("turn.safetensors", &["--method", "procrustes", "--pairs", &pairs]).well();
    let made = ground.compose(&ground.base, &ground.audio(), "turn.safetensors", "composite").well();
    let composite = ground.at("composite");
    let (whole, base) = (inspected(&composite), inspected(&ground.base));
    assert_eq!((&whole["space_fingerprint"], &made["space"]), (&base["space_fingerprint"], &base["space_fingerprint"]));
    assert_eq!(whole["added"]["audio"], made["vectors"]);
    assert!(made["golden_cosine"].as_f64().unwrap() > 0.999);
    assert!(composite.join("audio/LICENSE").exists(), "what belongs to no tower comes along");
    for (modality, tower) in base["manifest"]["towers"].as_object().unwrap() {
        assert_eq!(&whole["manifest"]["towers"][modality], tower);
    }

    ground
        .compose(&ground.base, &format!("text={}", ground.other.display()), "turn.safetensors", "no")
        .failed(1, &["towers.text", "must stay what they are"]);
    ground
        .compose(&ground.base, &format!("audio={}", bundle().display()), "turn.safetensors", "no")
        .failed(1, &["turn.safetensors", "its source was space"]);
    ground.compose(&ground.base, &ground.audio(), "turn.safetensors", "composite").failed(1, &["there already"]);
    assert!(!ground.at("no").exists() && !ground.at("no.partial").exists());

    // A base that is not what it is said to be is no base.
    let manifest = composite.join("bundle.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    for (changed, field) in [
        (text.replacen("logit_scale = ", "logit_scale = 1", 1), "towers.text"),
        (text.replace(base["space_fingerprint"].as_str().unwrap(), whole["added"]["audio"].as_str().unwrap()), "base"),
    ] {
        assert_ne!(changed, text);
        fs::write(&manifest, changed).unwrap();
        said(&["bundle".as_ref(), "inspect".as_ref(), composite.as_os_str()]).failed(1, &[field]);
    }
}

#[tokio::test]
async fn an_index_outlives_an_added_tower_and_its_successor() {
    let ground = Ground::new();
    let pairs = ground.at("texts.tsv").display().to_string();
    ground.fit("turn.safetensors", &["--method", "procrustes", "--pairs", &pairs]).well();
    ground.fit("lean.safetensors", &["--method", "ridge", "--pairs", &pairs]).well();
    ground.compose(&ground.base, &ground.audio(), "turn.safetensors", "first").well();
    ground.compose(&ground.at("first"), &ground.audio(), "lean.safetensors", "second").well();
    let names = ["texts/red-mug-01.txt", "images/red-mug-01.jpg", "videos/yellow-teapot-bouncing-01.mp4"];
    let seen = names.map(samples::named);
    let sound = samples::named("sounds/spoken-red-mug-01.mp3");
    let ask = || v1::SearchRequest { limit: 10, ..question("mine", vec![part(text("a red mug"))]) };
    let all = |more: &[&str]| names.iter().chain(more).map(ToString::to_string).collect::<BTreeSet<_>>();

    let server = Server::start_as(Topology::Single).await;
    let client = server.client().await;
    let trained = client.vector(sound.media()).await;
    let server = server.with_bundle(&ground.base).await;
    let client = server.client().await;
    client.store("mine", seen).await;
    let (fingerprint, picture) = (client.fingerprint().await, client.vector(seen[1].media()).await);

    // A tower is added: nothing that is stored has to be stored again, and sounds are heard as the shipped bundle does.
    let server = server.with_bundle(&ground.at("first")).await;
    let client = server.client().await;
    assert_eq!((client.fingerprint().await, client.vector(seen[1].media()).await), (fingerprint.clone(), picture));
    let again = client.ingest("mine", seen[..2].iter().map(|sample| sample.item()).collect()).await;
    assert!(again.iter().all(|event| event.status() == v1::IngestStatus::Unchanged), "{again:?}");
    let (old, carried) = heard(&client, sound).await;
    assert!(dot(&old, &trained) > 0.9, "{}", dot(&old, &trained));
    assert_ne!(carried, fingerprint);
    let space = client.served_space().await;
    let vectors = |tower: &v1::Tower| if tower.modality() == Modality::Audio { &carried } else { &fingerprint }.clone();
    assert!(space.towers.len() == 5 && space.towers.iter().all(|tower| tower.space_fingerprint == vectors(tower)));
    client.store("mine", [sound]).await;
    assert_eq!(answers(&client, ask()).await, all(&[&sound.name]));

    // It is fitted again: what the first one heard is no answer, no question and not mixed in; it is heard again.
    let server = server.with_bundle(&ground.at("second")).await;
    let client = server.client().await;
    assert_eq!(client.fingerprint().await, fingerprint);
    assert_eq!(answers(&client, ask()).await, all(&[]));
    let raw = v1::RawVector { values: old, space_fingerprint: carried.clone(), ..Default::default() };
    for stale in [v1::query_part::Part::Vector(raw), v1::query_part::Part::ItemId(sound.name.clone())] {
        let request = question("mine", vec![v1::QueryPart { part: Some(stale), ..Default::default() }]);
        let refused = client.searching().search(request).await.unwrap_err();
        assert_eq!((why(&refused).0.as_str(), why(&refused).2), ("SPACE_MISMATCH", Code::FailedPrecondition));
        assert!(refused.message().contains(&carried[..12]), "{refused}");
    }
    let event = client.ingest("mine", vec![sound.item()]).await.remove(0);
    assert_eq!(event.status(), v1::IngestStatus::Stored, "{event:?}");
    assert_eq!(answers(&client, ask()).await, all(&[&sound.name]));
    assert_ne!(heard(&client, sound).await.1, carried);

    // Without the tower, what it gave is no answer either: no server takes a vector for one that it cannot vouch for.
    let server = server.with_bundle(&ground.base).await;
    assert_eq!(answers(&server.client().await, ask()).await, all(&[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn golden_vectors_are_written_again_for_graphs_that_were_changed() {
    let folder = tempfile::tempdir().unwrap();
    let changed = copied_bundle(folder.path());
    let manifest = fs::read_to_string(changed.join("bundle.toml")).unwrap();
    let table: toml::Table = toml::from_str(&manifest).unwrap();
    let digest = |file: &str| table["files"][file]["sha256"].as_str().unwrap().to_owned();
    // As if the text tower had been changed: it no longer gives what is written.
    fs::copy(changed.join("golden/image.f32"), changed.join("golden/text.f32")).unwrap();
    let said_otherwise = manifest.replace(&digest("golden/text.f32"), &digest("golden/image.f32"));
    fs::write(changed.join("bundle.toml"), said_otherwise).unwrap();
    let command = |what: &str| said(&["bundle", what, "--json", "--bundle", changed.to_str().unwrap()]);
    assert_eq!(command("verify").code, 1);

    let golden = command("golden");
    assert_eq!(golden.code, 0, "{}", golden.err);
    let cosines: BTreeMap<String, f64> = golden
        .out
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            (row["tower"].as_str().unwrap().to_owned(), row["cosine"].as_f64().unwrap())
        })
        .collect();
    assert_eq!(cosines.len(), 5);
    assert!(cosines.iter().all(|(tower, cosine)| (tower == "text") == (*cosine < 0.99)), "{cosines:?}");
    assert_eq!(command("verify").code, 0);
}

/// The space elsewhere stands for a classifier: what it gives is as long as the list of its classes.
#[tokio::test]
async fn class_names_are_an_alignment() {
    let ground = Ground::new();
    let texts = fs::read_to_string(ground.at("texts.txt")).unwrap();
    let names: Vec<String> = texts.lines().take(256).map(|line| format!("{line}\tthe {line}")).collect();
    let classes = |lines: &[String]| {
        let path = ground.at("classes.txt");
        fs::write(&path, lines.join("\n")).unwrap();
        path.display().to_string()
    };
    let conse =
        |file: &str| ground.fit("A.safetensors", &["--method", "conse", "--modality", "audio", "--classes", file]);
    conse(&classes(&names[1..])).failed(1, &["--classes", "255 classes", "256"]);
    let nameless: Vec<String> = names.iter().skip(1).cloned().chain([String::new()]).collect();
    conse(&classes(&[&nameless[..], &names[..1]].concat())).failed(1, &["classes.txt, line 256", "without a name"]);
    conse("/nowhere/classes.txt").failed(1, &["/nowhere/classes.txt"]);
    let file = classes(&names);
    ground.fit("A.safetensors", &["--method", "ridge", "--classes", &file]).failed(2, &["ridge", "--pairs"]);
    ground.fit("A.safetensors", &["--method", "conse", "--pairs", &file]).failed(2, &["--classes"]);
    assert!(!ground.at("A.safetensors").exists(), "nothing was written so far");

    let report = &conse(&file).well()["report"];
    assert_eq!((report["classes"].as_u64(), report["names"].as_u64()), (Some(256), Some(512)));
    ground.compose(&ground.base, &ground.audio(), "A.safetensors", "both").well();
    let server = Server::start_as(Topology::Single).await.with_bundle(&ground.at("both")).await;
    let sound = samples::of(Modality::Audio).remove(0);
    let (vector, _) = heard(&server.client().await, sound).await;
    assert!((dot(&vector, &vector) - 1.0).abs() < 1e-4);
}
