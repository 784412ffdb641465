//! Files made to hurt: small ones that claim to be huge, and broken ones that claim to be whole.

use onespace_proto::v1::{self, Modality};

use crate::{client, samples, sound};

/// A hostile file, and what its sender claims it to be.
#[derive(Clone, Debug)]
pub struct Bomb {
    /// What is wrong with it.
    pub name: String,
    /// What is claimed.
    pub modality: Modality,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Bomb {
    fn new(name: impl Into<String>, modality: Modality, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), modality, bytes: bytes.into() }
    }

    /// It as media.
    #[must_use]
    pub fn media(&self) -> v1::Media {
        v1::Media { modality: self.modality.into(), ..client::data(self.bytes.clone()) }
    }
}

/// Files that must be refused.
#[must_use]
pub fn all() -> Vec<Bomb> {
    [images(), sounds(), points(), films(), texts()].concat()
}

/// Pictures whose headers promise more than anybody should decode.
fn images() -> Vec<Bomb> {
    let image = |name: &str, bytes: Vec<u8>| Bomb::new(name, Modality::Image, bytes);
    let mut jpeg = b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01".to_vec();
    jpeg.extend(b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00\x00\x00\xff\xd9");
    let mut gif = b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff".to_vec();
    gif.extend(b",\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;");
    let mut bmp = b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend([100_000_u32.to_le_bytes(), 100_000_u32.to_le_bytes()].concat());
    bmp.extend(b"\x01\0\x18\0".iter().chain(&[0; 24]));
    let mut webp = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f".to_vec();
    webp.extend(0x0fff_ffff_u32.to_le_bytes());
    webp.extend([0; 9]);
    vec![
        image("PNG of 50,000 a side", png(50_000, 50_000, 8)),
        image("PNG of the largest sides", png(u32::MAX >> 1, u32::MAX >> 1, 8)),
        image("PNG of 400 MB decoded", png(16_384, 3_051, 16)),
        image("PNG of no size", png(0, 0, 8)),
        image("JPEG of 65,535 a side", jpeg),
        image("GIF of 65,535 a side", gif),
        image("BMP of 100,000 a side", bmp),
        image("WebP of 16,384 a side", webp),
        image("TIFF of 100,000 a side", tiff()),
        image("PNG signature alone", b"\x89PNG\r\n\x1a\n".to_vec()),
        image("noise that claims to be a picture", noise(7, 5000)),
    ]
}

/// A PNG of colour type RGBA whose data ends at once.
fn png(width: u32, height: u32, depth: u8) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, 6, 0, 0, 0]].concat();
    let empty = b"\x78\x9c\x03\x00\x00\x00\x00\x01";
    for (name, data) in [(b"IHDR", &header[..]), (b"IDAT", empty), (b"IEND", &[])] {
        let body = [&name[..], data].concat();
        file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        file.extend(&body);
        file.extend(crc32(&body).to_be_bytes());
    }
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |register, byte| {
        (0..8).fold(register ^ u32::from(*byte), |register, _| {
            (register >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(register & 1))
        })
    })
}

fn tiff() -> Vec<u8> {
    let entries: [(u16, u32); 8] =
        [(256, 100_000), (257, 100_000), (258, 8), (259, 1), (262, 1), (273, 8), (278, 100_000), (279, 4_000_000_000)];
    let mut file = b"II*\0\x08\0\0\0\x08\0".to_vec();
    for (tag, value) in entries {
        file.extend(tag.to_le_bytes());
        file.extend(4u16.to_le_bytes());
        file.extend(1u32.to_le_bytes());
        file.extend(value.to_le_bytes());
    }
    file.extend([0; 4]);
    file
}

