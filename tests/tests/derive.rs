//! `onespace bundle pull hf:OWNER/REPO` where no recipe is known: what a repository says of itself.

use std::{collections::BTreeMap, fs};

use bytes::Bytes;
use onespace_proto::v1::Modality;
use onespace_tests::{
    Server, Topology, bundle,
    client::text,
    puller::{Puller, run},
    root, samples,
    vectors::assert_sound,
};
use serde_json::{Value, json};

/// A repository as others publish it: `graphs` are (its name for one, ours of tests/hub).
fn repository(config: &Value, prepare: &Value, graphs: [(&str, &str); 2]) -> BTreeMap<String, Bytes> {
    let mut files = BTreeMap::from([
        ("config.json".to_owned(), config.to_string().into()),
        ("preprocessor_config.json".to_owned(), prepare.to_string().into()),
        ("README.md".to_owned(), "---\ntags: [a]\nlicense: mit\n---\n# A model\n".into()),
        ("tokenizer.json".to_owned(), fs::read(bundle().join("tokenizer.json")).unwrap().into()),
    ]);
    for (theirs, ours) in graphs {
        let graph = fs::read(root().join("tests/hub").join(ours)).unwrap();
        files.insert(format!("onnx/{theirs}"), graph.into());
    }
    files
}

/// A repository of CLIP, with these changes to its configuration.
fn clip(change: impl Fn(&mut Value, &mut Value)) -> BTreeMap<String, Bytes> {
    let mut config = json!({
        "model_type": "clip", "_name_or_path": "them/clip", "projection_dim": 16,
        "text_config": {"max_position_embeddings": 24},
    });
    let mut prepare = json!({
        "do_resize": true, "do_normalize": true, "do_center_crop": true, "resample": 3,
        "size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32},
        "image_mean": [0.5, 0.5, 0.25], "image_std": [0.5, 0.25, 0.5],
    });
    change(&mut config, &mut prepare);
    repository(&config, &prepare, ["text_model.onnx", "vision_model.onnx"].map(|name| (name, name)))
}

/// A repository of SigLIP 2.
fn siglip2() -> BTreeMap<String, Bytes> {
    let config = json!({
        "model_type": "siglip", "text_config": {"vocab_size": 256_000, "max_position_embeddings": 24},
        "vision_config": {"hidden_size": 16, "image_size": 32},
    });
    let prepare = json!({
        "do_resize": true, "resample": 2, "size": {"height": 32, "width": 32},
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
    });
    let graphs = [("text_model.onnx", "siglip_text_model.onnx"), ("vision_model.onnx", "siglip_vision_model.onnx")];
    repository(&config, &prepare, graphs)
}

/// A repository of unfused CLAP.
fn clap() -> BTreeMap<String, Bytes> {
    let config = json!({"model_type": "clap", "projection_dim": 16, "audio_config": {"enable_fusion": false}});
    let prepare = json!({
        "truncation": "rand_trunc", "padding": "repeatpad", "max_length_s": 5, "sampling_rate": 16_000,
        "fft_window_size": 512, "hop_length": 160, "feature_size": 64, "frequency_min": 50, "frequency_max": 7_000,
    });
    repository(&config, &prepare, ["text_model.onnx", "audio_model.onnx"].map(|name| (name, name)))
}

