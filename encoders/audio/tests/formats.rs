//! Every format, from its file to its samples; windows and their times.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::sync::Arc;

use common::{golden, samples_of, snr, spec, values, waveform};
use onespace_audio::table::{Audio, Channels, FrontEnd};
use onespace_audio::{AudioPreparer, Pcm, Recording};
use onespace_core::{Error, Patience, Prepare, PrepareRequest, Reason, Span, Track};

fn heard(name: &str) -> Vec<f32> {
    let samples =
        waveform(250).prepare(&PrepareRequest::of(&golden(name))).unwrap_or_else(|error| panic!("{name}: {error}"));
    values(&samples.samples[0]).to_vec()
}

#[test]
fn lossless_formats_are_exact() {
    let source = heard("source.wav");
    for (name, least) in [
        ("pcm_s16le.wav", 120.0),
        ("pcm_s24le.wav", 120.0),
        ("pcm_s32le.wav", 120.0),
        ("pcm_f32le.wav", 120.0),
        ("pcm_f64le.wav", 120.0),
        ("flac16.flac", 120.0),
        ("flac24.flac", 120.0),
        ("alac.m4a", 120.0),
        ("sound.aiff", 120.0),
        ("sound.caf", 120.0),
        ("piped.wav", 120.0),
        ("stereo.wav", 80.0),
        ("pcm_u8.wav", 30.0),
        ("pcm_alaw.wav", 30.0),
        ("pcm_mulaw.wav", 30.0),
        ("adpcm.wav", 20.0),
    ] {
        let ratio = snr(&heard(name), &source);
        println!("{name}: {ratio:.1} dB");
        assert!(ratio > least, "{name}: {ratio:.1} dB");
    }
}

#[test]
fn lossy_formats_sound_alike_and_start_on_time() {
    let source = heard("source.wav");
    for (name, least) in
        [("sound.mp3", 15.0), ("sound.ogg", 15.0), ("vorbis.webm", 15.0), ("sound.m4a", 15.0), ("sound.aac", 0.0)]
    {
        let found = heard(name);
        let shift = (0..3000).max_by(|a, b| snr(&found[*a..], &source).total_cmp(&snr(&found[*b..], &source))).unwrap();
        let ratio = snr(&found, &source);
        println!("{name}: {ratio:.1} dB, at its best {} samples late", shift);
        // ADTS has no place to note the encoder's delay: its sound comes late in every player.
        assert!(if name == "sound.aac" { shift <= 2048 } else { ratio > least }, "{name}: {ratio:.1} dB, {shift} late");
    }
}

#[test]
fn many_channels_become_one() {
    let surround = waveform(250).prepare(&PrepareRequest::of(&golden("surround.wav"))).unwrap().samples;
    assert_eq!(values(&surround[0]).len(), 4000);
    assert!(values(&surround[0]).iter().any(|value| value.abs() > 0.01));
}

#[test]
fn what_is_not_decoded_here_is_named_or_handed_on() {
    for (name, codec) in [("opus.ogg", "Opus"), ("opus.webm", "Opus"), ("ac3.mp4", "AC-3")] {
        let error = waveform(250).prepare(&PrepareRequest::of(&golden(name))).unwrap_err();
        assert_eq!(error.reason, Reason::MediaUnsupported, "{name}: {error}");
        assert!(error.message.contains(codec), "{name}: {error}");
        assert_eq!(error.field, "bytes");

        let fallback =
            Arc::new(|_: &[u8], _: &Patience| Ok(Pcm { rate: 16_000, channels: vec![vec![0.25; 4000]; 2] }.into()));
        let preparer = AudioPreparer::new(&spec(250, FrontEnd::Waveform), Some(fallback)).unwrap();
        assert_eq!(
            values(&preparer.prepare(&PrepareRequest::of(&golden(name))).unwrap().samples[0]),
            [0.25; 4000],
            "{name}"
        );
    }
}

