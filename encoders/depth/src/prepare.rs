//! From bytes to a sample.

use onespace_core::{Error, Modality, Prepare, PrepareRequest, Prepared, Reason, Result, Sample, Tensor};
use onespace_image::plane::{Numbers, Plane, channels, decode_plane, resize_plane};

use crate::{
    holes::fill_holes,
    table::{Depth, Encoding},
};

/// Depth maps to samples as a manifest's `[towers.depth.preprocess]` says.
#[derive(Clone, Debug)]
pub struct DepthPreparer {
    spec: Depth,
}

impl DepthPreparer {
    /// A preparer for `spec`, which the manifest has checked.
    #[must_use]
    pub fn new(spec: &Depth) -> Self {
        Self { spec: spec.clone() }
    }

    /// Metres, and NaN where nothing was measured.
    fn metres(&self, plane: &mut Plane) {
        let unit = if plane.numbers == Numbers::Floats { 1.0 } else { self.spec.unit_m };
        for value in &mut plane.values {
            let metres = *value * unit;
            *value = if metres.is_finite() && metres > 0.0 { metres } else { f32::NAN };
        }
    }

    /// From metres to 0 to 1.
    fn encode(&self, plane: &mut Plane) {
        let Depth { min, max, .. } = self.spec;
        let product = self.spec.baseline_focal.unwrap_or(1.0);
        for value in &mut plane.values {
            let encoded = match self.spec.encoding {
                Encoding::Distance => *value,
                Encoding::Disparity => product / *value,
            };
            *value = encoded.clamp(min, max) / max;
        }
    }
}

impl Prepare for DepthPreparer {
    fn modality(&self) -> Modality {
        Modality::Depth
    }

    /// Pixels are decoded as those of images are, some by a crate with unsafe code.
    fn is_native(&self) -> bool {
        true
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        let patience = &request.patience;
        let mut plane = decode_plane(request.bytes, patience)?;
        if plane.colours {
            let message = "the image has colours: send distances, in one channel of 16 bits or of floats in metres";
            return Err(Error::unsupported("bytes", message));
        }
        self.metres(&mut plane);
        patience.check("when the depth map was read")?;
        if !fill_holes(&mut plane) {
            return Err(Error::new(Reason::MediaEmpty, "bytes", "no pixel of the depth map has a distance"));
        }
        self.encode(&mut plane);
        let values = resize_plane(&self.spec.frame(), &plane, patience)?;
        let values = channels(&values, &self.spec.mean, &self.spec.std);
        let shape = [self.spec.mean.len(), self.spec.height as usize, self.spec.width as usize];
        Ok(vec![Sample::whole(Modality::Depth, vec![Tensor::f32(shape, values)])].into())
    }
}