/// Recordings that never end, and headers of nonsense.
fn sounds() -> Vec<Bomb> {
    let audio = |name: &str, bytes: Vec<u8>| Bomb::new(name, Modality::Audio, bytes);
    let mut endless = sound::wav(16_000, &[0; 64]);
    endless[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut tag = b"ID3\x04\x00\x40\x7f\x7f\x7f\x7f\x00\x00\x00\x00\x01\xff".to_vec();
    tag.extend([0xff; 17]);
    let frames: Vec<u8> = (0..200).flat_map(|seed| [b"\xff\xfb\x90\x64".to_vec(), noise(seed, 413)].concat()).collect();
    vec![
        audio("24 hours of silence in a megabyte, told", sound::silent_flac(24 * 60, true)),
        audio("24 hours of silence in a megabyte, not told", sound::silent_flac(24 * 60, false)),
        audio("31 minutes", sound::wav_of(1, 4_000, 1, 8, &vec![128; 31 * 60 * 4_000])),
        audio("WAV of no channels", sound::wav_of(1, 16_000, 0, 16, &[0; 64])),
        audio("WAV of 65,535 channels", sound::wav_of(1, 16_000, u16::MAX, 16, &[0; 64])),
        audio("WAV of 0 Hz", sound::wav_of(1, 0, 1, 16, &[0; 64])),
        audio("WAV of 4 GHz", sound::wav_of(1, u32::MAX, 1, 16, &[0; 64])),
        audio("WAV of 0 bits", sound::wav_of(1, 16_000, 1, 0, &[0; 64])),
        audio("WAV of no samples", sound::wav(16_000, &[])),
        audio("WAV of an unknown codec", sound::wav_of(0xbeef, 16_000, 1, 16, &[0; 64])),
        audio(
            "WAV of floats that are no numbers",
            sound::wav_of(3, 16_000, 1, 32, &f32::NAN.to_le_bytes().repeat(16_000)),
        ),
        audio("ID3 tag of 256 MB in 33 bytes", tag),
        audio("MP3 frames of noise", frames),
        audio(
            "Ogg pages of noise",
            (0..50).flat_map(|seed| [b"OggS\0\x02".to_vec(), noise(seed, 200)].concat()).collect(),
        ),
        audio("FLAC of noise", [b"fLaC\0\0\0\x22".to_vec(), noise(3, 5000)].concat()),
        audio("noise that claims to be a recording", noise(11, 5000)),
    ]
}

/// Point clouds that count further than they reach.
fn points() -> Vec<Bomb> {
    let ply = |name: &str, header: &str, body: &[u8]| {
        let file = [b"ply\n", header.as_bytes(), b"end_header\n", body].concat();
        Bomb::new(name, Modality::PointCloud, file)
    };
    let ascii = "format ascii 1.0\n";
    let binary = "format binary_little_endian 1.0\n";
    let xyz = "property float x\nproperty float y\nproperty float z\n";
    let face = "element face 1\nproperty list char int vertex_indices\n";
    let vertex = |count: &str| format!("element vertex {count}\n{xyz}");
    let million = "1000000000000000000";
    let long_header = format!("{ascii}{}", "comment nothing\n".repeat(20_000));
    let elements: String = (0..5000).map(|index| format!("element e{index} 0\n")).collect();
    let three = "0 0 0\n1 0 0\n0 1 0\n";
    vec![
        ply(
            "PLY of 10^18 elements without properties",
            &format!("{binary}element nothing {million}\n{}", vertex("1")),
            &[0; 12],
        ),
        ply(
            "ASCII PLY of 10^18 elements without properties",
            &format!("{ascii}element nothing {million}\n{}", vertex("1")),
            b"0 0 0\n",
        ),
        ply("PLY of 10^18 points", &format!("{binary}{}", vertex(million)), &[0; 120]),
        ply("ASCII PLY of 10^18 points", &format!("{ascii}{}", vertex(million)), three.as_bytes()),
        ply(
            "PLY of more points than a number holds",
            &format!("{binary}{}", vertex("99999999999999999999999")),
            &[0; 12],
        ),
        ply("PLY of -1 points", &format!("{binary}{}", vertex("-1")), &[0; 12]),
        ply("PLY of no points", &format!("{binary}{}", vertex("0")), &[]),
        ply(
            "PLY of a list of -1 entries",
            &format!("{binary}{}{face}", vertex("1")),
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff],
        ),
        ply(
            "PLY of a list longer than the file",
            &format!("{binary}{}{face}", vertex("1")),
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f],
        ),
        ply("ASCII PLY of words", &format!("{ascii}{}", vertex("3")), b"one two three four five six seven eight nine"),
        ply("ASCII PLY of what is no number", &format!("{ascii}{}", vertex("3")), b"nan nan nan inf inf inf 0 0 0"),
        ply("PLY of what is no number", &format!("{binary}{}", vertex("100")), &f32::NAN.to_le_bytes().repeat(300)),
        ply("PLY of a property of no type", &format!("{binary}element vertex 1\nproperty quaternion x\n"), &[0; 12]),
        ply("PLY without coordinates", &format!("{binary}element vertex 3\nproperty uchar red\n"), &[0; 3]),
        ply("PLY of an endless header", &long_header, &[]),
        ply("PLY of 5000 elements", &format!("{ascii}{elements}"), &[]),
        ply("PLY of no format", &vertex("1"), &[0; 12]),
        Bomb::new("PLY without an end to its header", Modality::PointCloud, format!("ply\n{ascii}{}", vertex("1"))),
        Bomb::new("noise that claims to be points", Modality::PointCloud, noise(13, 5000)),
    ]
}

