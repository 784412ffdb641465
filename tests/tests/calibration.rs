//! Calibration: the scores of different pairs of modalities on one scale.

use std::path::PathBuf;

use onespace_core::vector::dot;
use onespace_proto::v1::{self, Modality, Track, query_part::Part, ranked_candidate::Outcome};
use onespace_tests::{
    Client, Server, Topology, bundle,
    client::{part, question, text, weighted, why},
    process::command,
    readable_bundle, samples,
};
use tokio::sync::OnceCell;
use tonic::Code;

const SAMPLES: &str = "samples";

/// Made up, and far from the truth, so that an order can have one cause only: of what a text finds, sounds come before
/// everything else and films after it. Nothing is said of what sounds find, nor of what clouds find but images.
const PAIRS: [(&str, &str, f32, f32); 11] = [
    ("text", "text", 0.5, 0.25),
    ("text", "image", 0.25, 0.125),
    ("text", "audio", -0.875, 0.0625),
    ("text", "video", 0.9375, 0.03125),
    ("text", "point_cloud", 0.0, 0.5),
    ("image", "text", 0.125, 0.25),
    ("image", "image", 0.375, 0.25),
    ("image", "audio", 0.0, 0.25),
    ("image", "video", 0.25, 0.5),
    ("image", "point_cloud", -0.125, 0.125),
    ("point_cloud", "image", 0.25, 0.25),
];

struct Ground {
    server: Server,
    bundle: PathBuf,
    /// The bundle is in it.
    _folder: tempfile::TempDir,
}

async fn ground() -> &'static Ground {
    static GROUND: OnceCell<Ground> = OnceCell::const_new();
    GROUND
        .get_or_init(|| async {
            let folder = tempfile::tempdir().unwrap();
            let bundle = readable_bundle(folder.path(), &[], &PAIRS);
            let server = Server::launch(Topology::chosen(), &bundle).await;
            server.ready().await;
            server.client().await.store(SAMPLES, samples::all()).await;
            Ground { server, bundle, _folder: folder }
        })
        .await
}

async fn client() -> Client {
    ground().await.server.client().await
}

fn modality(hit: &v1::SearchHit) -> Modality {
    hit.item.as_ref().unwrap().modality()
}

fn name(hit: &v1::SearchHit) -> &str {
    &hit.item.as_ref().unwrap().item_id
}

/// On whose scale it answers.
fn heard_as(track: Track, modality: Modality) -> Modality {
    if track == Track::Audio { Modality::Audio } else { modality }
}

fn heard(hit: &v1::SearchHit) -> Modality {
    heard_as(hit.track(), modality(hit))
}

/// Mean and deviation of a pair.
fn scale(query: &str, item: Modality) -> (f32, f32) {
    let item = onespace_proto::convert::modality_in(item.into()).unwrap().unwrap();
    let found = PAIRS.iter().find(|pair| pair.0 == query && pair.1 == item.name());
    found.map(|pair| (pair.2, pair.3)).unwrap_or_else(|| panic!("{query} → {item}"))
}

fn assert_near(found: Option<f32>, expected: f32) {
    assert!(found.is_some_and(|found| (found - expected).abs() < 1e-3), "{found:?}, not {expected}");
}

fn mug() -> v1::SearchRequest {
    question(SAMPLES, vec![part(text("a red mug"))])
}

#[tokio::test]
async fn answers_come_by_calibrated_score_unless_that_is_refused() {
    let client = client().await;
    let all = client.search(v1::SearchRequest { limit: 1000, ..mug() }).await;
    assert_eq!(all.len(), samples::all().len());
    for hit in &all {
        let (mean, std) = scale("text", heard(hit));
        assert_near(hit.calibrated_score, (hit.score - mean) / std);
    }
    assert!(all.windows(2).all(|pair| pair[0].calibrated_score >= pair[1].calibrated_score), "best first");

    let insisted = client.search(v1::SearchRequest { calibrate: Some(true), limit: 1000, ..mug() }).await;
    assert_eq!(all, insisted);
    let plain = client.search(v1::SearchRequest { calibrate: Some(false), limit: 1000, ..mug() }).await;
    assert!(plain.iter().all(|hit| hit.calibrated_score.is_none()));
    assert!(plain.windows(2).all(|pair| pair[0].score >= pair[1].score), "by the cosine");
    let mut names: [Vec<&str>; 2] = [&all, &plain].map(|hits| hits.iter().map(name).collect());
    assert_ne!(names[0], names[1]);
    names.iter_mut().for_each(|names| names.sort_unstable());
    assert_eq!(names[0], names[1], "the same items in another order");
}

