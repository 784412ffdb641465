//! Search: questions of any modality, answers of any modality.

use std::collections::BTreeMap;

use onespace_proto::v1::{self, Modality, query_part::Part};
use onespace_tests::{
    Client, Sample, Server,
    client::{data, equals, nested, on, part, question, text, weighted, why},
    samples, sound,
};
use tokio::sync::OnceCell;
use tonic::Code;

const MODALITIES: [Modality; 5] =
    [Modality::Text, Modality::Image, Modality::Audio, Modality::Video, Modality::PointCloud];

/// The collection that holds every sample.
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

fn name(hit: &v1::SearchHit) -> &str {
    &hit.item.as_ref().unwrap().item_id
}

fn modality(hit: &v1::SearchHit) -> Modality {
    hit.item.as_ref().unwrap().modality()
}

fn item(name: &str) -> v1::QueryPart {
    v1::QueryPart { part: Some(Part::ItemId(name.to_owned())), ..Default::default() }
}

async fn refused(client: &Client, request: v1::SearchRequest) -> (String, String, Code) {
    why(&client.searching().search(request).await.unwrap_err())
}

/// The share of questions of one modality that find what they show among the first `TOP` of another.
struct Found {
    of: usize,
    found: usize,
}

/// Answers looked at, of about 36 subjects in each modality.
const TOP: u32 = 5;

/// What share of questions must find their subject among the first `TOP` answers of another modality. By chance it is
/// one in seven; the shipped bundle reaches 0.97 to 1 on its samples, all of which show pairs of colour and kind that
/// training never saw. Four of 36 may be missed before something is broken, of films, its weakest modality, seven.
fn least_share(asked: Modality, answered: Modality) -> f32 {
    match (asked, answered) {
        (Modality::Video, _) | (_, Modality::Video) => 0.8,
        _ => 0.88,
    }
}

#[tokio::test]
async fn every_modality_finds_every_other() {
    let client = client().await;
    let mut tally: BTreeMap<(i32, i32), Found> = BTreeMap::new();
    for asked in MODALITIES {
        let subjects: Vec<&Sample> = samples::of(asked)
            .into_iter()
            .filter(|sample| sample.is_coloured() && sample.name.ends_with_first())
            .collect();
        for sample in subjects {
            let request =
                v1::SearchRequest { limit_per_modality: TOP, ..question(SAMPLES, vec![part(sample.media())]) };
            let hits = client.search(request).await;
            for answered in MODALITIES.into_iter().filter(|answered| *answered != asked) {
                let of_it: Vec<_> = hits.iter().filter(|hit| modality(hit) == answered).collect();
                assert_eq!(of_it.len(), TOP as usize, "{}: of every modality as many as were asked for", sample.name);
                let found = of_it.iter().any(|hit| samples::named(name(hit)).shows_the_same_as(sample));
                let entry = tally.entry((asked.into(), answered.into())).or_insert(Found { of: 0, found: 0 });
                entry.of += 1;
                entry.found += usize::from(found);
            }
        }
    }
    assert_eq!(tally.len(), 20, "every ordered pair");
    let mut short = Vec::new();
    for ((asked, answered), Found { of, found }) in tally {
        let (asked, answered) = (Modality::try_from(asked).unwrap(), Modality::try_from(answered).unwrap());
        let share = found as f32 / of as f32;
        println!("{asked:?} → {answered:?}: {found} of {of} ({share:.2})");
        if share < least_share(asked, answered) {
            short.push(format!("{asked:?} → {answered:?}: {share:.2}"));
        }
    }
    assert!(short.is_empty(), "{short:?}");
}

/// One file a subject is enough to ask with.
trait First {
    fn ends_with_first(&self) -> bool;
}

impl First for String {
    fn ends_with_first(&self) -> bool {
        self.contains("-01.")
    }
}

