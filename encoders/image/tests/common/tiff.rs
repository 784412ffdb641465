//! TIFF files, written by hand: as few lines as will do, any tag, either order, either kind.

use std::io::Write;

/// What a file consists of.
#[derive(Clone)]
pub struct Tiff {
    pub size: (u32, u32),
    /// Bits of each sample.
    pub bits: Vec<u64>,
    pub photometric: u64,
    pub compression: u64,
    /// Other tags, all of words.
    pub tags: Vec<(u16, Vec<u64>)>,
    /// Pixels across and down of a tile, or of a strip as wide as the picture.
    pub chunk: (u32, u32),
    /// Strips or tiles, not compressed yet.
    pub chunks: Vec<Vec<u8>>,
    pub big: bool,
    pub little: bool,
}

impl Tiff {
    /// One strip of bytes.
    pub fn new(size: (u32, u32), bits: &[u64], photometric: u64, strip: Vec<u8>) -> Self {
        let (bits, chunks) = (bits.to_vec(), vec![strip]);
        let (big, little, compression, tags) = (false, true, 1, Vec::new());
        Self { size, bits, photometric, compression, tags, chunk: size, chunks, big, little }
    }

    pub fn tag(mut self, tag: u16, values: &[u64]) -> Self {
        self.tags.push((tag, values.to_vec()));
        self
    }

    fn number(&self, value: u64, bytes: usize) -> Vec<u8> {
        let mut number = value.to_le_bytes()[..bytes].to_vec();
        if !self.little {
            number.reverse();
        }
        number
    }

    fn packed(&self, chunk: &[u8]) -> Vec<u8> {
        match self.compression {
            5 => weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(chunk).unwrap(),
            8 => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(chunk).unwrap();
                encoder.finish().unwrap()
            }
            32_773 => chunk.chunks(100).flat_map(|run| [&[run.len() as u8 - 1], run].concat()).collect(),
            _ => chunk.to_vec(),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let word = if self.big { 8 } else { 4 };
        let mut file = if self.little { b"II".to_vec() } else { b"MM".to_vec() };
        file.extend(self.number(if self.big { 43 } else { 42 }, 2));
        if self.big {
            file.extend([self.number(8, 2), self.number(0, 2)].concat());
        }
        let pointer = file.len();
        file.extend(vec![0; word]);
        let (mut offsets, mut counts) = (Vec::new(), Vec::new());
        for chunk in &self.chunks {
            let packed = self.packed(chunk);
            offsets.push(file.len() as u64);
            counts.push(packed.len() as u64);
            file.extend(packed);
        }
        let (width, height) = (u64::from(self.size.0), u64::from(self.size.1));
        let (across, down) = (u64::from(self.chunk.0), u64::from(self.chunk.1));
        let mut tags = vec![
            (256, vec![width]),
            (257, vec![height]),
            (258, self.bits.clone()),
            (259, vec![self.compression]),
            (262, vec![self.photometric]),
            (277, vec![self.bits.len() as u64]),
        ];
        if self.chunk.0 == self.size.0 {
            tags.extend([(273, offsets), (278, vec![down]), (279, counts)]);
        } else {
            tags.extend([(322, vec![across]), (323, vec![down]), (324, offsets), (325, counts)]);
        }
        tags.extend(self.tags.iter().cloned());
        tags.sort_by_key(|(tag, _)| *tag);
        let mut directory = self.number(tags.len() as u64, if self.big { 8 } else { 2 });
        for (tag, values) in tags {
            // Places and sizes are long words.
            let (kind, size) = if matches!(tag, 256 | 257 | 273 | 278 | 279 | 322..=325) { (4, 4) } else { (3, 2) };
            let values_bytes: Vec<u8> = values.iter().flat_map(|value| self.number(*value, size)).collect();
            directory.extend([self.number(u64::from(tag), 2), self.number(kind, 2)].concat());
            directory.extend(self.number(values.len() as u64, word));
            let mut field = values_bytes.clone();
            if field.len() > word {
                field = self.number(file.len() as u64, word);
                file.extend(values_bytes);
            }
            field.resize(word, 0);
            directory.extend(field);
        }
        directory.extend(vec![0; word]);
        let place = self.number(file.len() as u64, word);
        file[pointer..pointer + word].copy_from_slice(&place);
        file.extend(directory);
        file
    }
}
