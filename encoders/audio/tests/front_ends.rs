//! Features against torchaudio's, and resampling against filters of other makes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::time::Instant;

use common::{Expected, golden, samples_of, snr, spec, values, waveform};
use onespace_audio::table::{FrontEnd, KaldiFbank, KaldiWindow, LogKind, LogMel, MelNorm, MelScale};
use onespace_audio::{AudioPreparer, Pcm};
use onespace_core::{Patience, Prepare, PrepareRequest};

/// The largest difference of any value from the golden one.
fn difference(front_end: FrontEnd, name: &str, shape: [usize; 2]) -> f32 {
    let preparer = AudioPreparer::new(&spec(1000, front_end), None).unwrap();
    let samples = preparer.prepare(&PrepareRequest::of(&golden("sound.wav"))).unwrap().samples;
    assert_eq!(samples.len(), 1);
    assert_eq!(samples[0].tensors[0].shape, shape);
    let wanted = Expected::open("expected.safetensors").floats(name, &shape);
    assert_eq!(values(&samples[0]).len(), wanted.len());
    let worst = values(&samples[0]).iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("{name}: at most {worst:.2e} apart");
    worst
}

fn mel() -> LogMel {
    LogMel {
        n_fft: 512,
        win_length: 400,
        hop_length: 160,
        center: true,
        power: 2.0,
        n_mels: 64,
        mel_scale: MelScale::Htk,
        mel_norm: MelNorm::None,
        f_min: 0.0,
        f_max: 8000.0,
        log: LogKind::Ln,
        floor: 1e-5,
        mean: 0.0,
        std: 1.0,
    }
}

#[test]
fn log_mel_is_torchaudios() {
    assert!(difference(FrontEnd::LogMel(mel()), "mel_htk", [64, 101]) < 1e-3);
    let slaney = LogMel {
        n_fft: 1024,
        win_length: 1024,
        hop_length: 320,
        center: false,
        mel_scale: MelScale::Slaney,
        mel_norm: MelNorm::Slaney,
        f_min: 50.0,
        f_max: 7600.0,
        log: LogKind::Db,
        floor: 1e-10,
        ..mel()
    };
    assert!(difference(FrontEnd::LogMel(slaney), "mel_slaney", [64, 47]) < 1e-3);
    let magnitude = LogMel {
        n_fft: 400,
        win_length: 320,
        power: 1.0,
        n_mels: 40,
        mel_scale: MelScale::Slaney,
        f_min: 20.0,
        floor: 1e-3,
        ..mel()
    };
    assert!(difference(FrontEnd::LogMel(magnitude), "mel_magnitude", [40, 101]) < 1e-3);
}

#[test]
fn a_spectrogram_is_normalised_by_the_manifest() {
    let sound = golden("sound.wav");
    let features = |spec_mel| {
        let preparer = AudioPreparer::new(&spec(1000, FrontEnd::LogMel(spec_mel)), None).unwrap();
        values(&preparer.prepare(&PrepareRequest::of(&sound)).unwrap().samples[0]).to_vec()
    };
    let (plain, scaled) = (features(mel()), features(LogMel { mean: -4.0, std: 2.0, ..mel() }));
    assert!(plain.iter().zip(&scaled).all(|(a, b)| ((a + 4.0) / 2.0 - b).abs() < 1e-5));
}

#[test]
fn kaldi_is_kaldi() {
    let hanning = KaldiFbank {
        n_mels: 64,
        frames: 104,
        window: KaldiWindow::Hanning,
        subtract_mean: true,
        pad_value: 0.0,
        mean: -4.268,
        std: 9.138,
    };
    assert!(difference(FrontEnd::KaldiFbank(hanning.clone()), "kaldi_hanning", [64, 104]) < 1e-3);
    let povey = KaldiFbank { n_mels: 40, frames: 60, window: KaldiWindow::Povey, subtract_mean: false, ..hanning };
    assert!(difference(FrontEnd::KaldiFbank(povey), "kaldi_povey", [40, 60]) < 1e-3);
}

#[test]
fn resampling_agrees_with_the_best_and_keeps_time() {
    let found = waveform(500).prepare(&PrepareRequest::of(&golden("high.wav"))).unwrap().samples;
    let expected = Expected::open("expected.safetensors");
    let kaiser = expected.floats("high_best", &[8000]);
    let default = expected.floats("high_torchaudio", &[8000]);
    assert_eq!(values(&found[0]).len(), 8000);
    let inner = |values: &[f32]| values[800..7200].to_vec();
    let within = snr(&inner(values(&found[0])), &inner(&kaiser));
    println!("44.1 to 16 kHz: {within:.1} dB against a Kaiser sinc of 128 zeros, the edges left out");
    assert!(within > 80.0, "{within}");
    let (best, torchaudio) = (snr(values(&found[0]), &kaiser), snr(values(&found[0]), &default));
    println!("44.1 to 16 kHz: {best:.1} dB against a Kaiser sinc of 128 zeros, {torchaudio:.1} dB against torchaudio");
    assert!(best > 60.0, "{best}");
    assert!(torchaudio > 30.0, "{torchaudio}");
}

#[test]
fn ten_seconds_take_milliseconds() {
    let fastest = |rate: u32, spec: &onespace_audio::table::Audio| {
        let tone = |k: u32| (k as f32 * 0.05).sin();
        let pcm = Pcm { rate, channels: vec![(0..10 * rate).map(tone).collect(); 2] };
        let preparer = AudioPreparer::new(spec, None).unwrap();
        let time = || {
            let start = Instant::now();
            assert_eq!(samples_of(&preparer, &pcm, &Patience::endless()).unwrap().len(), 5);
            start.elapsed()
        };
        (0..5).map(|_| time()).min().unwrap()
    };
    let log_mel = spec(2000, FrontEnd::LogMel(mel()));
    for rate in [16_000, 44_100, 48_000] {
        let waveform = fastest(rate, &spec(2000, FrontEnd::Waveform));
        let features = fastest(rate, &log_mel);
        println!("10 s of stereo at {rate} Hz: {waveform:?} to 16 kHz, {features:?} to log-mel");
        assert!(features.as_millis() < 500, "{features:?}");
    }
}
