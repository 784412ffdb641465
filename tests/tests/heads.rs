//! Towers of several heads, prompts for questions and documents, templates, sigmoid scoring, and the terms of it all:
//! what format 2 of the manifest says, through the whole system.

use std::path::PathBuf;

use onespace_proto::v1::{self, Modality, query_part::Part, ranked_candidate::Outcome};
use onespace_tests::{
    Client, Server, Topology,
    client::{data, part, question, text},
    process::command,
    root,
};
use tokio::sync::OnceCell;

/// Its texts compared with pictures are the opposite of its texts compared with texts: see its `make.py`.
fn bundle() -> PathBuf {
    root().join("tests/bundles/heads")
}

async fn client() -> Client {
    // A cluster has an encoder for each tower of the bundle: target and purpose cross the wire.
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    let server = SERVER.get_or_init(|| async {
        let server = Server::launch(Topology::chosen(), &bundle()).await;
        server.ready().await;
        server
    });
    server.await.client().await
}

fn picture(name: &str) -> v1::Media {
    data(std::fs::read(root().join("samples/images").join(name)).unwrap())
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn assert_near(found: f32, expected: f32, what: &str) {
    assert!((found - expected).abs() < 1e-4, "{what}: {found}, not {expected}");
}

#[tokio::test]
async fn a_question_meets_each_modality_with_the_head_for_it() {
    let client = client().await;
    let item = |(item, media): (&str, v1::Media)| v1::IngestItem {
        request_id: item.to_owned(),
        item_id: item.to_owned(),
        media: Some(media),
        ..Default::default()
    };
    let items = [("cat", text("red cat")), ("fish", picture("green-fish-01.jpg"))].map(item);
    let stored = client.ingest("heads", items.into()).await;
    assert!(stored.iter().all(|event| event.error.is_none()), "{stored:?}");
    let asked = client.vector(text("a dog")).await;
    // What is stored is a document: its words come after "title".
    let cat = dot(&asked, &client.vector(text("title red cat")).await);
    let fish = -dot(&asked, &client.vector(picture("green-fish-01.jpg")).await);
    for (modalities, expected) in [
        (vec![], vec![("cat", cat), ("fish", fish)]),
        (vec![Modality::Text, Modality::Image], vec![("cat", cat), ("fish", fish)]),
        (vec![Modality::Image], vec![("fish", fish)]),
        (vec![Modality::Text], vec![("cat", cat)]),
    ] {
        let modalities = modalities.into_iter().map(i32::from).collect();
        let request = v1::SearchRequest { modalities, ..question("heads", vec![part(text("a dog"))]) };
        let hits = client.search(request).await;
        assert_eq!(hits.len(), expected.len());
        assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score), "best first");
        for (item, score) in expected {
            let hit = hits.iter().find(|hit| hit.item.as_ref().unwrap().item_id == item).unwrap();
            assert_near(hit.score, score, item);
        }
    }
}

#[tokio::test]
async fn a_question_of_several_parts_has_a_sum_for_each_head() {
    let client = client().await;
    let candidates = vec![text("blue bird"), picture("green-fish-01.jpg")];
    let parts = vec![part(text("a dog")), part(picture("turquoise-bottle-01.png"))];
    let request = v1::RankRequest { parts, candidates: candidates.clone(), calibrate: None, ..Default::default() };
    let ranked = client.searching().rank(request).await.unwrap().into_inner().candidates;
    let (words, bottle) = (client.vector(text("a dog")).await, client.vector(picture("turquoise-bottle-01.png")).await);
    for (index, sign) in [(0, 1.0), (1, -1.0)] {
        let sum: Vec<f32> = words.iter().zip(&bottle).map(|(word, pixel)| sign * word + pixel).collect();
        let met = client.vector(candidates[index as usize].clone()).await;
        let row = ranked.iter().find(|row| row.index == index).unwrap();
        let Some(Outcome::Score(score)) = row.outcome else { panic!("{row:?}") };
        assert_near(score, dot(&sum, &met) / dot(&sum, &sum).sqrt(), "a sum");
    }
    // Of one modality alone, the question decides which head of the candidates is asked.
    let parts =
        vec![v1::QueryPart { part: Some(Part::Media(picture("turquoise-bottle-01.png"))), ..Default::default() }];
    let request = v1::RankRequest { parts, candidates: vec![text("blue bird")], calibrate: None, ..Default::default() };
    let ranked = client.searching().rank(request).await.unwrap().into_inner().candidates;
    let Some(Outcome::Score(score)) = ranked[0].outcome else { panic!("{ranked:?}") };
    assert_near(score, -dot(&bottle, &client.vector(text("blue bird")).await), "the candidate's head");
}

