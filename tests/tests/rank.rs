//! Ranking: candidates in the order of a question; nothing is stored.

use onespace_proto::v1::{self, Modality, ranked_candidate::Outcome};
use onespace_tests::{
    Client, Server,
    client::{data, part, text, weighted, why},
    samples,
};
use tokio::sync::OnceCell;
use tonic::Code;

async fn client() -> Client {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(Server::start).await.client().await
}

async fn rank(
    client: &Client,
    parts: Vec<v1::QueryPart>,
    candidates: Vec<v1::Media>,
) -> Result<Vec<v1::RankedCandidate>, tonic::Status> {
    let answered = client
        .searching()
        .rank(v1::RankRequest { parts, candidates, calibrate: Some(false), ..Default::default() })
        .await;
    answered.map(|response| response.into_inner().candidates)
}

fn score(candidate: &v1::RankedCandidate) -> Option<f32> {
    match candidate.outcome {
        Some(Outcome::Score(score)) => Some(score),
        _ => None,
    }
}

#[tokio::test]
async fn candidates_of_every_modality_come_in_order() {
    let client = client().await;
    let names = [
        "images/yellow-teapot-01.jpg",
        "points/yellow-teapot-01.ply",
        "videos/yellow-teapot-bouncing-01.mp4",
        "sounds/spoken-yellow-teapot-01.wav",
    ];
    let others = [
        "images/orange-piano-01.jpg",
        "points/green-fish-01.ply",
        "videos/blue-sword-approaching-01.mp4",
        "sounds/spoken-brown-bee-01.flac",
    ];
    let media = names.iter().chain(&others).map(|name| samples::named(name).media()).collect();
    let ranked = rank(&client, vec![part(text("a yellow teapot"))], media).await.unwrap();
    assert_eq!(ranked.len(), 8);
    assert!(ranked.windows(2).all(|pair| score(&pair[0]) >= score(&pair[1])));
    let teapots = ranked.iter().take(4).filter(|candidate| candidate.index < 4).count();
    assert!(teapots >= 3, "{ranked:?}");
}

#[tokio::test]
async fn weights_push_and_pull() {
    let client = client().await;
    let pictures = samples::of(Modality::Image);
    let media: Vec<_> = pictures.iter().map(|sample| sample.media()).collect();
    let place = |ranked: &[v1::RankedCandidate], name: &str| {
        ranked.iter().position(|candidate| pictures[candidate.index as usize].name == name).unwrap()
    };
    let pulled = rank(&client, vec![part(text("a guitar"))], media.clone()).await.unwrap();
    let pushed =
        rank(&client, vec![weighted(text("a guitar"), 1.0), weighted(text("a purple thing"), -0.8)], media.clone())
            .await
            .unwrap();
    let against = rank(&client, vec![weighted(text("a guitar"), -1.0)], media).await.unwrap();
    let guitar = "images/purple-guitar-01.jpg";
    let of = |ranked: &[v1::RankedCandidate]| score(&ranked[place(ranked, guitar)]).unwrap();
    assert!(of(&pushed) < of(&pulled), "{} and {}", of(&pushed), of(&pulled));
    assert!((of(&against) + of(&pulled)).abs() < 1e-4, "the opposite question gives the opposite score");
}

#[tokio::test]
async fn broken_candidates_come_last_with_their_reasons() {
    let client = client().await;
    let before =
        client.collections().list_collections(v1::ListCollectionsRequest::default()).await.unwrap().into_inner();
    let media = vec![data(vec![0, 1, 2]), text("a mug"), v1::Media::default(), text("a table")];
    let ranked = rank(&client, vec![part(text("a mug"))], media).await.unwrap();
    let order: Vec<u32> = ranked.iter().map(|candidate| candidate.index).collect();
    assert_eq!(order[..2], [1, 3]);
    let reasons: Vec<_> = ranked[2..]
        .iter()
        .map(|candidate| match &candidate.outcome {
            Some(Outcome::Error(error)) => (candidate.index, error.reason.as_str(), error.field.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        reasons,
        [(0, "MODALITY_UNKNOWN", "candidates[0].bytes"), (2, "FIELD_REQUIRED", "candidates[2].content")]
    );
    let after =
        client.collections().list_collections(v1::ListCollectionsRequest::default()).await.unwrap().into_inner();
    assert_eq!(before, after, "nothing is stored");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let client = client().await;
    let item = v1::QueryPart { part: Some(v1::query_part::Part::ItemId("mug".to_owned())), ..Default::default() };
    let cases = [
        (vec![], vec![text("a mug")], "FIELD_REQUIRED", "parts"),
        (vec![part(text("a mug"))], vec![], "FIELD_REQUIRED", "candidates"),
        (vec![part(text("a mug"))], vec![text("a mug"); 65], "TOO_MANY", "candidates"),
        (vec![part(text("a mug")); 17], vec![text("a mug")], "TOO_MANY", "parts"),
        (vec![item], vec![text("a mug")], "FIELD_INVALID", "parts[0].item_id"),
        (vec![v1::QueryPart::default()], vec![text("a mug")], "FIELD_REQUIRED", "parts[0].part"),
        (vec![part(data(vec![0, 1]))], vec![text("a mug")], "MODALITY_UNKNOWN", "parts[0].media.bytes"),
    ];
    for (parts, candidates, reason, field) in cases {
        let status = rank(&client, parts, candidates).await.unwrap_err();
        assert_eq!(why(&status), (reason.to_owned(), field.to_owned(), Code::InvalidArgument));
    }
    let nothing =
        rank(&client, vec![weighted(text("a mug"), 1.0), weighted(text("a mug"), -1.0)], vec![text("a mug")]).await;
    assert_eq!(why(&nothing.unwrap_err()).0, "QUERY_CANCELS_OUT");
}
