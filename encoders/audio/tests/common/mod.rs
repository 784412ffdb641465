//! What the tests of this crate share.
#![allow(dead_code)] // Each test binary uses its part.

use std::{fs, path::PathBuf};

use onespace_audio::table::{Audio, FrontEnd};
use onespace_audio::{AudioPreparer, Pcm};
use onespace_core::{Patience, Result, Sample, SampleBudget, Segments, TensorData};
use safetensors::{Dtype, SafeTensors};

/// A file of `golden/`.
pub fn golden(name: &str) -> Vec<u8> {
    fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

/// The tensors that a suite expects: an `expected.safetensors` of `golden/`.
pub struct Expected(Vec<u8>);

impl Expected {
    pub fn open(name: &str) -> Self {
        Self(golden(name))
    }

    pub fn floats(&self, name: &str, shape: &[usize]) -> Vec<f32> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let Ok(tensor) = tensors.tensor(name) else { panic!("{name} is not among the expected tensors") };
        assert_eq!((tensor.dtype(), tensor.shape()), (Dtype::F32, shape), "{name}");
        tensor.data().as_chunks::<4>().0.iter().map(|&value| f32::from_le_bytes(value)).collect()
    }
}

/// A manifest's table with windows of `window_ms`, one after the other.
#[allow(dead_code)]
pub fn spec(window_ms: u32, front_end: FrontEnd) -> Audio {
    let table = format!(
        "sample_rate = 16000\nwindow_ms = {window_ms}\nhop_ms = {window_ms}\nmax_windows = 64\n[front_end]\nkind = \
             \"waveform\""
    );
    Audio { front_end, ..toml::from_str(&table).unwrap() }
}

/// A preparer that gives the samples of sound themselves.
#[allow(dead_code)]
pub fn waveform(window_ms: u32) -> AudioPreparer {
    AudioPreparer::new(&spec(window_ms, FrontEnd::Waveform), None).unwrap()
}

/// The samples of audio that is decoded already, without segments of anybody's choice.
#[allow(dead_code)]
pub fn samples_of(preparer: &AudioPreparer, pcm: &Pcm, patience: &Patience) -> Result<Vec<Sample>> {
    preparer.samples_of(std::slice::from_ref(pcm), Segments::Off, SampleBudget::default(), patience)
}

/// The values of a sample's only tensor.
#[allow(dead_code)]
pub fn values(sample: &Sample) -> &[f32] {
    match &sample.tensors[0].data {
        TensorData::F32(values) => values,
        TensorData::I64(_) => panic!("no floats"),
    }
}

/// Signal to noise in decibels.
#[allow(dead_code)]
pub fn snr(found: &[f32], wanted: &[f32]) -> f64 {
    let power = |values: &mut dyn Iterator<Item = f32>| values.map(|value| f64::from(value).powi(2)).sum::<f64>();
    let signal = power(&mut wanted.iter().copied());
    let noise = power(&mut found.iter().zip(wanted).map(|(a, b)| a - b));
    10.0 * (signal / noise.max(1e-30)).log10()
}

/// `frames` frames of 65,535 samples of silence each, by the rules of the format, with an unknown length.
pub fn silent_flac(frames: u64, rate: u32, total: u64) -> Vec<u8> {
    let mut bytes = b"fLaC".to_vec();
    bytes.extend([0x80, 0, 0, 34, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0]);
    // 20 bits of rate, 3 of channels − 1, 5 of bits − 1, 36 of length.
    let packed = u64::from(rate) << 44 | 1 << 41 | 15 << 36 | total;
    bytes.extend(packed.to_be_bytes());
    bytes.extend([0; 16]);
    for number in 0..frames {
        let mut frame = vec![0xff, 0xf8, 0x70, 0x10 | 0x08];
        let number = char::from_u32(u32::try_from(number).unwrap()).unwrap();
        frame.extend(number.to_string().as_bytes());
        frame.extend(65_534_u16.to_be_bytes());
        frame.push(crc(&frame, 0x07, 8) as u8);
        frame.extend([0; 6]);
        frame.extend((crc(&frame, 0x8005, 16) as u16).to_be_bytes());
        bytes.extend(frame);
    }
    bytes
}

fn crc(bytes: &[u8], polynomial: u32, bits: u32) -> u32 {
    let mut value = 0_u32;
    for byte in bytes {
        value ^= u32::from(*byte) << (bits - 8);
        for _ in 0..8 {
            let carry = value >> (bits - 1) & 1;
            value = (value << 1 ^ if carry == 1 { polynomial } else { 0 }) & ((1_u64 << bits) - 1) as u32;
        }
    }
    value
}
