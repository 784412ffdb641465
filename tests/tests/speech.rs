//! What is said is a track of its own: held with the tiny transcriber, which knows letters. What people would notice is
//! in spoken.rs.

use std::{fs, path::PathBuf};

use onespace_proto::v1::{self, IngestStatus, Modality, SpeechMode, Track, ingest_request::Message};
use onespace_tests::{
    Client, Server, Topology, bombs,
    client::{data, part, question, text, why},
    process::command,
    root, samples, sound,
    speech::{embed, speech, tiny, tracks},
    vectors::cosine,
};
use tokio::sync::OnceCell;
use tonic::Code;

async fn hearing() -> &'static Server {
    static SERVER: OnceCell<Server> = OnceCell::const_new();
    let launch = async || Server::start_hearing(Topology::chosen(), &root().join("bundles/diorama"), &tiny()).await;
    SERVER.get_or_init(launch).await
}

async fn client() -> Client {
    hearing().await.client().await
}

const BEE: &str = "sounds/bee-01.wav";
const FILM: &str = "videos/purple-guitar-bouncing-01.mp4";

#[tokio::test]
async fn what_is_said_is_embedded_as_the_text_that_it_is() {
    let client = client().await;
    let heard = embed(&client, samples::named(BEE).media(), speech(SpeechMode::On, "")).await.unwrap();
    assert_eq!(tracks(&heard.embeddings), [Track::Whole, Track::Speech]);
    let [whole, said] = heard.embeddings.as_slice() else { panic!("{heard:?}") };
    assert!(whole.transcript.is_empty() && !said.transcript.is_empty());
    assert_eq!((said.modality(), said.segment), (Modality::Audio, 0));
    let typed = client.vector(text(said.transcript.clone())).await;
    assert!(cosine(&said.vector, &typed) > 0.9999, "\"{}\"", said.transcript);
    let unheard = embed(&client, samples::named(BEE).media(), speech(SpeechMode::Off, "")).await.unwrap();
    assert_eq!(tracks(&unheard.embeddings), [Track::Whole]);
    assert!(unheard.notes.is_empty() && cosine(&unheard.embeddings[0].vector, &whole.vector) > 0.99999);
    let film = embed(&client, samples::named(FILM).media(), v1::EmbedOptions::default()).await.unwrap();
    assert_eq!(tracks(&film.embeddings), [Track::Visual, Track::Audio, Track::Speech]);
    let picture = embed(&client, samples::with_extension("png").media(), speech(SpeechMode::On, "de")).await.unwrap();
    assert_eq!(tracks(&picture.embeddings), [Track::Whole]);
}

/// A model of chance is unsure of much and says so.
#[tokio::test]
async fn what_is_doubtful_of_a_transcript_is_said() {
    let client = client().await;
    let mut doubts = Vec::new();
    for sample in samples::of(Modality::Audio) {
        let heard = embed(&client, sample.media(), v1::EmbedOptions::default()).await.unwrap();
        assert!(heard.notes.iter().all(|note| note.reason == "TRANSCRIPT_DOUBTFUL"), "{:?}", heard.notes);
        doubts.extend(heard.notes.into_iter().map(|note| note.message));
    }
    assert!(doubts.iter().any(|doubt| doubt.ends_with("s: the model was unsure of what it heard")), "{doubts:?}");
}

#[tokio::test]
async fn a_language_that_is_not_heard_is_named_with_those_that_are() {
    let client = client().await;
    let error = embed(&client, samples::named(BEE).media(), speech(SpeechMode::On, "ja")).await.unwrap_err();
    assert_eq!((error.reason.as_str(), error.field.as_str()), ("FIELD_INVALID", "items[0].options.speech.language"));
    assert!(error.message.contains("en, de, fr are"), "{}", error.message);
    let german = embed(&client, samples::named(BEE).media(), speech(SpeechMode::On, "de")).await.unwrap();
    assert_eq!(tracks(&german.embeddings).last(), Some(&Track::Speech));

    let status =
        client.ingest_with("languages", Some(speech(SpeechMode::Unspecified, "ja")), vec![]).await.unwrap_err();
    assert_eq!(why(&status), ("FIELD_INVALID".into(), "start.options.speech.language".into(), Code::InvalidArgument));
    client.create("languages").await;
    let mut asks = part(samples::named(BEE).media());
    asks.speech = Some(v1::Speech { mode: 0, language: "Klingon".into() });
    let status = client.searching().search(question("languages", vec![asks])).await.unwrap_err();
    assert_eq!(why(&status), ("FIELD_INVALID".into(), "parts[0].speech.language".into(), Code::InvalidArgument));
}