#[tokio::test]
async fn labels_stand_in_the_bundles_templates_and_are_judged_alone() {
    let client = client().await;
    let labels: Vec<_> = ["cat", "dog", "bird"].map(|name| v1::Label { name: name.into(), examples: vec![] }).into();
    let classify = |media: v1::Media, templates: &[&str]| {
        let templates = templates.iter().map(|&template| template.to_owned()).collect();
        let request = v1::ClassifyRequest { media: Some(media), labels: labels.clone(), templates, logit_scale: None };
        let mut search = client.searching();
        async move { search.classify(request).await.unwrap().into_inner().labels }
    };
    let fish = || picture("green-fish-01.jpg");
    let own = classify(fish(), &[]).await;
    let given = classify(fish(), &["a photo of a {}", "{} drawn"]).await;
    assert_eq!(own, given, "the bundle's templates, where the caller has none");
    assert_ne!(own, classify(fish(), &["{}"]).await);
    for row in &own {
        assert_near(row.probability, 1.0 / (1.0 + (-(4.0 * row.score - 1.0)).exp()), "a sigmoid");
    }
    let mut whole = Vec::new();
    for prompt in ["a photo of a cat", "cat drawn"] {
        whole.push(client.vector(text(prompt)).await);
    }
    let mean: Vec<f32> = whole[0].iter().zip(&whole[1]).map(|(a, b)| a + b).collect();
    let cat = own.iter().find(|row| row.label == "cat").unwrap().score;
    let expected = -dot(&mean, &client.vector(fish()).await) / dot(&mean, &mean).sqrt();
    assert_near(cat, expected, "the mean of unit vectors, from the head for pictures");
    // Texts against texts compete.
    let sum: f32 = classify(text("red cat"), &[]).await.iter().map(|row| row.probability).sum();
    assert_near(sum, 1.0, "a softmax");
}

#[tokio::test]
async fn terms_and_heads_are_told() {
    let space = client().await.served_space().await;
    let license = space.license.clone().unwrap();
    let told = (license.restriction(), license.notice.as_str());
    assert_eq!(told, (v1::UsageRestriction::Research, "Nothing was learnt."));
    let tower = |modality: Modality| space.towers.iter().find(|tower| tower.modality() == modality).unwrap();
    let words = tower(Modality::Text);
    assert_eq!(words.heads, [v1::Head { target: Modality::Image.into(), name: "to_image".into() }]);
    assert_eq!((words.scoring(), words.templates.len()), (v1::Scoring::Softmax, 2));
    let pictures = tower(Modality::Image);
    assert_eq!((pictures.scoring(), pictures.logit_bias, pictures.heads.len()), (v1::Scoring::Sigmoid, -1.0, 0));

    let folder = bundle().display().to_string();
    let inspected = command().args(["bundle", "inspect", &folder]).output().unwrap();
    let said = String::from_utf8(inspected.stdout).unwrap();
    for fact in ["usage research", "notice: Nothing was learnt.", "reference numpy", "fp32", "image: to_image"] {
        assert!(said.contains(fact), "{fact} in {said}");
    }
    let schema = command().args(["bundle", "schema"]).output().unwrap();
    assert_eq!(
        String::from_utf8(schema.stdout).unwrap(),
        std::fs::read_to_string(root().join("docs/bundle.schema.json")).unwrap()
    );
}