#[tokio::test]
async fn a_file_finds_itself_best() {
    let client = client().await;
    // By the cosine: what is calibrated has another order.
    let ask = |part| v1::SearchRequest { calibrate: Some(false), ..question(SAMPLES, vec![part]) };
    for modality in MODALITIES {
        let sample = samples::some_of(modality, 3)[1];
        let hits = client.search(ask(part(sample.media()))).await;
        assert_eq!(hits.len(), 10, "the default number");
        assert!(hits[0].score > 0.999, "{}: {}", sample.name, hits[0].score);
        assert_eq!(samples::named(name(&hits[0])).bytes, sample.bytes);
        assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score), "best first");
        let answer = client.searching().search(ask(item(&sample.name))).await.unwrap().into_inner();
        assert_eq!(
            answer.hits.iter().map(name).next(),
            hits.iter().map(name).next(),
            "a stored item asks like its file"
        );
        assert_eq!(answer.space_fingerprint, client.fingerprint().await);
        assert!(answer.timings.unwrap().store_us > 0);
    }
}

#[tokio::test]
async fn limits_modalities_and_thresholds_hold() {
    let client = client().await;
    let mug = || vec![part(text("a red mug"))];
    let two = [Modality::Image, Modality::PointCloud];
    let of_two = v1::SearchRequest { modalities: two.map(Into::into).to_vec(), limit: 25, ..question(SAMPLES, mug()) };
    let hits = client.search(of_two.clone()).await;
    assert_eq!(hits.len(), 25);
    assert!(hits.iter().all(|hit| two.contains(&modality(hit))));
    let each = client.search(v1::SearchRequest { limit_per_modality: 3, ..of_two.clone() }).await;
    for wanted in two {
        assert_eq!(each.iter().filter(|hit| modality(hit) == wanted).count(), 3);
    }
    let by_cosine = || v1::SearchRequest { limit: 1000, calibrate: Some(false), ..question(SAMPLES, mug()) };
    let all = client.search(by_cosine()).await;
    assert_eq!(all.len(), samples::all().len(), "an item is found once, however many vectors it has");
    let threshold = all[20].score;
    let best = client.search(v1::SearchRequest { score_threshold: Some(threshold), ..by_cosine() }).await;
    assert!((20..=22).contains(&best.len()) && best.iter().all(|hit| hit.score >= threshold), "{}", best.len());

    let invalid = Code::InvalidArgument;
    let many = v1::SearchRequest { limit: 1001, ..of_two.clone() };
    assert_eq!(refused(&client, many).await, ("FIELD_INVALID".into(), "limit".into(), invalid));
    let odd = v1::SearchRequest { modalities: vec![2, 77], ..of_two };
    assert_eq!(refused(&client, odd).await, ("FIELD_INVALID".into(), "modalities[1].modality".into(), invalid));
}

#[tokio::test]
async fn weights_steer_and_may_not_cancel_out() {
    let client = client().await;
    let images =
        |parts| v1::SearchRequest { modalities: vec![Modality::Image.into()], limit: 100, ..question(SAMPLES, parts) };
    let rank = |hits: &[v1::SearchHit], wanted: &str| hits.iter().position(|hit| name(hit) == wanted).unwrap();
    let plain = client.search(images(vec![part(text("a guitar")), part(text("a mushroom"))])).await;
    let towards = client.search(images(vec![weighted(text("a guitar"), 0.1), weighted(text("a mushroom"), 2.0)])).await;
    let away = client.search(images(vec![weighted(text("a guitar"), 1.0), weighted(text("a mushroom"), -1.0)])).await;
    let (guitar, mushroom) = ("images/purple-guitar-01.jpg", "images/yellow-mushroom-01.jpg");
    assert!(rank(&towards, mushroom) < rank(&towards, guitar));
    assert!(rank(&away, guitar) < rank(&away, mushroom));
    assert!(rank(&away, mushroom) > rank(&plain, mushroom), "a negative weight pushes away");

    let picture = samples::named(guitar);
    let mixed = client
        .search(images(vec![part(picture.media()), part(text("purple")), item("points/purple-guitar-01.ply")]))
        .await;
    assert!(rank(&mixed, guitar) < 3, "parts of different modalities in one question");

    let nothing = images(vec![weighted(text("a mug"), 1.0), weighted(text("a mug"), -1.0)]);
    assert_eq!(refused(&client, nothing).await, ("QUERY_CANCELS_OUT".into(), "parts".into(), Code::InvalidArgument));
    let no_number = images(vec![part(text("a mug")), weighted(text("a mug"), f32::NAN)]);
    assert_eq!(refused(&client, no_number).await.0, "FIELD_INVALID");
}

