//! Several media as one vector, both tracks of a video as one, segments of the caller's choice, and how vectors are
//! written.

use onespace_proto::v1::{self, IngestStatus, Modality, Track, VectorEncoding};
use onespace_tests::{
    Client, Server,
    client::{data, outcome, part, parts, question, text, why},
    samples, sound,
    vectors::{assert_sound, cosine},
};
use tokio::sync::OnceCell;
use tonic::{Code, Request};

async fn client() -> Client {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(Server::start).await.client().await
}

const VIDEO: &str = "videos/purple-guitar-bouncing-01.mp4";

async fn embed(client: &Client, media: v1::Media, options: v1::EmbedOptions) -> v1::Embeddings {
    let request = v1::EmbedRequest { items: vec![media], options: Some(options), ..Default::default() };
    let response = client.embedding().embed(request).await.unwrap().into_inner();
    match response.results.into_iter().next().unwrap().outcome.unwrap() {
        v1::embed_result::Outcome::Embeddings(embeddings) => embeddings,
        v1::embed_result::Outcome::Error(error) => panic!("{error:?}"),
    }
}

/// The weighted sum of vectors, scaled to unit length.
fn sum(vectors: &[(&[f32], f32)]) -> Vec<f32> {
    let mut sum = vec![0.0; vectors[0].0.len()];
    for (vector, weight) in vectors {
        sum.iter_mut().zip(*vector).for_each(|(sum, value)| *sum += weight * value);
    }
    let norm = cosine(&sum, &sum).sqrt();
    sum.iter().map(|value| value / norm).collect()
}

fn assert_same(a: &[f32], b: &[f32]) {
    assert!(cosine(a, b) > 0.99999, "{}", cosine(a, b));
}

#[tokio::test]
async fn a_photograph_and_its_caption_are_one_vector() {
    let client = client().await;
    let picture = samples::named("images/yellow-teapot-01.jpg");
    let both = || parts(vec![(picture.media(), 2.0), (text("a yellow teapot"), 1.0)]);
    let embeddings = client.embed(vec![both(), parts(vec![(picture.media(), 3.0)])]).await;
    let one = embeddings[0].as_ref().unwrap();
    assert_eq!((one.len(), one[0].track(), one[0].modality()), (1, Track::Parts, Modality::Image));
    let (image, caption) = (client.vector(picture.media()).await, client.vector(text("a yellow teapot")).await);
    assert_same(&one[0].vector, &sum(&[(&image, 2.0), (&caption, 1.0)]));
    let told: Vec<_> = one[0].parts.iter().map(|part| (part.modality(), part.weight)).collect();
    assert_eq!(told, [(Modality::Image, 2.0), (Modality::Text, 1.0)]);
    let alone = embeddings[1].as_ref().unwrap();
    assert_eq!((alone[0].track(), alone[0].parts.len()), (Track::Whole, 0), "one part is the ordinary case");
    assert_same(&alone[0].vector, &image);

    // It is stored, found, listed and counted as one item, unchanged when it comes again.
    let item = || v1::IngestItem { item_id: "both".into(), media: Some(both()), ..Default::default() };
    let event = client.ingest("together", vec![item()]).await.remove(0);
    assert_eq!((event.status(), event.points, event.modality()), (IngestStatus::Stored, 1, Modality::Image));
    assert_eq!(client.ingest("together", vec![item()]).await[0].status(), IngestStatus::Unchanged);
    let heavier = parts(vec![(picture.media(), 2.5), (text("a yellow teapot"), 1.0)]);
    let heavier = v1::IngestItem { media: Some(heavier), ..item() };
    assert_eq!(client.ingest("together", vec![heavier]).await[0].status(), IngestStatus::Stored, "weights are content");
    client.ingest("together", vec![item()]).await;
    let hits = client.search(question("together", vec![part(both())])).await;
    assert!(hits[0].score > 0.999 && hits[0].track() == Track::Parts, "{hits:?}");
    let request = v1::CountItemsRequest { collection: "together".into(), filter: None };
    assert_eq!(client.collections().count_items(request).await.unwrap().into_inner().items, 1);
    let by_item = v1::QueryPart { part: Some(v1::query_part::Part::ItemId("both".into())), ..Default::default() };
    assert!(client.search(question("together", vec![by_item])).await[0].score > 0.999);

    let opposite = client.embed(vec![parts(vec![(text("a"), 1.0), (text("a"), -1.0)])]).await.remove(0).unwrap_err();
    assert_eq!((opposite.reason.as_str(), opposite.field.as_str()), ("QUERY_CANCELS_OUT", "items[0].parts"));
    let broken =
        client.embed(vec![parts(vec![(text("a"), 1.0), (data(vec![0, 1]), 1.0)])]).await.remove(0).unwrap_err();
    assert_eq!((broken.reason.as_str(), broken.field.as_str()), ("MODALITY_UNKNOWN", "items[0].parts[1].media.bytes"));
}

