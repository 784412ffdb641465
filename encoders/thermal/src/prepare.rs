//! From bytes to a sample.

use onespace_core::{Error, Modality, Prepare, PrepareRequest, Prepared, Result, Sample, Tensor};
use onespace_image::plane::{Numbers, Plane, channels, decode_plane, resize_plane};

use crate::table::Thermal;

/// Thermal images to samples as a manifest's `[towers.thermal.preprocess]` says.
#[derive(Clone, Debug)]
pub struct ThermalPreparer {
    spec: Thermal,
}

impl ThermalPreparer {
    /// A preparer for `spec`, which the manifest has checked.
    #[must_use]
    pub fn new(spec: &Thermal) -> Self {
        Self { spec: spec.clone() }
    }

    /// Brings the values to 0 to 1.
    fn scale(&self, plane: &mut Plane) -> Result<()> {
        let [low, high] = match (plane.numbers, self.spec.range) {
            (Numbers::Bytes, _) => [0.0, 255.0],
            (_, Some(range)) => range,
            (_, None) => {
                let message = "the image has more than 8 bits a pixel, and the model does not say which values are \
                    coldest and warmest: send 8 bits";
                return Err(Error::unsupported("bytes", message));
            }
        };
        if let Some(place) = plane.values.iter().position(|value| !value.is_finite()) {
            let message = format!("pixel {place} of the thermal image is {:?}", plane.values.get(place));
            return Err(Error::malformed("bytes", message));
        }
        for value in &mut plane.values {
            *value = ((*value - low) / (high - low)).clamp(0.0, 1.0);
        }
        Ok(())
    }
}

impl Prepare for ThermalPreparer {
    fn modality(&self) -> Modality {
        Modality::Thermal
    }

    /// Pixels are decoded as those of images are, some by a crate with unsafe code.
    fn is_native(&self) -> bool {
        true
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        let patience = &request.patience;
        let mut plane = decode_plane(request.bytes, patience)?;
        self.scale(&mut plane)?;
        patience.check("when the thermal image was read")?;
        let values = resize_plane(&self.spec.frame(), &plane, patience)?;
        let values = channels(&values, &self.spec.mean, &self.spec.std);
        let shape = [self.spec.mean.len(), self.spec.height as usize, self.spec.width as usize];
        Ok(vec![Sample::whole(Modality::Thermal, vec![Tensor::f32(shape, values)])].into())
    }
}