#[tokio::test]
async fn vectors_come_with_their_space_or_not_at_all() {
    let client = client().await;
    let space = client.fingerprint().await;
    let sample = samples::named("images/blue-snowman-01.webp");
    let values = client.vector(sample.media()).await;
    let ask = |values: Vec<f32>, space: &str| {
        let vector = v1::RawVector { values, space_fingerprint: space.to_owned(), ..Default::default() };
        question(SAMPLES, vec![v1::QueryPart { part: Some(Part::Vector(vector)), ..Default::default() }])
    };
    let hits = client.search(ask(values.clone(), &space)).await;
    assert_eq!(name(&hits[0]), sample.name);

    let foreign = "0123456789abcdef".repeat(4);
    let status = client.searching().search(ask(values.clone(), &foreign)).await.unwrap_err();
    assert_eq!(
        why(&status),
        ("SPACE_MISMATCH".into(), "parts[0].vector.space_fingerprint".into(), Code::FailedPrecondition)
    );
    assert!(
        status.message().contains(&space[..8]) && status.message().contains(&foreign[..8]),
        "both are named: {}",
        status.message()
    );

    let invalid = |field: &str| ("FIELD_INVALID".to_owned(), format!("parts[0].vector.{field}"), Code::InvalidArgument);
    assert_eq!(refused(&client, ask(values.clone(), "")).await.0, "FIELD_REQUIRED");
    assert_eq!(refused(&client, ask(values.clone(), "no fingerprint")).await.0, "FIELD_INVALID");
    assert_eq!(refused(&client, ask(values[..255].to_vec(), &space)).await, invalid("values"));
    assert_eq!(refused(&client, ask(vec![1.0; 256], &space)).await, invalid("values"));
    assert_eq!(refused(&client, ask(vec![f32::NAN; 256], &space)).await, invalid("values"));
}

#[tokio::test]
async fn filters_are_obeyed() {
    let client = client().await;
    let ask = |filter: v1::Filter| v1::SearchRequest {
        filter: Some(filter),
        limit: 1000,
        ..question(SAMPLES, vec![part(text("a mug"))])
    };
    let count = |test: &dyn Fn(&Sample) -> bool| samples::all().iter().filter(|sample| test(sample)).count();

    let pink = ask(v1::Filter { must: vec![equals("colour", "pink")], ..Default::default() });
    let hits = client.search(pink).await;
    assert!(hits.iter().all(|hit| name(hit).contains("pink")));
    assert_eq!(hits.len(), count(&|sample| sample.colour.as_deref() == Some("pink")));

    let images = equals(".modality", "image");
    let either = v1::Filter {
        should: vec![equals("kind", "mug"), equals("kind", "bird")],
        must: vec![images.clone()],
        must_not: vec![equals("colour", "red")],
    };
    let hits = client.search(ask(either.clone())).await;
    let fits = |sample: &Sample| {
        sample.modality == Modality::Image
            && ["mug", "bird"].contains(&sample.kind.as_str())
            && sample.colour.as_deref() != Some("red")
    };
    assert_eq!(hits.len(), count(&fits));
    assert!(!hits.is_empty() && hits.iter().all(|hit| fits(samples::named(name(hit)))));

    let exists = on("colour", v1::field_condition::Matches::Exists(v1::Exists {}));
    let hits =
        client.search(ask(v1::Filter { must: vec![exists.clone(), nested(either)], ..Default::default() })).await;
    assert_eq!(hits.len(), count(&fits));
    let colourless = client.search(ask(v1::Filter { must_not: vec![exists], ..Default::default() })).await;
    assert_eq!(colourless.len(), count(&|sample| !sample.is_coloured()));
    let title = client
        .search(ask(v1::Filter { must: vec![equals(".title", "points/red-mug-01.ply")], ..Default::default() }))
        .await;
    assert_eq!(title.iter().map(name).collect::<Vec<_>>(), ["points/red-mug-01.ply"]);

    let request = v1::ListItemsRequest {
        collection: SAMPLES.to_owned(),
        filter: Some(v1::Filter { must: vec![images], ..Default::default() }),
        page_size: 7,
        ..Default::default()
    };
    assert_eq!(pages(&client, request).await, count(&|sample| sample.modality == Modality::Image));
}