#[tokio::test]
async fn a_part_without_content_comes_in_chunks() {
    let client = client().await;
    let (picture, sound) = (samples::named("images/yellow-teapot-01.jpg"), sound::long_recording(20).0);
    let later = parts(vec![(v1::Media::default(), 1.0), (text("a teapot"), 1.0), (v1::Media::default(), 1.0)]);
    let item = v1::EmbedItem { request_id: "late".into(), media: Some(later) };
    use v1::embed_stream_request::Message;
    let chunks = |bytes: &bytes::Bytes| onespace_proto::convert::chunks(bytes).map(Message::Chunk).collect::<Vec<_>>();
    let messages = [
        vec![Message::Start(v1::EmbedStart::default()), Message::Item(item)],
        chunks(&picture.bytes),
        chunks(&sound.clone().into()),
    ];
    let messages = messages.concat().into_iter().map(|message| v1::EmbedStreamRequest { message: Some(message) });
    let requests = futures::stream::iter(messages.collect::<Vec<_>>());
    let mut answers = client.embedding().embed_stream(requests).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let late = outcome(answer.result.unwrap()).unwrap().remove(0);
    let at_once = parts(vec![(picture.media(), 1.0), (text("a teapot"), 1.0), (data(sound), 1.0)]);
    assert_same(&late.vector, &client.vector(at_once).await);
}

#[tokio::test]
async fn both_tracks_of_a_video_become_one() {
    let client = client().await;
    let video = samples::named(VIDEO);
    let fusion = |visual, audio| v1::EmbedOptions {
        fusion: Some(v1::TrackFusion { visual_weight: visual, audio_weight: audio }),
        ..Default::default()
    };
    let space = client.fingerprint().await;
    let embeddings = embed(&client, video.media(), fusion(None, Some(0.5))).await.embeddings;
    let tracks: Vec<_> = embeddings.iter().map(v1::Embedding::track).collect();
    assert_eq!(tracks, [Track::Visual, Track::Audio, Track::Fused]);
    assert_same(&embeddings[2].vector, &sum(&[(&embeddings[0].vector, 1.0), (&embeddings[1].vector, 0.5)]));
    assert_eq!(embeddings[2].space_fingerprint, space);
    let plain = embed(&client, video.media(), v1::EmbedOptions::default()).await.embeddings;
    assert_eq!(plain, embeddings[..2], "the others stay as they are");
    let text = embed(&client, text("a mug"), fusion(None, None)).await.embeddings;
    assert_eq!(text.len(), 1, "what has no tracks has no sum of them");

    let item = v1::ingest_request::Message::Item(video.item());
    let event = client.ingest_with("fused", Some(fusion(None, None)), vec![item]).await.unwrap().remove(0);
    assert_eq!(event.points, 3, "{event:?}");
    let query = parts(vec![(video.media(), 1.0)]);
    let hits = client.search(question("fused", vec![part(query)])).await;
    assert_eq!(hits.len(), 1, "a video is found once");
    let nothing = v1::EmbedRequest {
        items: vec![video.media()],
        options: Some(fusion(Some(0.0), Some(0.0))),
        ..Default::default()
    };
    let refused = why(&client.embedding().embed(nothing).await.unwrap_err());
    assert_eq!(refused, ("FIELD_INVALID".into(), "options.fusion".into(), Code::InvalidArgument));
}

#[tokio::test]
async fn segments_are_as_long_as_the_caller_wants() {
    let client = client().await;
    let (file, duration_ms) = sound::long_recording(4);
    let options = |mode: v1::SegmentMode, window_ms, overlap_ms| {
        let segments = v1::Segments { mode: mode.into(), window_ms, overlap_ms, ..Default::default() };
        v1::EmbedOptions { segments: Some(segments), ..Default::default() }
    };
    let off = embed(&client, data(file.clone()), options(v1::SegmentMode::Off, 0, 0)).await.embeddings;
    let tower = embed(&client, data(file.clone()), options(v1::SegmentMode::Tower, 0, 0)).await.embeddings;
    let chosen = embed(&client, data(file.clone()), options(v1::SegmentMode::Window, 1000, 500)).await.embeddings;
    assert_eq!((off.len(), &off[0].vector, &off[0].vector), (1, &tower[0].vector, &chosen[0].vector), "one whole");
    let spans: Vec<_> = chosen[1..].iter().map(|one| (one.span.unwrap().start_ms, one.span.unwrap().end_ms)).collect();
    let count = (duration_ms - 1000).div_ceil(500) + 1;
    assert_eq!(spans.len() as u64, count);
    for (index, (start, end)) in spans.iter().enumerate() {
        let last = (500 * index as u64 + 1000).min(duration_ms);
        assert!(*start == 500 * index as u64 && end.abs_diff(last) <= 1, "{spans:?} of {duration_ms}");
    }
    let space = client.fingerprint().await;
    chosen.iter().for_each(|one| assert_sound(one, Modality::Audio, &space, 256));
    let (long, _) = sound::long_recording(60);
    let request = v1::EmbedRequest {
        items: vec![data(long), text("a mug")],
        options: Some(options(v1::SegmentMode::Window, 100, 0)),
        ..Default::default()
    };
    let mut results = client.embedding().embed(request).await.unwrap().into_inner().results;
    let refused = outcome(results.remove(0)).unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.field.as_str()), ("FIELD_INVALID", "items[0].options.segments"));
    assert!(refused.message.contains("the limit is 64"), "{}", refused.message);
    assert!(outcome(results.remove(0)).is_ok(), "a text has no time");
}

