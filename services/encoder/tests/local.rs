//! The shipped bundle from bytes to vectors, and what is refused on the way.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::{fs, sync::Arc, time::Duration};

use common::{bundle, encoder, request, runtime, shipped, spoilt, tone};
use onespace_bundle::Bundle;
use onespace_core::{Deadline, EncodeRequest, Encoder, Modality, Reason, Segments, Span, Track, limits, vector};
use onespace_encoder::{Decoders, Decoding, LocalEncoder, Options};
use onespace_sandbox::Program;

fn served() -> Vec<Modality> {
    let heads = bundle().manifest().towers.heads().iter().map(|head| head.modality).collect::<Vec<_>>();
    heads.into_iter().filter(|modality| cfg!(feature = "video") || *modality != Modality::Video).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tower_of_the_bundle_gives_its_golden_vector() {
    let encoder = encoder(&[]).await;
    let info = encoder.describe().await.unwrap();
    assert_eq!(info.towers.iter().map(|tower| tower.modality).collect::<Vec<_>>(), served());
    for tower in &info.towers {
        println!("{}: golden cosine {:.6}", tower.modality, tower.golden_cosine);
        assert!(tower.golden_cosine >= 0.999, "{tower:?}");
    }
    assert_eq!(&info.space, bundle().space());
    assert!(encoder.alive(Duration::from_secs(30)));
    for head in bundle().manifest().towers.heads() {
        let Ok(()) = encoder.expect(head.modality) else { continue };
        let media = bundle().read(&head.golden.input).unwrap();
        let reply = encoder.encode(request(head.modality, media), Deadline::default()).await.unwrap();
        let whole = &reply.embeddings[0];
        assert_eq!((whole.segment, whole.modality, whole.vector.len()), (0, head.modality, info.space.dimension));
        assert!((vector::norm(&whole.vector) - 1.0).abs() <= vector::UNIT_TOLERANCE);
        let timings = reply.timings;
        assert!(timings.inference_us > 0 && timings.total_us >= timings.inference_us, "{timings:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_process_can_decode_the_server_does() {
    let nowhere = Program { path: "/nowhere/onespace".into(), ..Program::itself(Vec::new()) };
    let options = Options { decoders: Decoders::Sandboxed(nowhere), ..Options::default() };
    let encoder = LocalEncoder::load(&runtime(), &bundle(), &[Modality::Image], &options).await.unwrap();
    assert_eq!(encoder.decoding(), Decoding::InProcess);
    assert!(encoder.info().towers[0].golden_cosine >= 0.999);
    // Nothing is started where no native code meets media.
    let encoder = LocalEncoder::load(&runtime(), &bundle(), &[Modality::Text], &options).await.unwrap();
    assert_eq!(encoder.decoding(), Decoding::Safe);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_has_the_same_vector_alone_and_in_a_crowd() {
    let encoder = encoder(&[Modality::Text]).await;
    let texts: Vec<String> =
        (0..64).map(|at| format!("a red cup number {at} {}", "beside a dog ".repeat(at % 4))).collect();
    let mut alone = Vec::new();
    for text in &texts {
        let reply = encoder.encode(request(Modality::Text, text.clone()), Deadline::default()).await.unwrap();
        assert_eq!(reply.embeddings.len(), 1);
        alone.push(reply.embeddings[0].vector.clone());
    }
    let before = encoder.stats()[0].1;
    let crowd = texts.iter().map(|text| encoder.encode(request(Modality::Text, text.clone()), Deadline::default()));
    let crowd = futures::future::try_join_all(crowd).await.unwrap();
    let after = encoder.stats()[0].1;
    assert!(after.batches - before.batches < 64, "they shared batches: {after:?}");
    for (alone, crowd) in alone.iter().zip(crowd) {
        let cosine = vector::dot(alone, &crowd.embeddings[0].vector);
        assert!(cosine >= 0.9999, "{cosine}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_recording_has_a_whole_and_stretches() {
    let encoder = encoder(&[Modality::Audio]).await;
    let media = tone(7);
    let ask = |segments| EncodeRequest { segments, ..request(Modality::Audio, media.clone()) };
    let wholes = encoder.encode(ask(Segments::Off), Deadline::default()).await.unwrap().embeddings;
    assert_eq!(wholes.len(), 1);
    let all = encoder.encode(ask(Segments::Tower), Deadline::default()).await.unwrap().embeddings;
    assert_eq!(all.iter().map(|one| one.segment).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(all[0].span, Some(Span { start_ms: 0, end_ms: 7000 }));
    assert_eq!(all[0].track, Track::Whole);
    assert!(vector::dot(&all[0].vector, &wholes[0].vector) > 0.9999);
    let mean = vector::mean(all[1..].iter().map(|one| one.vector.as_slice())).unwrap();
    assert!(vector::dot(&mean, &all[0].vector) > 0.9999);
    let short = encoder
        .encode(EncodeRequest { segments: Segments::Tower, ..request(Modality::Audio, tone(1)) }, Deadline::default());
    assert_eq!(short.await.unwrap().embeddings.len(), 1, "one stretch is the whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_refused_with_their_reason() {
    let encoder = encoder(&[Modality::Text, Modality::PointCloud]).await;
    for (request, reason) in [
        (request(Modality::Image, "pixels"), Reason::ModalityNotServed),
        (request(Modality::Text, ""), Reason::MediaEmpty),
        (request(Modality::Text, vec![b'a'; limits::TEXT_BYTES + 1]), Reason::MediaTooLarge),
        (request(Modality::Text, &b"caf\xc3\xa9 and caf\xc3"[..]), Reason::MediaMalformed),
        (request(Modality::PointCloud, "this is no cloud"), Reason::MediaMalformed),
    ] {
        let error = encoder.encode(request, Deadline::default()).await.unwrap_err();
        assert_eq!(error.reason, reason, "{error}");
    }
    let late = encoder.encode(request(Modality::Text, "a cup"), Deadline::after(Duration::ZERO)).await.unwrap_err();
    assert_eq!(late.reason, Reason::DeadlineExceeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_served_or_turned_away_and_leaves_nothing_behind() {
    let encoder = encoder(&[Modality::Text]).await;
    let tasks: Vec<_> = (0..2000)
        .map(|at| {
            let encoder = Arc::clone(&encoder);
            tokio::spawn(async move {
                encoder.encode(request(Modality::Text, format!("cup {at}")), Deadline::default()).await
            })
        })
        .collect();
    let (mut served, mut refused) = (0, 0);
    for (at, task) in tasks.into_iter().enumerate() {
        if at % 7 == 0 {
            task.abort();
        }
        match task.await {
            Ok(Ok(_)) => served += 1,
            Ok(Err(error)) => {
                assert_eq!(error.reason, Reason::QueueFull, "{error}");
                assert!(error.retry_after.is_some());
                refused += 1;
            }
            Err(gone) => assert!(gone.is_cancelled()),
        }
    }
    println!("{served} served, {refused} turned away");
    assert!(served >= limits::PREPARE_QUEUE / 2 && refused > 0);
    // Nothing is left of them: as many as the bound are admitted at once again.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let again = (0..limits::PREPARE_QUEUE)
        .map(|at| encoder.encode(request(Modality::Text, format!("cup {at}")), Deadline::default()));
    futures::future::try_join_all(again).await.unwrap();
    assert_eq!(encoder.stats()[0].1.waiting, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tower_that_is_not_what_it_says_is_never_served() {
    let manifest = bundle();
    let other = manifest.read("golden/image.f32").unwrap();
    let truncated = manifest.read("text.onnx").unwrap();
    let zero: Vec<u8> = {
        let bytes = manifest.read("alignment/image.safetensors").unwrap();
        let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[..header].iter().copied().chain(std::iter::repeat_n(0, bytes.len() - header)).collect()
    };
    let nan: Vec<u8> = [&zero[..zero.len() - 4], &f32::NAN.to_le_bytes()].concat();
    for (file, bytes, modality, field, message) in [
        ("golden/text.f32", other, Modality::Text, "towers.text.golden", "cosine"),
        ("text.onnx", truncated[..truncated.len() / 2].to_vec(), Modality::Text, "towers.text.model", "text.onnx"),
        ("tokenizer.json", b"{}".to_vec(), Modality::Text, "towers.text.preprocess.tokenizer", ""),
        ("alignment/image.safetensors", zero, Modality::Image, "towers.image.golden", ""),
        ("alignment/image.safetensors", nan, Modality::Image, "towers.image.alignment", "not finite"),
    ] {
        let copy = spoilt(file, &bytes);
        let spoilt = Bundle::open(copy.path()).unwrap();
        let error = LocalEncoder::load(&runtime(), &spoilt, &[modality], &Options::default()).await.unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::BundleInvalid, field), "{error}");
        assert!(error.message.contains(message), "{error}");
    }
    // The same copy, not spoilt, is served.
    let copy = spoilt("text.onnx", &manifest.read("text.onnx").unwrap());
    let same = Bundle::open(copy.path()).unwrap();
    assert!(LocalEncoder::load(&runtime(), &same, &[Modality::Text], &Options::default()).await.is_ok());
    assert_eq!(same.space(), manifest.space());
}

#[cfg(feature = "video")]
#[tokio::test(flavor = "multi_thread")]
async fn a_video_goes_to_the_towers_of_its_tracks() {
    let encoder = encoder(&[Modality::Video]).await;
    assert!(encoder.expect(Modality::Audio).is_err(), "the audio tower is there for videos alone");
    let mut tracks = Vec::new();
    for video in fs::read_dir(shipped().join("../../samples/videos")).unwrap().take(8) {
        let video = fs::read(video.unwrap().path()).unwrap();
        let reply = encoder.encode(request(Modality::Video, video), Deadline::default()).await.unwrap();
        assert!(reply.embeddings.iter().all(|one| one.modality == Modality::Video && one.segment == 0));
        tracks.push(reply.embeddings.iter().map(|one| one.track).collect::<Vec<_>>());
    }
    assert!(tracks.contains(&vec![Track::Visual, Track::Audio]), "videos with audio have two wholes: {tracks:?}");
    assert!(tracks.iter().all(|tracks| tracks[0] == Track::Visual), "{tracks:?}");
    let batches = encoder.stats().into_iter().map(|(tower, stats)| (tower, stats.batches)).collect::<Vec<_>>();
    assert!(batches.iter().all(|(_, batches)| *batches > 0) && batches.len() == 2, "{batches:?}");
}
