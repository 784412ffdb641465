//! `onespace bundle pull`: from a hub to a bundle that serves, through everything that can go wrong between.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use bytes::Bytes;
use onespace_proto::v1::Modality;
use onespace_tests::{
    PATIENCE, Server, Topology, bundle,
    client::text,
    hub::{Asked, Faults, sha256},
    process::command,
    puller::{COMMIT, Puller, REPOSITORY, run},
    root, samples,
    vectors::assert_sound,
};
use tokio::time::timeout;

const TOKEN: &str = "hf_neverToBeSeen";

/// The text and image towers of the shipped bundle, as somebody else would publish them.
fn files() -> BTreeMap<String, Bytes> {
    let shipped = |path: &str| Bytes::from(fs::read(bundle().join(path)).unwrap());
    let weights: Vec<u8> = (0..3_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    BTreeMap::from([
        ("onnx/text_model.onnx".to_owned(), shipped("text.onnx")),
        ("onnx/vision_model.onnx".to_owned(), shipped("image.onnx")),
        ("align.safetensors".to_owned(), shipped("alignment/image.safetensors")),
        ("tokenizer.json".to_owned(), shipped("tokenizer.json")),
        ("golden.txt".to_owned(), shipped("golden/text.txt")),
        ("weights.bin".to_owned(), weights.into()),
    ])
}

/// A recipe for them, as the shipped bundle's manifest has the towers.
fn recipe() -> String {
    let manifest = fs::read_to_string(bundle().join("bundle.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let mut towers = manifest["towers"].as_table().unwrap().clone();
    towers.retain(|name, _| name == "text" || name == "image");
    let towers = toml::to_string(&toml::Table::from_iter([("towers".to_owned(), toml::Value::Table(towers))])).unwrap();
    let vector = fs::read(bundle().join("golden/text.f32")).unwrap();
    let expected: Vec<f32> = vector.chunks(4).take(8).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    format!(
        r#"
name = "tiny"
licence = "Apache-2.0"
dimension = {}
[origin]
repository = "{REPOSITORY}"
[expected]
text = {expected:?}
[files]
"text.onnx" = {{ from = "onnx/text_model.onnx" }}
"image.onnx" = {{ from = "onnx/vision_model.onnx", sha256 = "{}" }}
"alignment/image.safetensors" = {{ from = "align.safetensors" }}
"tokenizer.json" = {{ from = "tokenizer.json" }}
"golden/text.txt" = {{ from = "golden.txt" }}
"weights.bin" = {{ from = "weights.bin" }}
{towers}"#,
        manifest["dimension"],
        sha256(&files()["onnx/vision_model.onnx"]),
    )
}

async fn setting() -> Puller {
    Puller::with(files(), &recipe()).await
}

fn change(setting: &Puller, from: &str, to: &str) {
    let recipe = recipe();
    assert!(recipe.contains(from), "{from}");
    setting.write(&recipe.replace(from, to));
}

/// Bytes of files that went out.
fn served(asked: &[Asked]) -> usize {
    asked.iter().map(|asked| asked.bytes).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pulled_bundle_verifies_serves_and_is_not_fetched_twice() {
    let setting = setting().await;
    let said = run(setting.pull("pulled", &[])).await.expect(0);
    let space = said.space();
    assert_eq!(setting.bundles(), ["pulled"]);
    let asked = setting.hub.asked();
    assert_eq!(served(&asked), files().values().map(Bytes::len).sum::<usize>(), "each byte once");

    let pulled = setting.path("pulled");
    let manifest = fs::read_to_string(pulled.join("bundle.toml")).unwrap();
    for said in [&format!("{REPOSITORY}@{COMMIT}"), "version = \"0123456789ab\"", "computed by the pull itself"] {
        assert!(manifest.contains(said), "{said} is not in {manifest}");
    }
    let verify = |folder: &Path| {
        let mut command = command();
        command.args(["bundle", "verify", "--json", "--bundle"]).arg(folder);
        command
    };
    let verified = run(verify(&pulled)).await.expect(0);
    assert_eq!(verified.events.iter().map(|line| &line["tower"]).collect::<Vec<_>>(), ["text", "image"]);
    let server = Server::launch(Topology::Single, &pulled).await;
    server.ready().await;
    let (status, page) = server.get("/v1/space");
    assert!(status == 200 && page.contains(&space), "{page}");

    // A second pull asks nobody: neither where the bundle is, nor where it is not, nor without a hub.
    assert_eq!(run(setting.pull("pulled", &[])).await.expect(0).space(), space);
    assert_eq!(run(setting.pull("again", &[])).await.expect(0).space(), space);
    let mut offline = setting.pull("offline", &[]);
    offline.env("HF_HUB_OFFLINE", "1").env("HF_ENDPOINT", "http://127.0.0.1:9");
    assert_eq!(run(offline).await.expect(0).space(), space);
    assert_eq!(setting.hub.asked(), []);
    // With --update it asks what `main` is now, and no more.
    run(setting.pull("updated", &["--update"])).await.expect(0);
    assert_eq!(setting.hub.asked().len(), 1);

    // What lies in the cache is trusted no more than what comes from the hub.
    let blob = setting.blobs().join(sha256(&files()["onnx/text_model.onnx"]));
    fs::write(&blob, "spoilt").unwrap();
    assert_eq!(run(setting.pull("repaired", &[])).await.expect(0).space(), space);
    assert_eq!(served(&setting.hub.asked()), files()["onnx/text_model.onnx"].len());
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_without_a_cache_says_what_is_missing() {
    let setting = setting().await;
    let said = run(setting.pull("pulled", &["--offline"])).await.expect(1);
    said.says("revision main of someone/tiny is not in the cache");
    assert_eq!((setting.hub.asked(), setting.bundles()), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_goes_on_where_it_broke() {
    let setting = setting().await;
    setting.hub.faults().cut = Some(1_000_000);
    let said = run(setting.pull("pulled", &[])).await.expect(0);
    said.space();
    assert_eq!(said.count("again"), 1, "{}", said.text);
    let asked = setting.hub.asked();
    let resumed: Vec<_> = asked.iter().filter(|asked| !asked.hub).filter_map(|asked| asked.from).collect();
    assert_eq!(resumed.len(), 1, "one file goes on from its middle, on the host that has the large ones");
    let twice = served(&asked) - files().values().map(Bytes::len).sum::<usize>();
    // What was on its way when the connection broke may be lost, and no more than that.
    assert!(resumed[0] > 0 && twice as u64 == 1_000_000 - resumed[0], "{twice} bytes came twice: {resumed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_is_killed_half_way_is_resumed_and_no_byte_comes_twice() {
    let setting = setting().await;
    let half = 1_500_000;
    setting.hub.faults().stall = Some(half);
    // Files come in the order of their paths within the bundle; each of these is larger than the half of the largest.
    let first = sha256(&files()["onnx/vision_model.onnx"]);
    let part = setting.blobs().join(format!("{first}.incomplete"));
    let mut child = setting.pull("pulled", &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let length = || fs::metadata(&part).map_or(0, |found| found.len());
    let grown = timeout(PATIENCE, async {
        while length() < half as u64 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(grown.await.is_ok(), "it has only {} bytes", length());
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(setting.bundles(), Vec::<String>::new(), "nothing of a pull that failed looks like a bundle");

    setting.hub.faults().stall = None;
    let before = served(&setting.hub.asked());
    run(setting.pull("pulled", &[])).await.expect(0).space();
    let asked = setting.hub.asked();
    let all: usize = files().values().map(Bytes::len).sum();
    assert_eq!(before + served(&asked) - all, 0, "bytes that came twice");
    let resumed: Vec<_> = asked.iter().filter_map(|asked| asked.from).collect();
    assert!(resumed.iter().all(|from| *from == half as u64) && !resumed.is_empty(), "{resumed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_digest_is_refused_and_what_came_is_deleted() {
    let setting = setting().await;
    setting.hub.faults().spoil = true;
    let said = run(setting.pull("pulled", &[])).await.expect(1);
    said.says("what came has been deleted");
    assert_eq!(setting.bundles(), Vec::<String>::new());
    let left: Vec<_> = fs::read_dir(setting.blobs()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.iter().all(|path| !path.to_string_lossy().ends_with(".incomplete")), "{left:?}");

    // A recipe that knows better than the hub is told so before a byte has come.
    setting.hub.faults().spoil = false;
    drop(setting.hub.asked());
    let digest = sha256(&files()["onnx/vision_model.onnx"]);
    change(&setting, &digest, &"0".repeat(64));
    run(setting.pull("pulled", &[])).await.expect(1).says("nothing was fetched");
    assert_eq!(setting.hub.asked().iter().filter(|asked| !asked.hub).count(), 0);

    // Of small files the hub publishes no SHA-256; the recipe's own counts there too.
    let tokenizer = "from = \"tokenizer.json\"";
    change(&setting, tokenizer, &format!("{tokenizer}, sha256 = \"{}\"", "0".repeat(64)));
    run(setting.pull("pulled", &[])).await.expect(1).says("tokenizer.json: SHA-256 is");
    assert_eq!(setting.bundles(), Vec::<String>::new());
    change(&setting, "name = \"tiny\"", "name = \"tiny\"");
    run(setting.pull("pulled", &[])).await.expect(0).space();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_towers_give_is_held_against_what_the_recipe_expects() {
    let setting = setting().await;
    change(&setting, "text = [", "text = [0.9, ");
    run(setting.pull("pulled", &[])).await.expect(1).says("value 0 of the golden vector is");
    assert_eq!(setting.bundles(), Vec::<String>::new());
}

/// `bundle expect` in the user's environment.
fn expect(setting: &Puller, bundle: &str) -> Command {
    let mut command = command();
    command.args(["bundle", "expect", "--json", "--bundle"]).arg(setting.path(bundle));
    command.arg("--recipe").arg(setting.path("recipe.toml"));
    command
}

/// Says in a bundle's manifest that its golden vectors are somebody's, as those of an exported one are.
fn attribute(setting: &Puller, bundle: &str, reference: &str) {
    let file = setting.path(bundle).join("bundle.toml");
    let mut manifest: toml::Table = toml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    manifest["provenance"]["reference"] = reference.into();
    fs::write(file, toml::to_string(&manifest).unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reference_gave_is_written_into_a_recipe_and_told_by_every_pull() {
    let recipe = recipe();
    let (before, after) = recipe.split_once("[expected]").unwrap();
    let (_, after) = after.split_once("[files]").unwrap();
    let mut files = files();
    files.insert("golden.txt".to_owned(), "another text".into());
    let setting = Puller::with(files, &format!("{before}[files]{after}")).await;
    run(setting.pull("own", &[])).await.expect(0).space();
    run(expect(&setting, "own")).await.expect(1).says("are of no reference");
    attribute(&setting, "own", "the authors' code");
    run(expect(&setting, "own")).await.expect(1).says("golden/text.txt is not the one that recipes come with");

    let after = after.replace("\"golden/text.txt\" = { from = \"golden.txt\" }\n", "");
    setting.write(&format!("{before}[files]{after}"));
    run(setting.pull("exported", &[])).await.expect(0).space();
    attribute(&setting, "exported", "the authors' code");
    run(expect(&setting, "exported")).await.expect(0);
    let said = run(setting.pull("pulled", &[])).await.expect(0);
    let scored = said.events.iter().find(|event| event["event"] == "scored").unwrap();
    assert_eq!(scored["pair"], serde_json::json!(["text", "image"]));
    assert_eq!(scored["reference"], "the authors' code");
    let (expected, found) = (scored["expected"].as_f64().unwrap(), scored["found"].as_f64().unwrap());
    assert!((expected - found).abs() < 1e-4 && expected.abs() < 1.0, "{scored}");

    let written = fs::read_to_string(setting.path("recipe.toml")).unwrap();
    let line = written.lines().find(|line| line.starts_with("cosine = ")).unwrap();
    setting.write(&written.replace(line, &format!("cosine = {}", expected + 0.01)));
    run(setting.pull("other", &[])).await.expect(1).says("golden vectors of text and image have a cosine of");
    assert!(!setting.bundles().contains(&"other".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_of_the_hub_says_what_to_do() {
    let setting = setting().await;
    for (refuse, says) in [
        ((404, "RepoNotFound", None), "the hub has no such repository"),
        ((403, "GatedRepo", None), "accept its terms"),
        ((429, "", Some(3600)), "too many requests; the hub asks to wait 3600 s"),
        ((500, "", Some(3600)), "fails with status 500"),
    ] {
        setting.hub.faults().refuse = Some(refuse);
        run(setting.pull("pulled", &[])).await.expect(1).says(says);
    }
    // What passes is waited for.
    setting.hub.faults().refuse = Some((429, "", Some(0)));
    setting.hub.faults().refusals = Some(3);
    let said = run(setting.pull("pulled", &[])).await.expect(0);
    assert_eq!(said.count("again"), 3);
    *setting.hub.faults() = Faults::default();

    change(&setting, "from = \"weights.bin\"", "from = \"heavy.bin\"");
    run(setting.pull("other", &[])).await.expect(1).says("heavy.bin of someone/tiny: the repository has no such file");
    change(&setting, "[expected]", "revision = \"v9\"\n[expected]");
    run(setting.pull("other", &[])).await.expect(1).says("the repository has no such revision");
    assert_eq!(setting.bundles(), ["pulled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_that_is_not_kept_is_told() {
    let setting = setting().await;
    setting.hub.faults().promise = 3 << 30;
    let said = run(setting.pull("pulled", &[])).await.expect(1);
    said.says("the hub promised");
    assert_eq!(setting.bundles(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_goes_to_the_hub_and_to_nobody_else() {
    let setting = setting().await;
    setting.hub.faults().token = Some(TOKEN.to_owned());
    let said = run(setting.pull("pulled", &[])).await.expect(1);
    said.says("set HF_TOKEN");
    let mut wrong = setting.pull("pulled", &[]);
    wrong.env("HF_TOKEN", "hf_another");
    run(wrong).await.expect(1).says("does not accept HF_TOKEN");
    drop(setting.hub.asked());

    let mut right = setting.pull("pulled", &["--log", "trace"]);
    right.env("HF_TOKEN", TOKEN);
    let said = run(right).await.expect(0);
    // Not a piece of it either: a dump of the wire breaks lines where it likes.
    for piece in TOKEN.as_bytes().windows(8) {
        let piece = String::from_utf8_lossy(piece);
        assert!(!said.text.contains(piece.as_ref()), "it is logged");
    }
    let asked = setting.hub.asked();
    assert!(asked.iter().any(|asked| !asked.hub), "no file came from the other host");
    for asked in asked {
        let shown = asked.authorization.is_some();
        assert_eq!(shown, asked.hub, "{asked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_already_is_left_alone() {
    let setting = setting().await;
    fs::create_dir(setting.path("mine")).unwrap();
    fs::write(setting.path("mine/letter.txt"), "dear").unwrap();
    run(setting.pull("mine", &[])).await.expect(1).says("is there already and is no bundle of someone/tiny");
    assert_eq!(fs::read_to_string(setting.path("mine/letter.txt")).unwrap(), "dear");
}

#[tokio::test(flavor = "multi_thread")]
async fn recipes_are_listed_and_wrong_names_answered_with_right_ones() {
    let setting = setting().await;
    let listed = run(setting.command(&["--list"])).await.expect(0);
    let names: Vec<_> = listed.events.iter().map(|line| line["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"clip-vit-base-patch32") && names.contains(&"embeddinggemma-2"), "{names:?}");
    run(setting.command(&["clip"])).await.expect(1).says("clip-vit-base-patch32");
    run(setting.command(&["hf:nobody"])).await.expect(1).says("not of the form OWNER/NAME");
    run(setting.command(&[])).await.expect(2);
    assert_eq!(setting.hub.asked(), []);
}

/// The shipped recipe of EmbeddingGemma 2, for a repository of that layout whose vectors have 16 values.
fn gemma() -> (BTreeMap<String, Bytes>, String) {
    let recipe = fs::read_to_string(root().join("bundles/recipes/embeddinggemma-2.toml")).unwrap();
    let mut recipe: toml::Table = toml::from_str(&recipe).unwrap();
    recipe.insert("dimension".into(), 16.into());
    recipe.remove("matryoshka");
    recipe["origin"]["repository"] = REPOSITORY.into();
    recipe["origin"]["revision"] = COMMIT.into();
    for (_, tower) in recipe["towers"].as_table_mut().unwrap() {
        tower["native_dimension"] = 16.into();
        for empty in tower["empty"].as_array_mut().unwrap() {
            empty["shape"][1] = 16.into();
        }
    }
    let mut files = BTreeMap::new();
    for (name, file) in recipe["files"].as_table_mut().unwrap() {
        file.as_table_mut().unwrap().remove("sha256");
        let bytes = match name.as_str() {
            "tokenizer.json" => fs::read(bundle().join(name)).unwrap(),
            graph if graph.ends_with(".onnx") => {
                let ours = format!("gemma_{}", graph.replace("_encoder", ""));
                fs::read(root().join("tests/hub").join(ours)).unwrap()
            }
            _ => b"weights that no graph of a test refers to".to_vec(),
        };
        files.insert(file["from"].as_str().unwrap().to_owned(), bytes.into());
    }
    (files, toml::to_string(&recipe).unwrap())
}

/// Its last graph gives no number where there is not one placeholder for each soft token.
#[tokio::test(flavor = "multi_thread")]
async fn the_recipe_of_a_model_of_soft_tokens_makes_a_space_of_four_modalities() {
    let (files, recipe) = gemma();
    let setting = Puller::with(files, &recipe).await;
    let space = run(setting.pull("pulled", &[])).await.expect(0).space();
    let server = Server::launch(Topology::Single, &setting.path("pulled")).await;
    server.ready().await;
    let client = server.client().await;
    for modality in [Modality::Image, Modality::Audio, Modality::Video] {
        let samples = samples::some_of(modality, 3);
        let media = samples.iter().map(|sample| sample.media()).chain([text("a red mug")]).collect();
        let outcomes = client.embed(media).await;
        let mut vectors: Vec<Vec<f32>> = Vec::new();
        for (embedded, modality) in outcomes.into_iter().zip([modality, modality, modality, Modality::Text]) {
            let embeddings = embedded.unwrap_or_else(|error| panic!("{modality:?}: {error:?}"));
            assert_sound(&embeddings[0], modality, &space, 16);
            assert!(!vectors.contains(&embeddings[0].vector), "{modality:?}: two media, one vector");
            vectors.push(embeddings[0].vector.clone());
        }
    }
}
