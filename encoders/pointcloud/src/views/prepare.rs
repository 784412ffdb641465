//! From bytes to a sample for each side.

use onespace_core::{
    Error, Modality, Patience, Prepare, PrepareRequest, Prepared, Reason, Result, Sample, SampleUse, Tensor,
};
use onespace_image::{
    ImagePreparer,
    table::{Image, Order, Resize, ResizeFilter},
};

use super::{pictures::Pictures, table::Views};

/// Clouds and meshes to samples of the image tower.
#[derive(Clone, Debug)]
pub struct ViewsPreparer {
    spec: Views,
    image: Image,
    pixels: ImagePreparer,
}

impl ViewsPreparer {
    /// A preparer after two tables of a manifest: that of the views, and that of the image tower.
    #[must_use]
    pub fn new(spec: &Views, image: &Image) -> Self {
        // Pictures are drawn at the size that the graph takes: there is nothing to resize and nothing to cut off.
        let image = match image.patches {
            None => Image {
                resize: Resize::Squash,
                filter: ResizeFilter::Nearest,
                resize_to: None,
                order: Order::default(),
                ..image.clone()
            },
            Some(_) => image.clone(),
        };
        Self { spec: spec.clone(), pixels: ImagePreparer::new(&image), image }
    }

    /// Pixels of a picture, across and down. Where patches are counted, of the largest square of whole pools.
    fn size(&self) -> (u32, u32) {
        let Some(patches) = self.image.patches else { return (self.image.width, self.image.height) };
        let pools = (patches.max_patches as u32).isqrt() / patches.pool.max(1);
        let side = pools * patches.pool * patches.size;
        (side, side)
    }

    fn sample(&self, rgb: &[u8], patience: &Patience) -> Result<Sample> {
        let (width, height) = self.size();
        let tensors = if let Some(patches) = self.image.patches {
            let (values, places) = self.pixels.patches_of(patches, rgb, (width, height), patience)?;
            let count = patches.max_patches;
            vec![Tensor::f32([count, patches.length()], values), Tensor::i64([count, 2], places)]
        } else {
            let values = self.pixels.tensor_of(rgb, (width, height), patience)?;
            vec![Tensor::f32([3, height as usize, width as usize], values)]
        };
        // A side alone is no part of the cloud that anybody asks for.
        Ok(Sample { used_for: SampleUse::Whole, ..Sample::whole(Modality::PointCloud, tensors) })
    }
}

impl Prepare for ViewsPreparer {
    fn modality(&self) -> Modality {
        Modality::PointCloud
    }

    /// Textures are decoded as images are, LAZ by a crate with unsafe code.
    fn is_native(&self) -> bool {
        true
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        let patience = &request.patience;
        let mut pictures = Pictures::of(request.bytes, &self.spec, self.size(), patience)?;
        let mut samples = Vec::with_capacity(self.spec.samples());
        while let Some(rgb) = pictures.next(patience)? {
            samples.push(self.sample(&rgb, patience)?);
        }
        if samples.is_empty() {
            let message = "from none of its sides is anything of it seen: its faces are too thin or too small";
            return Err(Error::new(Reason::MediaEmpty, "bytes", message));
        }
        Ok(samples.into())
    }
}
