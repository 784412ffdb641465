//! Embedding: any modality in, unit vectors of one space out.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream;
use onespace_proto::v1::{self, Modality, Track, embed_file_request::Message, embed_file_response::Event};
use onespace_tests::{
    Client, Server,
    client::{chunk, data, embed_item, embed_start, outcome, segments, text, why},
    samples, sound,
    vectors::{assert_sound, cosine},
};
use tokio::sync::{OnceCell, mpsc};
use tokio_stream::wrappers::ReceiverStream;

const DIMENSION: usize = 256;

async fn client() -> Client {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    SERVER.get_or_init(Server::start).await.client().await
}

#[tokio::test]
async fn every_sample_becomes_a_unit_vector_of_its_modality() {
    let client = client().await;
    let space = client.fingerprint().await;
    let mut formats = BTreeSet::new();
    let outcomes = client.embed(samples::all().iter().map(samples::Sample::media).collect()).await;
    for (sample, embedded) in samples::all().iter().zip(outcomes) {
        let embeddings = embedded.unwrap_or_else(|error| panic!("{}: {error:?}", sample.name));
        embeddings.iter().for_each(|embedding| assert_sound(embedding, sample.modality, &space, DIMENSION));
        assert!(
            embeddings.iter().all(|embedding| embedding.segment == 0),
            "{}: no stretches were asked for",
            sample.name
        );
        formats.insert(sample.extension());
    }
    assert_eq!(
        formats,
        BTreeSet::from(["flac", "jpg", "mp3", "mp4", "ogg", "ply", "png", "txt", "wav", "webm", "webp"])
    );
}

#[tokio::test]
async fn a_film_has_its_pictures_and_its_sound() {
    let client = client().await;
    let film = samples::named("videos/orange-piano-spinning-01.mp4");
    let both = client.embed(vec![film.media()]).await.remove(0).unwrap();
    let tracks: Vec<_> = both.iter().map(v1::Embedding::track).collect();
    assert_eq!(tracks, [Track::Visual, Track::Audio]);
    let silent = client.embed(vec![samples::with_extension("webm").media()]).await.remove(0).unwrap();
    assert_eq!(silent.iter().map(v1::Embedding::track).collect::<Vec<_>>(), [Track::Visual]);

    // The same file, asked for as a recording, gives the vector of its sound track.
    let as_sound = v1::Media { modality: Modality::Audio.into(), ..film.media() };
    let sound = client.embed(vec![as_sound]).await.remove(0).unwrap();
    assert_eq!((sound.len(), sound[0].modality(), sound[0].track()), (1, Modality::Audio, Track::Whole));
    let likeness = cosine(&sound[0].vector, &both[1].vector);
    assert!(likeness > 0.999, "{likeness}");
}

#[tokio::test]
async fn a_broken_item_fails_alone_with_its_own_error() {
    let client = client().await;
    let picture = samples::with_extension("jpg");
    let items = vec![
        picture.media(),
        data(picture.bytes.slice(..200)),
        text("a yellow teapot"),
        v1::Media::default(),
        v1::Media {
            content: Some(v1::media::Content::Uri("https://example.com/a.jpg".to_owned())),
            ..Default::default()
        },
        v1::Media { modality: Modality::Audio.into(), ..picture.media() },
        data(vec![0, 1, 2, 3]),
        text(""),
        v1::Media { modality: 99, ..text("what is this?") },
        samples::with_extension("ply").media(),
    ];
    let outcomes = client.embed(items).await;
    let told: BTreeMap<usize, (&str, &str, i32)> = outcomes
        .iter()
        .enumerate()
        .filter_map(|(index, outcome)| {
            outcome.as_ref().err().map(|error| (index, (error.reason.as_str(), error.field.as_str(), error.code)))
        })
        .collect();
    let expected = BTreeMap::from([
        (1, ("MEDIA_MALFORMED", "items[1].bytes", 3)),
        (3, ("FIELD_REQUIRED", "items[3].content", 3)),
        (4, ("URI_NOT_ALLOWED", "items[4].uri", 7)),
        (5, ("MODALITY_MISMATCH", "items[5].modality", 3)),
        (6, ("MODALITY_UNKNOWN", "items[6].bytes", 3)),
        (7, ("MEDIA_EMPTY", "items[7].content", 3)),
        (8, ("FIELD_INVALID", "items[8].modality", 3)),
    ]);
    assert_eq!(told, expected);
    assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(|error| !error.message.is_empty()));
}