#[tokio::test]
async fn vectors_come_as_bytes_and_answers_fit() {
    let client = client().await;
    let encoded = |encoding: VectorEncoding| {
        let request = v1::EmbedRequest { items: vec![text("a mug")], encoding: encoding.into(), ..Default::default() };
        let client = client.clone();
        async move {
            outcome(client.embedding().embed(request).await.unwrap().into_inner().results.remove(0)).unwrap().remove(0)
        }
    };
    let floats = encoded(VectorEncoding::Floats).await;
    let exact = encoded(VectorEncoding::Float32).await;
    let bytes: Vec<u8> = floats.vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!((exact.vector_float32.to_vec(), exact.vector.len()), (bytes, 0));
    let half = encoded(VectorEncoding::Float16).await;
    assert_eq!((half.vector_float16.len(), half.vector_float32.len(), half.vector.len()), (512, 0, 0));

    // A vector goes back as it came.
    client.ingest("encoded", vec![v1::IngestItem { media: Some(text("a mug")), ..Default::default() }]).await;
    let space_fingerprint = client.fingerprint().await;
    for raw in [
        v1::RawVector { values_float32: exact.vector_float32.clone(), ..Default::default() },
        v1::RawVector { values_float16: half.vector_float16.clone(), ..Default::default() },
    ] {
        let raw = v1::RawVector { space_fingerprint: space_fingerprint.clone(), ..raw };
        let query = v1::QueryPart { part: Some(v1::query_part::Part::Vector(raw)), ..Default::default() };
        assert!(client.search(question("encoded", vec![query])).await[0].score > 0.999);
    }

    // 64 texts take some 70 KB.
    let items: Vec<_> = (0..64).map(|number| text(format!("mug {number}"))).collect();
    let limited = |bytes: &str| {
        let mut request = Request::new(v1::EmbedRequest { items: items.clone(), ..Default::default() });
        request.metadata_mut().insert("onespace-max-answer-bytes", bytes.parse().unwrap());
        let client = client.clone();
        async move { client.embedding().embed(request).await.map(|answer| answer.into_inner().results) }
    };
    let results = limited("20000").await.unwrap();
    let (fit, not): (Vec<_>, Vec<_>) = results.into_iter().map(outcome).partition(Result::is_ok);
    assert!((10..20).contains(&fit.len()) && fit.len() + not.len() == 64, "{}", fit.len());
    let refused = not.into_iter().next().unwrap().unwrap_err();
    assert!(
        refused.reason == "ANSWER_TOO_LARGE" && refused.message.contains("onespace-max-answer-bytes"),
        "{refused:?}"
    );
    assert!(limited("1000000").await.unwrap().into_iter().map(outcome).all(|outcome| outcome.is_ok()));
    for odd in ["0", "-1", "many", "99999999999"] {
        assert_eq!(why(&limited(odd).await.unwrap_err()).1, "onespace-max-answer-bytes");
    }
}

#[tokio::test]
async fn a_document_is_worded_as_the_caller_says() {
    // The shipped space words both alike: then purpose must change nothing.
    let client = client().await;
    let with = |purpose: v1::Purpose| v1::EmbedOptions { purpose: purpose.into(), ..Default::default() };
    let query = embed(&client, text("a mug"), with(v1::Purpose::Query)).await;
    assert_eq!(query, embed(&client, text("a mug"), with(v1::Purpose::Document)).await);
    let odd = v1::EmbedOptions { purpose: 99, ..Default::default() };
    let request = v1::EmbedRequest { items: vec![text("a")], options: Some(odd), ..Default::default() };
    assert_eq!(why(&client.embedding().embed(request).await.unwrap_err()).1, "options.purpose");
}
