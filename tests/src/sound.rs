//! Recordings that are made for a test.

use crate::samples;

/// A WAV file of 16-bit mono samples.
#[must_use]
pub fn wav(rate: u32, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    wav_of(1, rate, 1, 16, &data)
}

/// A WAV file of any format: its tag, rate, channels, bits, and the bytes of its samples.
#[must_use]
pub fn wav_of(tag: u16, rate: u32, channels: u16, bits: u16, data: &[u8]) -> Vec<u8> {
    let align = u32::from(channels) * u32::from(bits) / 8;
    let length = u32::try_from(data.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0");
    file.extend(tag.to_le_bytes());
    file.extend(channels.to_le_bytes());
    file.extend(rate.to_le_bytes());
    file.extend((rate.wrapping_mul(align)).to_le_bytes());
    file.extend(u16::try_from(align & 0xffff).unwrap().to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    file
}

/// The rate and the samples of a 16-bit mono WAV file.
#[must_use]
pub fn samples_of(wav: &[u8]) -> (u32, Vec<i16>) {
    let chunk = |name: &[u8; 4]| wav.windows(4).position(|window| window == name).unwrap() + 8;
    let (format, data) = (chunk(b"fmt "), chunk(b"data"));
    let rate = u32::from_le_bytes(wav[format + 4..format + 8].try_into().unwrap());
    (rate, wav[data..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect())
}

/// A recording of at least so many seconds, of spoken samples one after the other, and its length in milliseconds.
#[must_use]
pub fn long_recording(seconds: usize) -> (Vec<u8>, u64) {
    let spoken = samples::all().iter().filter(|sample| sample.extension() == "wav" && sample.is_coloured());
    let spoken: Vec<_> = spoken.map(|sample| samples_of(&sample.bytes)).collect();
    let rate = spoken[0].0;
    let one_round: Vec<i16> =
        spoken.into_iter().filter(|(own, _)| *own == rate).flat_map(|(_, samples)| samples).collect();
    let rounds = (seconds * rate as usize).div_ceil(one_round.len());
    let all = one_round.repeat(rounds);
    (wav(rate, &all), all.len() as u64 * 1000 / u64::from(rate))
}

/// Silence as FLAC: stereo, 16 bits, 44.1 kHz, so many minutes in about twelve kilobytes each. `told`: whether the
/// header says how long it is.
#[must_use]
pub fn silent_flac(minutes: u64, told: bool) -> Vec<u8> {
    const RATE: u64 = 44_100;
    const BLOCK: u64 = 65_535;
    let frames = minutes * 60 * RATE / BLOCK;
    let total = if told { frames * BLOCK } else { 0 };
    let mut file = b"fLaC\x80\0\0\x22".to_vec();
    file.extend([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0]);
    // 20 bits of rate, 3 of channels - 1, 5 of bits - 1, 36 of samples.
    file.extend((RATE << 44 | 1 << 41 | 15 << 36 | total).to_be_bytes());
    file.extend([0; 16]);
    for number in 0..frames {
        let mut frame = vec![0xff, 0xf8, 0x70, 0x18];
        frame.extend(long_utf8(number));
        frame.extend([0xff, 0xfe]);
        frame.push(crc(&frame, 0x07, 8) as u8);
        // Two constant subframes of the value 0.
        frame.extend([0, 0, 0, 0, 0, 0]);
        let check = crc(&frame, 0x8005, 16);
        frame.extend(check.to_be_bytes());
        file.extend(frame);
    }
    file
}

/// The numbering of FLAC's frames: UTF-8, continued beyond Unicode.
fn long_utf8(number: u64) -> Vec<u8> {
    match number {
        0..0x80 => vec![number as u8],
        0x80..0x800 => vec![0xc0 | (number >> 6) as u8, 0x80 | (number & 0x3f) as u8],
        _ => vec![0xe0 | (number >> 12) as u8, 0x80 | (number >> 6 & 0x3f) as u8, 0x80 | (number & 0x3f) as u8],
    }
}

fn crc(bytes: &[u8], polynomial: u16, width: u32) -> u16 {
    let (top, mask) = (1u32 << (width - 1), (1u32 << width) - 1);
    let mut register = 0u32;
    for byte in bytes {
        register ^= u32::from(*byte) << (width - 8);
        for _ in 0..8 {
            register = if register & top == 0 { register << 1 } else { (register << 1) ^ u32::from(polynomial) } & mask;
        }
    }
    register as u16
}