#[tokio::test]
async fn transcripts_are_stored_found_and_kept_true() {
    let client = client().await;
    let items = || vec![Message::Item(samples::named(BEE).item()), Message::Item(samples::named(FILM).item())];
    let ingest = async |options: Option<v1::EmbedOptions>| {
        let events = client.ingest_with("talks", options, items()).await.unwrap();
        events.iter().map(v1::IngestResponse::status).collect::<Vec<_>>()
    };
    assert_eq!(ingest(None).await, [IngestStatus::Stored; 2]);
    assert_eq!(ingest(None).await, [IngestStatus::Unchanged; 2]);

    let request = v1::GetItemRequest { collection: "talks".into(), item_id: BEE.into(), view: None };
    let item = client.collections().get_item(request).await.unwrap().into_inner().item.unwrap();
    let said = item.embeddings.iter().find(|one| one.track() == Track::Speech && one.segment == 0).unwrap();
    assert!(!said.transcript.is_empty());
    let mut request = question("talks", vec![part(text(said.transcript.clone()))]);
    request.modalities = vec![Modality::Audio.into()];
    let hits = client.search(request).await;
    assert_eq!((hits[0].track(), hits[0].transcript.as_str()), (Track::Speech, said.transcript.as_str()));
    assert!(hits[0].score > 0.999, "{}", hits[0].score);

    // Without speech it is another content of the store, and what was said goes.
    assert_eq!(ingest(Some(speech(SpeechMode::Off, ""))).await, [IngestStatus::Updated; 2]);
    let request = v1::GetItemRequest { collection: "talks".into(), item_id: BEE.into(), view: None };
    let item = client.collections().get_item(request).await.unwrap().into_inner().item.unwrap();
    assert!(item.embeddings.iter().all(|one| one.track() == Track::Whole));
    assert_eq!(ingest(Some(speech(SpeechMode::On, "de"))).await, [IngestStatus::Updated; 2]);
    assert_eq!(ingest(Some(speech(SpeechMode::On, "de"))).await, [IngestStatus::Unchanged; 2]);
    assert_eq!(ingest(None).await, [IngestStatus::Updated; 2], "told the language, or left to find out");
}

/// Sound of seventy seconds that the tiny model hears letters in.
fn long() -> v1::Media {
    let noise = bombs::noise(7, 2 * 70 * 16_000);
    let samples: Vec<i16> = noise.as_chunks::<2>().0.iter().map(|two| i16::from_le_bytes(*two) / 4).collect();
    data(sound::wav(16_000, &samples))
}

#[tokio::test]
async fn long_recordings_have_passages_of_their_own() {
    let client = client().await;
    let window = v1::Segments { mode: v1::SegmentMode::Window.into(), window_ms: 20_000, ..Default::default() };
    let tower = v1::Segments { mode: v1::SegmentMode::Tower.into(), ..Default::default() };
    for (segments, most) in [(tower, 30_000), (window, 20_000)] {
        let options = v1::EmbedOptions { segments: Some(segments), ..Default::default() };
        let heard = embed(&client, long(), options).await.unwrap().embeddings;
        assert_eq!(tracks(&heard[..2]), [Track::Whole, Track::Speech], "the wholes come first");
        assert!(heard[..2].iter().all(|one| one.segment == 0) && heard[2..].iter().all(|one| one.segment > 0));
        let passages: Vec<_> = heard[2..].iter().filter(|one| one.track() == Track::Speech).collect();
        assert!(passages.len() >= 70_000 / most, "{}", passages.len());
        for (passage, number) in passages.iter().zip(1..) {
            let span = passage.span.unwrap();
            assert_eq!(passage.segment, number);
            assert!(span.start_ms < span.end_ms && !passage.transcript.is_empty());
            assert!(span.start_ms as usize / most + 1 == number as usize, "{span:?}");
        }
        let all: Vec<_> = passages.iter().map(|passage| passage.transcript.as_str()).collect();
        let words = |text: &str| text.split_whitespace().collect::<String>();
        assert_eq!(words(&all.concat()), words(&heard[1].transcript), "every word is in one of them");
    }
    let fusion = Some(v1::TrackFusion { visual_weight: Some(1.0), audio_weight: Some(0.5) });
    let options = v1::EmbedOptions { fusion, ..Default::default() };
    let film = embed(&client, samples::named(FILM).media(), options).await.unwrap();
    assert_eq!(tracks(&film.embeddings), [Track::Visual, Track::Audio, Track::Fused, Track::Speech]);
}

