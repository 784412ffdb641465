//! The road from bytes to a sample.

use onespace_bundle::preprocess::Image;
use onespace_core::{Error, Modality, Prepare, Result, Sample, Tensor, Track};

use crate::{decode::decode, resize::resize};

/// Pictures to samples as a manifest's `[towers.image.preprocess]` says.
#[derive(Clone, Debug)]
pub struct ImagePreparer {
    spec: Image,
}

impl ImagePreparer {
    /// A preparer for `spec`, which the manifest has checked.
    #[must_use]
    pub fn new(spec: &Image) -> Self {
        Self { spec: spec.clone() }
    }

    /// The tensor of decoded pixels: `rgb` holds `width · height` pixels, 8 bits a channel, red, green, blue, row by
    /// row without gaps. The values come back as float32 `[3, spec.height, spec.width]`, `(x / 255 − mean) / std`.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` when a side is zero; `INTERNAL` when `rgb` is shorter than the sides say.
    pub fn tensor_of(&self, rgb: &[u8], width: u32, height: u32) -> Result<Vec<f32>> {
        let pixels = resize(&self.spec, rgb, width, height)?;
        let (pixels, rest) = pixels.as_chunks::<3>();
        if !rest.is_empty() {
            return Err(Error::internal("a resized picture ends within a pixel"));
        }
        let mut tensor = Vec::with_capacity(pixels.len() * 3);
        let [red, green, blue] = self.channels();
        tensor.extend(pixels.iter().map(|&[value, _, _]| red.of(value)));
        tensor.extend(pixels.iter().map(|&[_, value, _]| green.of(value)));
        tensor.extend(pixels.iter().map(|&[_, _, value]| blue.of(value)));
        Ok(tensor)
    }

    fn channels(&self) -> [Channel; 3] {
        let ([mean_red, mean_green, mean_blue], [std_red, std_green, std_blue]) = (self.spec.mean, self.spec.std);
        [
            Channel { mean: mean_red, std: std_red },
            Channel { mean: mean_green, std: std_green },
            Channel { mean: mean_blue, std: std_blue },
        ]
    }
}

/// How one channel is normalised.
struct Channel {
    mean: f32,
    std: f32,
}

impl Channel {
    fn of(&self, value: u8) -> f32 {
        (f32::from(value) / 255.0 - self.mean) / self.std
    }
}

impl Prepare for ImagePreparer {
    fn prepare(&self, bytes: &[u8], _media_type: Option<&str>) -> Result<Vec<Sample>> {
        let picture = decode(bytes, self.spec.background)?;
        let tensor = self.tensor_of(picture.rgb(), picture.width(), picture.height())?;
        let shape = [3, self.spec.height as usize, self.spec.width as usize];
        Ok(vec![Sample {
            tower: Modality::Image,
            tensors: vec![Tensor::f32(shape, tensor)],
            track: Track::Whole,
            span: None,
        }])
    }
}