#[test]
fn a_fallback_that_fails_or_panics_fails_its_recording_alone() {
    let prepare = |fallback: fn(&[u8], &Patience) -> onespace_core::Result<Recording>| {
        let preparer = AudioPreparer::new(&spec(250, FrontEnd::Waveform), Some(Arc::new(fallback))).unwrap();
        preparer.prepare(&PrepareRequest::of(&golden("opus.ogg"))).unwrap_err().reason
    };
    assert_eq!(prepare(|_, _| Err(Error::malformed("bytes", "no"))), Reason::MediaMalformed);
    assert_eq!(prepare(|_, _| panic!("on purpose")), Reason::Panicked);
    assert_eq!(prepare(|_, _| Ok(Pcm { rate: 16_000, channels: vec![] }.into())), Reason::MediaEmpty);
}

fn ramp(seconds: f64) -> Pcm {
    Pcm { rate: 16_000, channels: vec![(0..(16_000.0 * seconds) as usize).map(|k| k as f32 * 1e-6).collect()] }
}

#[test]
fn windows_lie_where_their_spans_say() {
    let spans = |spec: &Audio, seconds: f64| -> Vec<(u64, u64)> {
        let samples =
            samples_of(&AudioPreparer::new(spec, None).unwrap(), &ramp(seconds), &Patience::endless()).unwrap();
        for sample in &samples {
            let Span { start_ms, end_ms } = sample.span.unwrap();
            assert_eq!(sample.track, Track::Whole);
            assert_eq!(values(sample).len(), spec.window_ms as usize * 16);
            assert_eq!(values(sample)[0], (start_ms * 16) as f32 * 1e-6);
            assert!(end_ms - start_ms <= u64::from(spec.window_ms));
        }
        samples.iter().map(|sample| sample.span.unwrap()).map(|span| (span.start_ms, span.end_ms)).collect()
    };
    let two_seconds = spec(2000, FrontEnd::Waveform);
    assert_eq!(spans(&two_seconds, 0.5), [(0, 500)]);
    assert_eq!(spans(&two_seconds, 2.0), [(0, 2000)]);
    assert_eq!(spans(&two_seconds, 5.0), [(0, 2000), (2000, 4000), (3000, 5000)]);
    let few = Audio { max_windows: 3, ..two_seconds.clone() };
    assert_eq!(spans(&few, 20.0), [(0, 2000), (9000, 11_000), (18_000, 20_000)]);
    let dense = Audio { hop_ms: 500, ..two_seconds };
    assert_eq!(spans(&dense, 3.0), [(0, 2000), (500, 2500), (1000, 3000)]);
}

#[test]
fn a_short_recording_is_filled_up_with_silence() {
    let samples =
        samples_of(&waveform(1000), &Pcm { rate: 16_000, channels: vec![vec![0.5; 10]] }, &Patience::endless())
            .unwrap();
    let (sound, silence) = values(&samples[0]).split_at(10);
    assert!(sound.iter().all(|value| *value == 0.5) && silence.iter().all(|value| *value == 0.0));
}

#[test]
fn the_first_channel_alone_where_the_manifest_says_so() {
    let pcm = Pcm { rate: 16_000, channels: vec![vec![0.5; 1600], vec![-0.5; 1600]] };
    let first = Audio { channels: Channels::First, ..spec(100, FrontEnd::Waveform) };
    assert_eq!(
        values(&samples_of(&AudioPreparer::new(&first, None).unwrap(), &pcm, &Patience::endless()).unwrap()[0]),
        [0.5; 1600]
    );
    let slope: Vec<f32> = (0..1600).map(|k| k as f32 / 1600.0).collect();
    let pcm = Pcm { rate: 16_000, channels: vec![slope.clone(), slope.iter().map(|value| 0.5 - value).collect()] };
    assert_eq!(values(&samples_of(&waveform(100), &pcm, &Patience::endless()).unwrap()[0]), [0.25; 1600]);
}

#[test]
fn a_front_end_that_does_not_fit_its_window_is_refused() {
    let manifest = r#"
        sample_rate = 16000
        window_ms = 10
        hop_ms = 10
        max_windows = 1
        [front_end]
        kind = "log_mel"
        n_fft = 512
        win_length = 400
        hop_length = 160
        center = true
        power = 2.0
        n_mels = 64
        mel_scale = "htk"
        f_min = 0.0
        f_max = 8000.0
        log = "ln"
        floor = 1e-5
        mean = 0.0
        std = 1.0
    "#;
    let spec: Audio = toml::from_str(manifest).unwrap();
    assert_eq!(AudioPreparer::new(&spec, None).err().unwrap().reason, Reason::BundleInvalid);
}