/// Films that are none, and playlists that would open other files.
fn films() -> Vec<Bomb> {
    let film = |name: &str, bytes: Vec<u8>| Bomb::new(name, Modality::Video, bytes);
    // The control character keeps them from being told as text, so that they reach the decoder.
    let hls = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\x01\nfile:///etc/passwd\n#EXT-X-ENDLIST\n".to_vec();
    let concat = b"ffconcat version 1.0\n# \x01\nfile /etc/passwd\n".to_vec();
    let dash = b"<?xml version=\"1.0\"?><MPD \x01 \
         xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><BaseURL>file:///etc/passwd</BaseURL></MPD>"
        .to_vec();
    vec![
        film("HLS playlist named MP4", hls.clone()),
        Bomb::new("HLS playlist as sound", Modality::Audio, hls),
        film("concat script", concat),
        film("DASH manifest", dash),
        film("MP4 of a first box alone", b"\0\0\0\x18ftypisom\0\0\0\0isomiso2".to_vec()),
        film(
            "MP4 box of 2^63 bytes",
            b"\0\0\0\x18ftypisom\0\0\0\0isomiso2\0\0\0\x01moov\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        ),
        film("Matroska of noise", [b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01V_VP9".to_vec(), noise(5, 5000)].concat()),
        film("AVI", [b"RIFF\xff\xff\xff\x7fAVI LIST".to_vec(), noise(5, 500)].concat()),
        film("noise that claims to be a film", noise(17, 5000)),
    ]
}

fn texts() -> Vec<Bomb> {
    vec![
        Bomb::new("text that is no UTF-8", Modality::Text, b"un caf\xc3\xa9 \xc3 rouge".to_vec()),
        Bomb::new("text over the limit", Modality::Text, vec![b'a'; onespace_core::limits::TEXT_BYTES + 1]),
        Bomb::new("noise that claims to be text", Modality::Text, noise(19, 5000)),
    ]
}

/// Samples of every format cut short and bent; some are still whole enough to be embedded.
#[must_use]
pub fn broken_samples() -> Vec<Bomb> {
    let mut bombs = Vec::new();
    for extension in ["jpg", "png", "webp", "wav", "flac", "mp3", "ogg", "mp4", "webm", "ply"] {
        let sample = samples::with_extension(extension);
        let bytes = &sample.bytes;
        for tenths in [1, 3, 6, 9] {
            bombs.push(Bomb::new(
                format!("{} cut at {tenths}/10", sample.name),
                sample.modality,
                &bytes[..bytes.len() * tenths / 10],
            ));
        }
        for seed in 0..6 {
            let mut bent = bytes.to_vec();
            let hits = noise(seed, 64);
            for pair in hits.chunks_exact(4) {
                let place = u32::from_le_bytes([pair[0], pair[1], pair[2], 0]) as usize % bent.len();
                bent[place] ^= pair[3] | 1;
            }
            bombs.push(Bomb::new(format!("{} bent ({seed})", sample.name), sample.modality, bent));
        }
    }
    bombs.extend(broken_boxes());
    bombs
}

/// A film with one of its boxes filled with ones: counts, sizes, offsets and dimensions beyond everything.
fn broken_boxes() -> Vec<Bomb> {
    let film = samples::named("videos/orange-piano-spinning-01.mp4");
    let boxes = [
        "mvhd", "tkhd", "elst", "mdhd", "hdlr", "stsd", "avc1", "avcC", "mp4a", "esds", "stts", "stss", "ctts", "stsc",
        "stsz", "stco",
    ];
    let broken = boxes.into_iter().filter_map(|name| {
        let place = film.bytes.windows(4).position(|window| window == name.as_bytes())? + 8;
        let mut bytes = film.bytes.to_vec();
        bytes.get_mut(place..place + 16)?.fill(0xff);
        Some(Bomb::new(format!("MP4 with a broken {name}"), Modality::Video, bytes))
    });
    broken.collect()
}

/// The same noise for the same seed (xorshift).
#[must_use]
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}