/// Walks all pages, none of which repeats an item, and counts the items.
async fn pages(client: &Client, mut request: v1::ListItemsRequest) -> usize {
    let mut seen = std::collections::BTreeSet::new();
    loop {
        let page = client.collections().list_items(request.clone()).await.unwrap().into_inner();
        assert!(page.items.len() <= request.page_size as usize);
        for item in page.items {
            assert!(seen.insert(item.item_id.clone()), "{} comes twice", item.item_id);
        }
        if page.next_page_token.is_empty() {
            return seen.len();
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn numbers_and_dates_are_compared() {
    use v1::field_condition::Matches;
    let client = client().await;
    let numbered = |year: i64| v1::IngestItem {
        request_id: year.to_string(),
        item_id: year.to_string(),
        media: Some(text(format!("a mug of the year {year}"))),
        metadata: onespace_tests::client::metadata(
            serde_json::json!({"year": year, "price": year as f64 / 8.0, "old": year < 2000}),
        ),
        ..Default::default()
    };
    client.ingest("numbers", (1995..2005).map(numbered).collect()).await;
    let found = |condition: v1::Condition| {
        let client = client.clone();
        async move {
            let filter = v1::Filter { must: vec![condition], ..Default::default() };
            let request = v1::SearchRequest {
                filter: Some(filter),
                limit: 100,
                ..question("numbers", vec![part(text("a mug"))])
            };
            let mut years: Vec<String> = client.search(request).await.iter().map(|hit| name(hit).to_owned()).collect();
            years.sort();
            years
        }
    };
    let any = |value: v1::scalar::Value| Matches::Any(v1::MatchAny { values: vec![v1::Scalar { value: Some(value) }] });
    assert_eq!(found(on("year", any(v1::scalar::Value::Integer(1999)))).await, ["1999"]);
    assert_eq!(found(on("old", any(v1::scalar::Value::Boolean(true)))).await, ["1995", "1996", "1997", "1998", "1999"]);
    assert_eq!(
        found(on("year", Matches::Range(v1::Range { gte: Some(2002.0), lt: Some(2004.0), ..Default::default() })))
            .await,
        ["2002", "2003"]
    );
    assert_eq!(
        found(on("price", Matches::Range(v1::Range { gt: Some(250.25), ..Default::default() }))).await,
        ["2003", "2004"]
    );
}

#[tokio::test]
async fn long_media_answer_once_where_they_match_best() {
    let client = client().await;
    let (file, _) = sound::long_recording(9);
    let long = v1::IngestItem {
        request_id: "long".into(),
        item_id: "long".into(),
        media: Some(data(file)),
        ..Default::default()
    };
    let short = samples::named("sounds/piano-01.flac").item();
    let events = client.ingest("recordings", vec![long, short]).await;
    assert!(events.iter().any(|event| event.item_id == "long" && event.points > 4), "{events:?}");
    let hits = client
        .search(question("recordings", vec![part(samples::named("sounds/spoken-orange-hat-01.wav").media())]))
        .await;
    let mut names: Vec<_> = hits.iter().map(name).collect();
    names.sort_unstable();
    assert_eq!(names, ["long", "sounds/piano-01.flac"], "an item is found once");
    let hit = hits.iter().find(|hit| name(hit) == "long").unwrap();
    assert!(hit.segment > 0, "a stretch is nearer than the whole: {hit:?}");
    let span = hit.span.unwrap();
    assert_eq!(span.end_ms - span.start_ms, 3000);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let client = client().await;
    let mug = || vec![part(text("a mug"))];
    assert_eq!(
        refused(&client, question("nowhere", mug())).await,
        ("COLLECTION_NOT_FOUND".into(), "collection".into(), Code::NotFound)
    );
    assert_eq!(refused(&client, question("", mug())).await.0, "FIELD_REQUIRED");
    assert_eq!(refused(&client, question("a/b", mug())).await.0, "FIELD_INVALID");
    assert_eq!(refused(&client, question(SAMPLES, vec![item("nobody")])).await.0, "ITEM_NOT_FOUND");
    assert_eq!(refused(&client, question(SAMPLES, Vec::new())).await.0, "FIELD_REQUIRED");
    assert_eq!(refused(&client, question(SAMPLES, vec![part(text("a mug")); 17])).await.0, "TOO_MANY");
    client.create("empty").await;
    assert!(client.search(question("empty", mug())).await.is_empty());
}