#[tokio::test]
async fn a_film_stands_at_the_better_of_its_pictures_and_its_sound() {
    let client = client().await;
    let asked = client.vector(text("a red mug")).await;
    let films = v1::SearchRequest { modalities: vec![Modality::Video.into()], limit: 1000, ..mug() };
    let found = client.search(films.clone()).await;
    let mut tracks = [0, 0];
    for film in samples::all().iter().filter(|sample| sample.modality == Modality::Video) {
        let parts = client.embed(vec![film.media()]).await.remove(0).unwrap();
        let placed = parts.iter().map(|part| {
            let (mean, std) = scale("text", heard_as(part.track(), Modality::Video));
            (dot(&asked, &part.vector) - mean) / std
        });
        let hits: Vec<_> = found.iter().filter(|hit| name(hit) == film.name).collect();
        assert_eq!(hits.len(), 1, "{} stands once", film.name);
        assert_near(hits[0].calibrated_score, placed.reduce(f32::max).unwrap());
        tracks[usize::from(hits[0].track() == Track::Audio)] += 1;
    }
    assert!(tracks.iter().all(|count| *count > 0), "by their pictures and by their sound: {tracks:?}");
    let few = client.search(v1::SearchRequest { limit: 3, ..films.clone() }).await;
    assert_eq!(few, found[..3]);
    let each = client.search(v1::SearchRequest { limit_per_modality: 4, ..films }).await;
    assert_eq!(each, found[..4]);
}

#[tokio::test]
async fn no_modality_crowds_out_another() {
    let client = client().await;
    let plain = client.search(v1::SearchRequest { calibrate: Some(false), limit: 5, ..mug() }).await;
    assert!(plain.iter().any(|hit| modality(hit) != Modality::Audio), "{plain:?}");
    let found = client.search(v1::SearchRequest { limit: 5, ..mug() }).await;
    let sounding = vec![Modality::Audio.into(), Modality::Video.into()];
    let sounds = v1::SearchRequest { modalities: sounding, limit: 5, ..mug() };
    assert_eq!(found, client.search(sounds).await, "sounds are ahead of all, however low their cosines");
    assert!(found.iter().all(|hit| heard(hit) == Modality::Audio));

    // A threshold is one of cosines, and quotas are kept.
    let threshold = found[2].score;
    let above = client.search(v1::SearchRequest { score_threshold: Some(threshold), limit: 1000, ..mug() }).await;
    assert!(above.iter().all(|hit| hit.score >= threshold) && above.len() < samples::all().len());
    let each = client.search(v1::SearchRequest { limit_per_modality: 2, ..mug() }).await;
    let mut order: Vec<_> = each.iter().map(modality).collect();
    assert_eq!(heard(&each[0]), Modality::Audio);
    assert!(each.windows(2).all(|pair| pair[0].calibrated_score >= pair[1].calibrated_score));
    order.sort_unstable_by_key(|modality| *modality as i32);
    let all = [Modality::Text, Modality::Image, Modality::Audio, Modality::Video, Modality::PointCloud];
    assert_eq!(order, all.map(|modality| [modality; 2]).concat(), "two of each, whichever of a film answered");
    let twice = vec![Modality::Image.into(); 2];
    let hits = client.search(v1::SearchRequest { modalities: twice, limit: 4, ..mug() }).await;
    assert_eq!(hits.len(), 4);
    assert!(hits.windows(2).all(|pair| name(&pair[0]) != name(&pair[1])), "named twice, asked once");
}

#[tokio::test]
async fn parts_weigh_their_statistics() {
    let client = client().await;
    let picture = "images/purple-guitar-01.jpg";
    let item = v1::QueryPart { part: Some(Part::ItemId(picture.to_owned())), weight: Some(-1.0), ..Default::default() };
    let parts = vec![weighted(text("a red mug"), 3.0), item];
    let hits = client.search(v1::SearchRequest { limit: 50, ..question(SAMPLES, parts) }).await;
    for hit in &hits {
        let (text, image) = (scale("text", heard(hit)), scale("image", heard(hit)));
        let (mean, std) = ((3.0 * text.0 + image.0) / 4.0, (3.0 * text.1 + image.1) / 4.0);
        assert_near(hit.calibrated_score, (hit.score - mean) / std);
    }

    // A vector has the modality that it comes with; without one the other parts decide, and alone nothing does.
    let values = client.vector(samples::named(picture).media()).await;
    let space = client.fingerprint().await;
    let vector = |modality: Modality| {
        let raw = v1::RawVector {
            values: values.clone(),
            space_fingerprint: space.clone(),
            modality: modality.into(),
            ..Default::default()
        };
        v1::QueryPart { part: Some(Part::Vector(raw)), ..Default::default() }
    };
    let named = client.search(question(SAMPLES, vec![vector(Modality::Image)])).await;
    let (mean, std) = scale("image", heard(&named[0]));
    assert_near(named[0].calibrated_score, (named[0].score - mean) / std);
    let unsaid = || vector(Modality::Unspecified);
    let with_text = client.search(question(SAMPLES, vec![unsaid(), part(text("pink"))])).await;
    let (mean, std) = scale("text", heard(&with_text[0]));
    assert_near(with_text[0].calibrated_score, (with_text[0].score - mean) / std);
    let alone = client.search(question(SAMPLES, vec![unsaid()])).await;
    assert!(alone.iter().all(|hit| hit.calibrated_score.is_none()) && name(&alone[0]) == picture);
    let insisting = v1::SearchRequest { calibrate: Some(true), ..question(SAMPLES, vec![unsaid()]) };
    let status = client.searching().search(insisting).await.unwrap_err();
    assert_eq!(why(&status), ("NOT_CALIBRATED".into(), "calibrate".into(), Code::FailedPrecondition));
    assert!(status.message().contains("vector.modality"), "{}", status.message());
}