#[tokio::test]
async fn neither_company_nor_form_changes_a_vector() {
    let client = client().await;
    for modality in [Modality::Text, Modality::Image, Modality::Audio, Modality::Video, Modality::PointCloud] {
        let together: Vec<_> = samples::some_of(modality, 32);
        let batch = client.embed(together.iter().map(|sample| sample.media()).collect()).await;
        for (sample, among_others) in together.iter().zip(batch).step_by(9) {
            let alone = client.vector(sample.media()).await;
            let likeness = cosine(&alone, &among_others.unwrap()[0].vector);
            assert!(likeness >= 0.9999, "{}: {likeness}", sample.name);
        }
    }
    let (typed, filed) = (client.vector(text("a yellow teapot")).await, client.vector(data("a yellow teapot")).await);
    assert!(cosine(&typed, &filed) >= 0.9999);
}

#[tokio::test]
async fn a_list_is_neither_empty_nor_endless() {
    let client = client().await;
    let embed = |items: Vec<v1::Media>| {
        let mut embedding = client.embedding();
        async move { embedding.embed(v1::EmbedRequest { items, ..Default::default() }).await }
    };
    let empty = embed(Vec::new()).await.unwrap_err();
    assert_eq!(why(&empty), ("FIELD_REQUIRED".into(), "items".into(), tonic::Code::InvalidArgument));
    let many = embed(vec![text("a mug"); 65]).await.unwrap_err();
    assert_eq!(why(&many), ("TOO_MANY".into(), "items".into(), tonic::Code::InvalidArgument));
    let most = embed(vec![text("a mug"); 64]).await.unwrap().into_inner();
    assert_eq!(most.results.len(), 64);
    assert!(most.timings.unwrap().total_us > 0);
}

#[tokio::test]
async fn a_stream_is_pipelined_and_answers_by_id() {
    let client = client().await;
    let (sender, requests) = mpsc::channel(64);
    let ask = |id: String, media: v1::Media| embed_item(id, media);
    sender.send(embed_start(None)).await.unwrap();
    let mut answers = client.embedding().embed_stream(ReceiverStream::new(requests)).await.unwrap().into_inner();

    // An answer comes while the stream is open.
    sender.send(ask("first".into(), text("a mug"))).await.unwrap();
    let first = answers.message().await.unwrap().unwrap();
    assert_eq!(first.request_id, "first");

    // Many questions, none of which waits for the answer to another.
    let mixed: Vec<_> = samples::all().iter().step_by(5).collect();
    for sample in &mixed {
        sender.send(ask(sample.name.clone(), sample.media())).await.unwrap();
    }
    sender.send(ask("broken".into(), data(vec![0, 1, 2]))).await.unwrap();
    drop(sender);
    let mut found = BTreeMap::new();
    while let Some(answer) = answers.message().await.unwrap() {
        assert!(answer.timings.is_some());
        assert!(found.insert(answer.request_id, outcome(answer.result.unwrap())).is_none(), "one answer to each");
    }
    let error = found.remove("broken").unwrap().unwrap_err();
    assert_eq!((error.reason.as_str(), error.field.as_str()), ("MODALITY_UNKNOWN", "item.media.bytes"));
    assert_eq!(found.len(), mixed.len());
    for sample in mixed {
        assert_eq!(found[&sample.name].as_ref().unwrap()[0].modality(), sample.modality);
    }
}

