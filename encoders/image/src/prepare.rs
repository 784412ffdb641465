//! From bytes to a sample.

use crate::table::{Image, Patches};
use onespace_core::{Error, Modality, Patience, Prepare, PrepareRequest, Prepared, Result, Sample, Tensor};

use crate::{decode::decode, fit::Fit, look::Look, patches, resize::resize};

/// Images to samples as a manifest's `[towers.image.preprocess]` says.
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

    /// The tensor of decoded pixels: `rgb` holds `size` (across, down) pixels, 8 bits a channel, red, green, blue, row
    /// by row without gaps. The values come back as float32 `[3, spec.height, spec.width]`, `(x / 255 − mean) / std`.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` when a side is zero; `INTERNAL` when `rgb` is shorter than the sides say; what `patience` says
    /// when it is over.
    pub fn tensor_of(&self, rgb: &[u8], size: (u32, u32), patience: &Patience) -> Result<Vec<f32>> {
        self.planes(rgb, size, Fit::new, patience)
    }

    /// As [`tensor_of`](Self::tensor_of), but scaled to cover and cut at the beginning (`view` 0), the centre (1) or
    /// the end (2) of the longer side.
    ///
    /// # Errors
    /// As [`tensor_of`](Self::tensor_of).
    pub fn view_of(&self, rgb: &[u8], size: (u32, u32), view: usize, patience: &Patience) -> Result<Vec<f32>> {
        self.planes(rgb, size, |spec, source| Fit::crop(spec, source, view), patience)
    }

    /// As [`tensor_of`](Self::tensor_of) for a `spec` of patches: their values, float32
    /// `[max_patches, size · size · 3]`, and their places, int64 `[max_patches, 2]`.
    ///
    /// # Errors
    /// As [`tensor_of`](Self::tensor_of).
    pub fn patches_of(
        &self,
        patches: Patches,
        rgb: &[u8],
        size: (u32, u32),
        patience: &Patience,
    ) -> Result<(Vec<f32>, Vec<i64>)> {
        let (pixels, across) = self.pixels(rgb, size, Fit::new, patience)?;
        Ok(patches::cut(patches, &pixels, across))
    }

    fn planes(
        &self,
        rgb: &[u8],
        source: (u32, u32),
        fit: impl Fn(&Image, (u32, u32)) -> Fit,
        patience: &Patience,
    ) -> Result<Vec<f32>> {
        let (pixels, _) = self.pixels(rgb, source, fit, patience)?;
        let (pixels, _) = pixels.as_chunks::<3>();
        let mut tensor = Vec::with_capacity(pixels.len() * 3);
        tensor.extend(pixels.iter().map(|&[red, _, _]| red));
        tensor.extend(pixels.iter().map(|&[_, green, _]| green));
        tensor.extend(pixels.iter().map(|&[_, _, blue]| blue));
        Ok(tensor)
    }

    /// Resized and normalised, three values a pixel, and how many pixels a row has.
    fn pixels(
        &self,
        rgb: &[u8],
        source: (u32, u32),
        fit: impl Fn(&Image, (u32, u32)) -> Fit,
        patience: &Patience,
    ) -> Result<(Vec<f32>, usize)> {
        let (width, height) = source;
        if width == 0 || height == 0 {
            return Err(Error::malformed("bytes", format!("an image of {width} x {height} pixels has no content")));
        }
        let fit = fit(&self.spec, source);
        let mut pixels = resize(&self.spec, &fit, (rgb, width), patience)?;
        let (mean, std) = (self.spec.mean, self.spec.std);
        for pixel in pixels.as_chunks_mut::<3>().0 {
            for (value, (mean, std)) in pixel.iter_mut().zip(mean.iter().zip(&std)) {
                *value = (*value / 255.0 - mean) / std;
            }
        }
        Ok((pixels, fit.canvas.0 as usize))
    }
}

impl Prepare for ImagePreparer {
    fn modality(&self) -> Modality {
        Modality::Image
    }

    /// The decoder of JPEG has unsafe code, and so has what resizes.
    fn is_native(&self) -> bool {
        true
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        let patience = &request.patience;
        let decoded = decode(request.bytes, Look::of(&self.spec), patience)?;
        let pixels = &decoded.pixels;
        let (rgb, size) = (pixels.rgb(), (pixels.width(), pixels.height()));
        let tensors = if let Some(patches) = self.spec.patches {
            let (values, places) = self.patches_of(patches, rgb, size, patience)?;
            let count = patches.max_patches;
            vec![Tensor::f32([count, patches.length()], values), Tensor::i64([count, 2], places)]
        } else {
            let shape = [3, self.spec.height as usize, self.spec.width as usize];
            vec![Tensor::f32(shape, self.tensor_of(rgb, size, patience)?)]
        };
        Ok(vec![Sample::whole(Modality::Image, tensors)].into())
    }
}
