//! Searches page by page, several at once, and only what really matches.

use onespace_proto::v1::{self, Modality};
use onespace_tests::{
    Client, Server,
    client::{part, question, text, why},
    samples,
};
use tokio::sync::OnceCell;
use tonic::{Code, Request};

const SAMPLES: &str = "samples";

async fn client() -> Client {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    let server = SERVER.get_or_init(|| async {
        let server = Server::start().await;
        server.client().await.store(SAMPLES, samples::all()).await;
        server
    });
    server.await.client().await
}

fn mugs() -> v1::SearchRequest {
    v1::SearchRequest { modalities: vec![Modality::Image.into()], ..question(SAMPLES, vec![part(text("a red mug"))]) }
}

fn ids(hits: &[v1::SearchHit]) -> Vec<String> {
    hits.iter().map(|hit| hit.item.as_ref().unwrap().item_id.clone()).collect()
}

/// All pages, and how many there were.
async fn pages(client: &Client, mut request: v1::SearchRequest) -> (Vec<v1::SearchHit>, usize) {
    let (mut hits, mut count) = (Vec::new(), 0);
    loop {
        let page = client.searching().search(request.clone()).await.unwrap().into_inner();
        assert!(page.hits.len() <= request.limit as usize);
        hits.extend(page.hits);
        count += 1;
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return (hits, count);
        }
    }
}

#[tokio::test]
async fn pages_put_together_are_one_answer() {
    let client = client().await;
    for calibrate in [None, Some(false)] {
        let all = client.search(v1::SearchRequest { limit: 1000, calibrate, ..mugs() }).await;
        assert_eq!(all.len(), samples::of(Modality::Image).len());
        let (hits, count) = pages(&client, v1::SearchRequest { limit: 7, calibrate, ..mugs() }).await;
        assert_eq!((ids(&hits), count), (ids(&all), all.len().div_ceil(7)));
    }
    let everything = v1::SearchRequest { modalities: vec![], limit: 50, ..mugs() };
    let (hits, _) = pages(&client, everything).await;
    let mut once = ids(&hits);
    once.sort();
    once.dedup();
    assert_eq!((hits.len(), once.len()), (samples::all().len(), samples::all().len()), "each item once");

    let first = client.searching().search(v1::SearchRequest { limit: 2, ..mugs() }).await.unwrap().into_inner();
    let other = v1::SearchRequest {
        page_token: first.next_page_token,
        limit: 2,
        ..question(SAMPLES, vec![part(text("a bell"))])
    };
    let refused = why(&client.searching().search(other).await.unwrap_err());
    assert_eq!(refused, ("FIELD_INVALID".into(), "page_token".into(), Code::InvalidArgument));
}

#[tokio::test]
async fn a_page_ends_where_the_answer_would_be_too_large() {
    let client = client().await;
    let view = Some(v1::ItemView { vectors: Some(true), ..Default::default() });
    let limited = |request: v1::SearchRequest| {
        let mut request = Request::new(request);
        request.metadata_mut().insert("onespace-max-answer-bytes", "10000".parse().unwrap());
        let client = client.clone();
        async move { client.searching().search(request).await.map(tonic::Response::into_inner) }
    };
    let request = v1::SearchRequest { limit: 20, view, ..mugs() };
    let page = limited(request.clone()).await.unwrap();
    assert!((3..10).contains(&page.hits.len()) && !page.next_page_token.is_empty(), "{}", page.hits.len());
    let next = limited(v1::SearchRequest { page_token: page.next_page_token, ..request.clone() }).await.unwrap();
    let all = client.search(request.clone()).await;
    let together = [page.hits, next.hits].concat();
    assert_eq!(ids(&together), ids(&all)[..together.len()]);
    let each = v1::SearchRequest { limit_per_modality: 20, ..request };
    assert_eq!(why(&limited(each).await.unwrap_err()).0, "ANSWER_TOO_LARGE");
}

#[tokio::test]
async fn several_searches_are_one_call() {
    let client = client().await;
    let absent = question("nowhere", vec![part(text("a mug"))]);
    let searches =
        vec![mugs(), absent, v1::SearchRequest { limit: 3, ..question(SAMPLES, vec![part(text("a bell"))]) }];
    let request = v1::SearchBatchRequest { searches };
    let results = client.searching().search_batch(request).await.unwrap().into_inner().results;
    use v1::search_result::Outcome;
    let [Some(Outcome::Response(first)), Some(Outcome::Error(error)), Some(Outcome::Response(last))] =
        [0, 1, 2].map(|index: usize| results[index].outcome.clone())
    else {
        panic!("{results:?}")
    };
    assert_eq!(ids(&first.hits), ids(&client.search(mugs()).await));
    assert_eq!((error.reason.as_str(), error.field.as_str()), ("COLLECTION_NOT_FOUND", "searches[1].collection"));
    assert_eq!(last.hits.len(), 3);
    for (count, reason) in [(0, "FIELD_REQUIRED"), (65, "TOO_MANY")] {
        let request = v1::SearchBatchRequest { searches: vec![mugs(); count] };
        assert_eq!(why(&client.searching().search_batch(request).await.unwrap_err()).0, reason);
    }
}

#[tokio::test]
async fn only_what_really_matches_is_answered() {
    let client = client().await;
    let all = client.search(v1::SearchRequest { limit: 1000, ..mugs() }).await;
    let least = all[4].score;
    let enough = client.search(v1::SearchRequest { limit: 1000, score_threshold: Some(least), ..mugs() }).await;
    assert!(enough.len() >= 5 && enough.iter().all(|hit| hit.score >= least));
    let calibrated = |threshold: f32, calibrate| v1::SearchRequest {
        limit: 1000,
        calibrated_score_threshold: Some(threshold),
        calibrate,
        ..mugs()
    };
    let above = all[4].calibrated_score.expect("the shipped space is calibrated");
    let enough = client.search(calibrated(above, None)).await;
    assert_eq!(ids(&enough), ids(&all[..5]));
    assert!(client.search(calibrated(1000.0, None)).await.is_empty());
    let refused = why(&client.searching().search(calibrated(2.0, Some(false))).await.unwrap_err());
    let field = "calibrated_score_threshold".to_owned();
    assert_eq!(refused, ("FIELD_INVALID".into(), field, Code::InvalidArgument));
}
