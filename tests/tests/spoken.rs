//! A spoken question asks by what it says, and recordings are found by what is said in them: with Whisper base, which
//! `scripts/setup.sh test` brings.

use std::{fs, path::PathBuf};

use onespace_proto::v1::{self, IngestStatus, Modality, SpeechMode, Track, ingest_request::Message};
use onespace_tests::{
    Client, Server, Topology,
    client::{data, embed_item, embed_start, file_messages, outcome, part, parts, question, text, why},
    root, sound,
    speech::{embed, reasons, speech, tracks, whisper},
};
use tokio::sync::OnceCell;

async fn understanding() -> Client {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    let launch = async || {
        let server = Server::start_hearing(Topology::Single, &root().join("bundles/everyday"), &whisper()).await;
        let folders =
            ["images", "sounds", "speech", "videos", "texts"].map(|name| root().join("samples/everyday").join(name));
        let files =
            folders.into_iter().flat_map(|folder| fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()));
        let item = |path: PathBuf| v1::IngestItem {
            item_id: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            media: Some(data(fs::read(&path).unwrap())),
            ..Default::default()
        };
        let events = server.client().await.ingest("samples", files.map(item).collect()).await;
        assert!(events.iter().all(|event| event.error.is_none()), "{events:?}");
        server
    };
    SERVER.get_or_init(launch).await.client().await
}

fn spoken(name: &str) -> v1::Media {
    data(fs::read(root().join("samples/everyday").join(name)).unwrap())
}

fn of(asked: v1::Media, modality: Modality) -> v1::SearchRequest {
    v1::SearchRequest { modalities: vec![modality.into()], ..question("samples", vec![part(asked)]) }
}

#[tokio::test]
async fn a_spoken_question_asks_by_what_it_says() {
    let client = understanding().await;
    let request = of(spoken("speech/where-is-coffee.flac"), Modality::Image);
    let answer = client.searching().search(request).await.unwrap().into_inner();
    assert_eq!(answer.transcripts, ["Where can I find a cup of coffee?"]);
    assert_eq!(answer.hits[0].item.as_ref().unwrap().item_id, "cup-of-coffee");
    let typed = client.search(of(text("Where can I find a cup of coffee?"), Modality::Image)).await;
    let scores = |hits: &[v1::SearchHit]| hits.iter().map(|hit| (hit.score, hit.calibrated_score)).collect::<Vec<_>>();
    assert_eq!(scores(&answer.hits), scores(&typed));

    // By how it sounds it finds those who talk.
    let mut by_sound = of(spoken("speech/where-is-coffee.flac"), Modality::Audio);
    by_sound.parts[0].speech = Some(v1::Speech { mode: SpeechMode::Off.into(), language: String::new() });
    let answer = client.searching().search(by_sound).await.unwrap().into_inner();
    let first: Vec<_> = answer.hits.iter().take(3).map(|hit| hit.item.as_ref().unwrap().item_id.as_str()).collect();
    assert!(answer.transcripts.is_empty());
    assert!(first.contains(&"weather-forecast") && first.contains(&"train-announcement"), "{first:?}");

    let caws = client.searching().search(of(spoken("sounds/crow.flac"), Modality::Image)).await.unwrap().into_inner();
    assert_eq!(caws.transcripts, [""], "a crow says nothing");
}

/// A photograph and a spoken word about it ask together; what is wrong with parts is said as ever.
#[tokio::test]
async fn a_part_of_a_media_may_be_spoken() {
    let client = understanding().await;
    let asks = async |media| client.searching().search(of(media, Modality::Image)).await;
    let said = || spoken("speech/where-is-coffee.flac");
    let both = parts(vec![(spoken("images/cat.jpg"), 0.2), (said(), 1.0)]);
    let answer = asks(both).await.unwrap().into_inner();
    assert_eq!(answer.transcripts, ["Where can I find a cup of coffee?"]);
    assert_eq!(answer.hits[0].item.as_ref().unwrap().item_id, "cup-of-coffee");

    let nested = parts(vec![(parts(vec![(said(), 1.0), (said(), 1.0)]), 1.0)]);
    let field = |status: &tonic::Status| why(status).1;
    assert_eq!(field(&asks(nested).await.unwrap_err()), "parts[0].media.parts[0].media.parts");
    let many = parts(vec![(said(), 1.0); 17]);
    let status = asks(many).await.unwrap_err();
    assert_eq!((why(&status).0.as_str(), field(&status).as_str()), ("TOO_MANY", "parts[0].media.parts"));
    let status = client.searching().search(question("samples", vec![part(said()); 17])).await.unwrap_err();
    assert_eq!((why(&status).0.as_str(), field(&status).as_str()), ("TOO_MANY", "parts"));
}

#[tokio::test]
async fn recordings_are_found_by_what_is_said_in_them() {
    let client = understanding().await;
    for (asked, wanted, words) in [
        ("When does the train leave?", "train-announcement", "Platform 4"),
        ("Wie wird das Wetter morgen?", "weather-forecast", "rain"),
        ("¿Va a llover?", "weather-forecast", "rain"),
    ] {
        let hits = client.search(of(text(asked), Modality::Audio)).await;
        let best = &hits[0];
        assert_eq!((best.item.as_ref().unwrap().item_id.as_str(), best.track()), (wanted, Track::Speech), "{asked}");
        assert!(best.transcript.contains(words), "{}", best.transcript);
    }
}

