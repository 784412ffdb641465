//! Depth maps, thermal images and inertial measurements through the whole system. The server has proven each tower on
//! the vector that the reference pipeline gives before it answers anything.

use onespace_proto::v1::{self, Modality, media::Content};
use onespace_tests::{
    Client, Server, Topology,
    client::{data, part, text},
    root,
};
use tokio::sync::OnceCell;

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(root().join("tests/bundles/sensors/golden").join(name)).unwrap()
}

async fn client() -> Client {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    let server = SERVER.get_or_init(|| async {
        let server = Server::launch(Topology::chosen(), &root().join("tests/bundles/sensors")).await;
        server.ready().await;
        server
    });
    server.await.client().await
}

fn media(modality: Modality, bytes: Vec<u8>) -> v1::Media {
    v1::Media { modality: modality.into(), ..data(bytes) }
}

fn all() -> [(Modality, v1::Media); 3] {
    [(Modality::Depth, "depth.png"), (Modality::Thermal, "thermal.png"), (Modality::Imu, "imu.csv")]
        .map(|(modality, file)| (modality, media(modality, golden(file))))
}

/// The error of a media that has none of its own.
async fn refused(media: v1::Media) -> v1::ItemError {
    client().await.embed(vec![media]).await.remove(0).unwrap_err()
}

#[tokio::test]
async fn each_is_embedded_stored_and_found_by_the_others() {
    let client = client().await;
    let served: Vec<i32> = client.served_space().await.towers.iter().map(|tower| tower.modality).collect();
    assert_eq!(served, [Modality::Depth as i32, Modality::Thermal as i32, Modality::Imu as i32]);
    let item = |(modality, media): (Modality, v1::Media)| v1::IngestItem {
        item_id: modality.as_str_name().to_owned(),
        media: Some(media),
        ..Default::default()
    };
    let stored = client.ingest("sensors", all().map(item).into()).await;
    assert!(stored.iter().all(|event| event.status() == v1::IngestStatus::Stored), "{stored:?}");
    for (modality, media) in all() {
        let request =
            v1::SearchRequest { collection: "sensors".to_owned(), parts: vec![part(media)], ..Default::default() };
        let hits = client.searching().search(request).await.unwrap().into_inner().hits;
        assert_eq!(hits.len(), 3, "{hits:?}");
        let first = hits[0].item.as_ref().unwrap();
        assert_eq!((first.item_id.as_str(), first.modality()), (modality.as_str_name(), modality));
        assert!(hits[0].score > 0.9999, "{}", hits[0].score);
    }
}

#[tokio::test]
async fn whose_file_it_is_its_sender_says() {
    // A grey image alone is an image, a table alone a text; this server has towers for neither.
    let image = refused(data(golden("depth.png"))).await;
    assert_eq!((image.reason.as_str(), image.message.contains("image")), ("MODALITY_NOT_SERVED", true), "{image:?}");
    assert_eq!(refused(data(golden("imu.csv"))).await.reason, "MODALITY_NOT_SERVED");
    let wrong = refused(media(Modality::Depth, golden("imu.csv"))).await;
    assert_eq!(wrong.reason, "MODALITY_MISMATCH", "{wrong:?}");
    let worded = refused(v1::Media { modality: Modality::Imu.into(), ..text("1,2,3,4,5,6") }).await;
    assert_eq!(worded.reason, "MODALITY_MISMATCH", "{worded:?}");
}

#[tokio::test]
async fn the_rate_may_come_with_the_media_type() {
    let table = String::from_utf8(golden("imu.csv")).unwrap();
    // Without its line of names and its column of times nothing in the file states the rate.
    let bare: Vec<&str> = table.lines().skip(1).filter_map(|line| Some(line.split_once(',')?.1)).collect();
    let bare = bare.join("\n").into_bytes();
    let unstated = refused(media(Modality::Imu, bare.clone())).await;
    assert_eq!(unstated.reason, "MEDIA_UNSUPPORTED");
    assert!(unstated.message.contains("rate=100"), "{unstated:?}");
    let stated = v1::Media { media_type: "text/csv; rate=100".to_owned(), ..media(Modality::Imu, bare) };
    assert!(matches!(stated.content, Some(Content::Data(_))));
    let (timed, stated) = (client().await.vector(all()[2].1.clone()).await, client().await.vector(stated).await);
    let cosine: f32 = timed.iter().zip(&stated).map(|(a, b)| a * b).sum();
    assert!(cosine > 0.9999, "{cosine}");
}

#[tokio::test]
async fn long_measurements_have_segments() {
    let options = v1::EmbedOptions {
        segments: Some(v1::Segments { mode: v1::SegmentMode::Tower.into(), ..Default::default() }),
        ..Default::default()
    };
    let request = v1::EmbedRequest { items: vec![all()[2].1.clone()], options: Some(options), ..Default::default() };
    let response = client().await.embedding().embed(request).await.unwrap().into_inner();
    let Some(v1::embed_result::Outcome::Embeddings(found)) = response.results[0].outcome.clone() else {
        panic!("{response:?}")
    };
    let spans: Vec<_> = found.embeddings.iter().map(|one| (one.segment, one.span.unwrap().start_ms)).collect();
    // Seven seconds in windows of five: the last one ends with them.
    assert_eq!(spans, [(0, 0), (1, 0), (2, 2000)]);
}