#[tokio::test]
async fn a_server_says_what_it_hears_with() {
    let server = hearing().await;
    let client = server.client().await;
    let space = client.space().get_space(v1::GetSpaceRequest {}).await.unwrap().into_inner();
    let transcriber = space.transcriber.unwrap();
    assert_eq!((transcriber.name.as_str(), transcriber.languages.len()), ("tiny 1", 3));
    assert_eq!((transcriber.fingerprint.len(), transcriber.license.unwrap().name.as_str()), (64, "Apache-2.0"));
    let (status, page) = server.get("/v1/space");
    assert!(status == 200 && page.contains(r#""transcriber":{"name":"tiny 1""#), "{page}");
}

/// Another one, or none, may hear other words.
#[tokio::test]
async fn what_was_heard_by_another_is_embedded_anew() {
    let bundle = root().join("bundles/diorama");
    let server = Server::start_hearing(Topology::Single, &bundle, &tiny()).await;
    let item = || vec![samples::named(BEE).item()];
    let told = async |server: &Server| server.client().await.ingest("bees", item()).await[0].status();
    assert_eq!(told(&server).await, IngestStatus::Stored);
    let server = server.with_bundle(&bundle).await;
    assert_eq!(told(&server).await, IngestStatus::Updated);
    assert_eq!(told(&server).await, IngestStatus::Unchanged);
}

#[tokio::test]
async fn without_a_transcriber_recordings_are_known_by_their_sound() {
    let server = Server::start().await;
    let client = server.client().await;
    let bee = || samples::named(BEE).media();
    let quiet = embed(&client, bee(), v1::EmbedOptions::default()).await.unwrap();
    assert_eq!((tracks(&quiet.embeddings), quiet.notes.len()), (vec![Track::Whole], 0));
    let error = embed(&client, bee(), speech(SpeechMode::On, "")).await.unwrap_err();
    assert_eq!((error.reason.as_str(), error.code), ("SPEECH_NOT_SERVED", Code::FailedPrecondition as i32));
    assert_eq!(error.field, "items[0].options.speech.mode");
    assert!(error.message.contains("no transcriber"), "{}", error.message);
    let space = client.space().get_space(v1::GetSpaceRequest {}).await.unwrap().into_inner();
    assert!(space.transcriber.is_none());
}

/// What may pass is an error that says so: half an answer would be stored for good.
#[tokio::test]
async fn a_transcriber_that_is_gone_fails_recordings_and_nothing_else() {
    let mut server = Server::start_hearing(Topology::Cluster, &root().join("bundles/diorama"), &tiny()).await;
    let client = server.client().await;
    server.replicas("speech").remove(0).kill();
    let error = embed(&client, samples::named(BEE).media(), v1::EmbedOptions::default()).await.unwrap_err();
    assert_eq!(error.reason, "ENCODER_UNAVAILABLE", "{error:?}");
    let off = speech(SpeechMode::Off, "");
    assert!(embed(&client, samples::named(BEE).media(), off).await.is_ok());
    assert!(embed(&client, text("a bee"), v1::EmbedOptions::default()).await.is_ok());
}

#[test]
fn a_transcriber_that_is_not_there_is_a_clear_sentence() {
    let broken = tempfile::tempdir().unwrap();
    for name in ["encoder.onnx", "decoder.onnx", "tokenizer.json", "transcriber.toml"] {
        fs::copy(tiny().join(name), broken.path().join(name)).unwrap();
    }
    fs::write(broken.path().join("decoder.onnx"), b"something else").unwrap();
    for (folder, said) in [
        (PathBuf::from("/nowhere"), "/nowhere is no directory, so speech is not turned into text"),
        (broken.path().to_owned(), "decoder.onnx"),
    ] {
        let mut up = command();
        up.args(["up", "--bundle"]).arg(root().join("bundles/diorama")).arg("--transcriber").arg(folder);
        up.args(["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"]).arg(broken.path().join("data"));
        let output = up.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(error.contains("--transcriber") && error.contains(said), "{error}");
    }
}