#[tokio::test]
async fn a_noise_has_no_words() {
    let client = understanding().await;
    for file in fs::read_dir(root().join("samples/everyday/sounds")).unwrap() {
        let path = file.unwrap().path();
        let media = data(fs::read(&path).unwrap());
        let heard = embed(&client, media, v1::EmbedOptions::default()).await.unwrap();
        let talks = path.ends_with("weather-forecast.flac") || path.ends_with("train-announcement.flac");
        assert_eq!(tracks(&heard.embeddings).contains(&Track::Speech), talks, "{}", path.display());
        assert_eq!(reasons(&heard.notes), if talks { vec![] } else { vec!["NO_SPEECH"] }, "{}", path.display());
    }
}

#[tokio::test]
async fn silence_has_no_speech_track_and_says_so() {
    let client = understanding().await;
    let silence = data(sound::wav(16_000, &[0; 32_000]));
    let silent = embed(&client, silence, speech(SpeechMode::On, "de")).await.unwrap();
    assert_eq!((tracks(&silent.embeddings), reasons(&silent.notes)), (vec![Track::Whole], vec!["NO_SPEECH"]));
}

/// Whoever insists is not answered with what was heard of a recording that did not sound like speech.
#[tokio::test]
async fn insisting_listens_again_to_what_was_passed_over() {
    let client = understanding().await;
    let crow = || vec![Message::Item(v1::IngestItem { media: Some(spoken("sounds/crow.flac")), ..Default::default() })];
    let told = async |mode| {
        let events = client.ingest_with("insisted", Some(speech(mode, "")), crow()).await.unwrap();
        (events[0].status(), events[0].notes[..].iter().map(|note| note.message.clone()).collect::<String>())
    };
    let (status, note) = told(SpeechMode::Unspecified).await;
    assert_eq!((status, note.as_str()), (IngestStatus::Stored, "it does not sound as if somebody spoke in it"));
    assert_eq!(told(SpeechMode::On).await.0, IngestStatus::Updated);
    assert_eq!(told(SpeechMode::On).await.0, IngestStatus::Unchanged);
}

/// A recording says by which of its vectors it is near: what is said in it, or how it sounds.
#[tokio::test]
async fn recordings_are_ranked_by_what_is_said_or_how_it_sounds() {
    let client = understanding().await;
    let candidates = ["sounds/crow.flac", "sounds/train-announcement.flac"].map(spoken).to_vec();
    for (asked, first, track) in
        [("departure of a train from a platform", 1, Track::Speech), ("a crow is cawing", 0, Track::Whole)]
    {
        let request = v1::RankRequest {
            parts: vec![part(text(asked))],
            candidates: candidates.clone(),
            calibrate: None,
            ..Default::default()
        };
        let ranked = client.searching().rank(request).await.unwrap().into_inner().candidates;
        assert_eq!((ranked[0].index, ranked[0].track()), (first, track), "{asked}: {ranked:?}");
    }
    let speech = Some(v1::Speech { mode: SpeechMode::Off.into(), language: String::new() });
    let parts = vec![part(text("departure of a train from a platform"))];
    let request = v1::RankRequest { parts, candidates, speech, ..Default::default() };
    let ranked = client.searching().rank(request).await.unwrap().into_inner().candidates;
    assert!(ranked.iter().all(|one| one.track() == Track::Whole), "{ranked:?}");
}

#[tokio::test]
async fn whoever_sends_a_file_in_chunks_gets_what_is_said_too() {
    let client = understanding().await;
    let bytes = fs::read(root().join("samples/everyday/sounds/weather-forecast.flac")).unwrap().into();
    let start = v1::FileStart { media_type: "audio/flac".into(), ..Default::default() };
    let messages = file_messages(start, &bytes);
    let mut events = client.embedding().embed_file(tokio_stream::iter(messages)).await.unwrap().into_inner();
    let mut found = Vec::new();
    while let Some(event) = events.message().await.unwrap() {
        if let Some(v1::embed_file_response::Event::Embedding(embedding)) = event.event {
            found.push(embedding);
        }
    }
    let said: Vec<_> = found.iter().filter(|one| one.track() == Track::Speech).collect();
    assert_eq!(said.len(), 1, "one passage is the whole");
    assert!(said[0].transcript.contains("weather forecast"), "{}", said[0].transcript);
}

#[tokio::test]
async fn a_stream_of_recordings_is_understood_as_well() {
    let client = understanding().await;
    let item = |name: &str| embed_item(name, spoken(name));
    let names = ["speech/where-is-coffee.flac", "sounds/door.flac"];
    let start = embed_start(None);
    let messages: Vec<_> = [start].into_iter().chain(names.map(item)).collect();
    let mut answers = client.embedding().embed_stream(tokio_stream::iter(messages)).await.unwrap().into_inner();
    let mut heard = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        let embeddings = outcome(answer.result.unwrap()).unwrap();
        heard.push((answer.request_id, embeddings.iter().map(|one| one.transcript.clone()).collect::<String>()));
    }
    heard.sort();
    assert_eq!(heard[0], (names[1].to_owned(), String::new()));
    assert_eq!(heard[1], (names[0].to_owned(), "Where can I find a cup of coffee?".to_owned()));
}