async fn published(files: BTreeMap<String, Bytes>) -> Puller {
    Puller::with(files, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_without_recipe_is_read_from_its_own_configuration() {
    let setting = published(clip(|_, _| {})).await;
    let space = run(setting.derive("pulled", &[])).await.expect(0).space();
    let manifest: toml::Table =
        toml::from_str(&fs::read_to_string(setting.path("pulled/bundle.toml")).unwrap()).unwrap();
    assert_eq!(manifest["licence"].as_str(), Some("MIT"));
    assert_eq!(manifest["provenance"]["checkpoint"].as_str(), Some("them/clip"));
    let towers = &manifest["towers"];
    assert_eq!(towers["text"]["preprocess"]["context"].as_integer(), Some(24));
    let image = &towers["image"]["preprocess"];
    assert_eq!((image["width"].as_integer(), image["resize"].as_str()), (Some(32), Some("shortest-edge")));
    assert_eq!(image["mean"][2].as_float(), Some(0.25));
    let server = Server::launch(Topology::Single, &setting.path("pulled")).await;
    server.ready().await;

    // Without the hub as well: what it was derived from is in the cache.
    drop(setting.hub.asked());
    let again = run(setting.derive("again", &["--offline"])).await.expect(0).space();
    assert_eq!((again, setting.hub.asked()), (space, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn siglip_2_and_clap_are_derived_and_serve() {
    for (files, other, sample) in [
        (siglip2(), Modality::Image, samples::with_extension("jpg")),
        (clap(), Modality::Audio, samples::with_extension("wav")),
    ] {
        let setting = published(files).await;
        let space = run(setting.derive("pulled", &[])).await.expect(0).space();
        let server = Server::launch(Topology::Single, &setting.path("pulled")).await;
        server.ready().await;
        let client = server.client().await;
        let outcomes = client.embed(vec![text("a red mug"), sample.media()]).await;
        for (embedded, modality) in outcomes.into_iter().zip([Modality::Text, other]) {
            let embeddings = embedded.unwrap_or_else(|error| panic!("{modality:?}: {error:?}"));
            assert_sound(&embeddings[0], modality, &space, 16);
        }
        let manifest = fs::read_to_string(setting.path("pulled/bundle.toml")).unwrap();
        let manifest: toml::Table = toml::from_str(&manifest).unwrap();
        let towers = &manifest["towers"];
        if other == Modality::Image {
            let image = &towers["image"]["preprocess"];
            assert_eq!((image["width"].as_integer(), image["resize"].as_str()), (Some(32), Some("squash")));
            assert_eq!(image["filter"].as_str(), Some("bilinear"));
            assert_eq!(towers["text"]["preprocess"]["context"].as_integer(), Some(24));
        } else {
            let audio = &towers["audio"]["preprocess"];
            assert_eq!(
                (audio["sample_rate"].as_integer(), audio["window_ms"].as_integer()),
                (Some(16_000), Some(5_000))
            );
            assert_eq!(audio["front_end"]["f_max"].as_float(), Some(7_000.0));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_family_does_not_do_is_refused_by_name() {
    type Change = fn(&mut Value, &mut Value);
    let refusals: [(Change, &str); 6] = [
        (|config, _| config["model_type"] = json!("bert"), "model_type \"bert\" is none of clip, siglip, clap"),
        (|config, _| config["model_type"] = json!("siglip2"), "NaFlex"),
        (|config, _| config["model_type"] = json!("siglip"), "SigLIP 1 is not known here"),
        (|_, prepare| prepare["resample"] = json!(9), "resample 9 is no filter"),
        (|_, prepare| prepare["do_rescale"] = json!(false), "do_rescale is false"),
        (|_, prepare| prepare["image_std"] = json!([1.0]), "image_std is not three numbers"),
    ];
    for (change, says) in refusals {
        let setting = published(clip(change)).await;
        run(setting.derive("pulled", &[])).await.expect(1).says(says);
        assert_eq!(setting.bundles(), Vec::<String>::new());
        assert!(setting.hub.asked().iter().all(|asked| asked.hub), "nothing large was fetched for it");
    }
    let mut files = clip(|_, _| {});
    files.remove("README.md");
    let setting = published(files).await;
    run(setting.derive("pulled", &[])).await.expect(1).says("name it with --licence");
    run(setting.derive("pulled", &["--licence", "MIT"])).await.expect(0).space();

    let mut files = clip(|_, _| {});
    files.remove("onnx/vision_model.onnx");
    let setting = published(files).await;
    run(setting.derive("pulled", &[])).await.expect(1).says("onnx/vision_model.onnx of someone/tiny");
    let setting = published(BTreeMap::from([("model.bin".to_owned(), Bytes::from("x"))])).await;
    run(setting.derive("pulled", &[])).await.expect(1).says("cannot be derived without config.json");
}