#[tokio::test]
async fn a_pair_that_lacks_is_named_to_who_insists() {
    let client = client().await;
    let cloud = || question(SAMPLES, vec![part(samples::named("points/red-mug-01.ply").media())]);
    let hits = client.search(cloud()).await;
    assert!(hits.iter().all(|hit| hit.calibrated_score.is_none()));
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    let status = client.searching().search(v1::SearchRequest { calibrate: Some(true), ..cloud() }).await.unwrap_err();
    assert_eq!(why(&status), ("NOT_CALIBRATED".into(), "calibrate".into(), Code::FailedPrecondition));
    assert!(status.message().contains("point_cloud → "), "{}", status.message());
    // Of images it is said.
    let images = v1::SearchRequest { modalities: vec![Modality::Image.into()], calibrate: Some(true), ..cloud() };
    let hits = client.search(images).await;
    assert_near(hits[0].calibrated_score, (hits[0].score - 0.25) / 0.25);
}

#[tokio::test]
async fn candidates_are_ranked_alike() {
    let client = client().await;
    let names =
        ["videos/yellow-teapot-bouncing-01.mp4", "images/yellow-teapot-01.jpg", "sounds/spoken-brown-bee-01.flac"];
    let ask = |calibrate, question: v1::Media| {
        let candidates = names.iter().map(|name| samples::named(name).media()).collect();
        let request = v1::RankRequest { parts: vec![part(question)], candidates, calibrate, ..Default::default() };
        let client = client.clone();
        async move { client.searching().rank(request).await.map(|answer| answer.into_inner().candidates) }
    };
    let order = |ranked: &[v1::RankedCandidate]| ranked.iter().map(|one| one.index).collect::<Vec<_>>();
    let ranked = ask(None, text("a yellow teapot")).await.unwrap();
    assert_eq!(order(&ranked), [2, 1, 0], "sounds, then pictures, then films, as the scales have it");
    for (candidate, modality) in ranked.iter().zip([Modality::Audio, Modality::Image, Modality::Video]) {
        let Some(Outcome::Score(score)) = candidate.outcome else { panic!("{candidate:?}") };
        let (mean, std) = scale("text", modality);
        assert_near(candidate.calibrated_score, (score - mean) / std);
    }
    let plain = ask(Some(false), text("a yellow teapot")).await.unwrap();
    assert!(plain.iter().all(|one| one.calibrated_score.is_none()) && order(&plain)[2] == 2, "{plain:?}");
    let sound = samples::named("sounds/spoken-yellow-teapot-01.wav");
    assert!(ask(None, sound.media()).await.unwrap().iter().all(|one| one.calibrated_score.is_none()));
    let status = ask(Some(true), sound.media()).await.unwrap_err();
    assert_eq!(why(&status).0, "NOT_CALIBRATED");
    assert!(status.message().contains("audio → "), "{}", status.message());
}

#[tokio::test]
async fn the_space_tells_its_calibration_and_stays_the_same_space() {
    let ground = ground().await;
    let client = ground.server.client().await;
    let space = client.served_space().await;
    assert_eq!(space.calibration.len(), PAIRS.len());
    let told = space.calibration.iter().find(|pair| (pair.query(), pair.item()) == (Modality::Image, Modality::Video));
    assert!(told.is_some_and(|pair| (pair.mean, pair.std) == (0.25, 0.5)), "{told:?}");
    assert!(ground.server.get("/v1/space").1.contains("\"query\":\"image\""));
    let fingerprint = |bundle: &PathBuf| {
        let output = command().args(["bundle", "inspect", "--json"]).arg(bundle).output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["space_fingerprint"].clone()
    };
    assert_eq!(space.space_fingerprint, fingerprint(&bundle()));
    assert_eq!(space.space_fingerprint, fingerprint(&ground.bundle));
}

#[tokio::test]
async fn the_command_line_tells_both_scores() {
    let endpoint = ground().await.server.endpoint();
    let search = |more: &[&str]| {
        let line = ["search", "-c", SAMPLES, "--text", "a red mug", "--limit", "3", "--endpoint", &endpoint];
        let output = command().args(line).args(more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for line in search(&["--json"]).lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["modality"], "audio");
        let (cosine, score) = (line["score"].as_f64().unwrap(), line["calibrated_score"].as_f64().unwrap());
        assert!((score - (cosine + 0.875) / 0.0625).abs() < 1e-3, "{line}");
    }
    assert!(search(&["--json", "--no-calibrate"]).lines().all(|line| line.contains("\"calibrated_score\":null")));
    assert!(search(&[]).contains('σ') && !search(&["--no-calibrate"]).contains('σ'));
}