#[tokio::test]
async fn a_long_file_comes_in_chunks_and_goes_in_stretches() {
    let client = client().await;
    let (file, duration_ms) = sound::long_recording(9);
    let chunks: Vec<_> = file.chunks(100_000).map(<[u8]>::to_vec).collect();
    let (sender, requests) = mpsc::channel(1);
    let request = |message: Message| v1::EmbedFileRequest { message: Some(message) };
    let start = v1::FileStart { total_bytes: file.len() as u64, ..Default::default() };
    sender.send(request(Message::Start(start))).await.unwrap();
    let mut events = client.embedding().embed_file(ReceiverStream::new(requests)).await.unwrap().into_inner();
    let mut received = 0;
    let count = chunks.len();
    for (index, piece) in chunks.into_iter().enumerate() {
        received += piece.len() as u64;
        sender.send(request(Message::Chunk(chunk(piece, index + 1 == count)))).await.unwrap();
        // Progress is told while the file is still on its way.
        let Some(Event::Progress(progress)) = events.message().await.unwrap().unwrap().event else {
            panic!("no progress")
        };
        assert_eq!((progress.stage(), progress.received_bytes), (v1::FileStage::Receiving, received));
    }
    drop(sender);
    let (mut embeddings, mut embedding_began, mut done) = (Vec::new(), false, None);
    while let Some(event) = events.message().await.unwrap() {
        match event.event.unwrap() {
            Event::Progress(progress) => embedding_began = progress.stage() == v1::FileStage::Embedding,
            Event::Embedding(embedding) => embeddings.push(embedding),
            Event::Done(told) => done = Some(told),
        }
    }
    assert!(embedding_began);
    let done = done.unwrap();
    assert_eq!(done.embeddings as usize, embeddings.len());
    assert!(done.timings.unwrap().total_us > 0);

    let space = client.fingerprint().await;
    embeddings.iter().for_each(|embedding| assert_sound(embedding, Modality::Audio, &space, DIMENSION));
    let spans: Vec<_> = embeddings.iter().map(|embedding| (embedding.segment, embedding.span.unwrap())).collect();
    let whole = spans[0].1;
    assert_eq!((spans[0].0, whole.start_ms), (0, 0));
    assert!(whole.end_ms.abs_diff(duration_ms) <= 1, "{whole:?} of {duration_ms}");
    let stretches = &spans[1..];
    assert_eq!(stretches.len(), (duration_ms as usize).div_ceil(3000), "windows of three seconds");
    assert_eq!(
        stretches.iter().map(|(segment, _)| *segment).collect::<Vec<_>>(),
        (1..=stretches.len() as u32).collect::<Vec<_>>()
    );
    assert_eq!((stretches[0].1.start_ms, stretches.last().unwrap().1.end_ms), (0, whole.end_ms));
    for pair in stretches.windows(2) {
        let gap = pair[1].1.start_ms.saturating_sub(pair[0].1.end_ms);
        assert!(pair[0].1.start_ms < pair[1].1.start_ms && gap == 0, "{pair:?}");
    }
}

#[tokio::test]
async fn a_file_can_be_answered_whole_and_refused_early() {
    let client = client().await;
    let (file, _) = sound::long_recording(5);
    let send = |start: Option<v1::FileStart>, chunks: Vec<v1::Chunk>| {
        let messages = start.map(Message::Start).into_iter().chain(chunks.into_iter().map(Message::Chunk));
        let messages = messages.map(|message| v1::EmbedFileRequest { message: Some(message) });
        let requests = stream::iter(messages.collect::<Vec<_>>());
        let mut embedding = client.embedding();
        async move {
            let mut events = embedding.embed_file(requests).await?.into_inner();
            let mut all = Vec::new();
            while let Some(event) = events.message().await? {
                all.push(event.event.unwrap());
            }
            Ok::<_, tonic::Status>(all)
        }
    };
    let whole = v1::FileStart { options: Some(segments(v1::SegmentMode::Off)), ..Default::default() };
    let events = send(Some(whole), vec![chunk(file.clone(), true)]).await.unwrap();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Embedding(_))).count(), 1);

    let invalid = tonic::Code::InvalidArgument;
    let huge = v1::FileStart { total_bytes: u64::MAX, ..Default::default() };
    assert_eq!(
        why(&send(Some(huge), Vec::new()).await.unwrap_err()),
        ("MEDIA_TOO_LARGE".into(), "start.total_bytes".into(), invalid)
    );
    let headless = send(None, vec![chunk(file, true)]).await.unwrap_err();
    assert_eq!(why(&headless), ("FIELD_REQUIRED".into(), "start".into(), invalid));
    let start = || Some(v1::FileStart::default());
    let large = send(start(), vec![chunk(vec![0; 2 * 1024 * 1024 + 1], true)]).await.unwrap_err();
    assert_eq!(why(&large), ("MEDIA_TOO_LARGE".into(), "chunk.data".into(), invalid));
    let empty = send(start(), vec![chunk(Vec::new(), true)]).await.unwrap_err();
    assert_eq!(why(&empty).0, "MEDIA_EMPTY");
    for cut_short in [vec![], vec![chunk(vec![0; 10], false)]] {
        let endless = send(start(), cut_short).await.unwrap_err();
        assert_eq!(why(&endless), ("FIELD_INVALID".into(), "message".into(), invalid), "no chunk was the last");
    }
    let nothing = send(start(), vec![chunk(Vec::new(), false), chunk(vec![0; 10], true)]).await.unwrap_err();
    assert_eq!(why(&nothing), ("FIELD_INVALID".into(), "chunk.data".into(), invalid));
}
