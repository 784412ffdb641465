//! The pictures of a file, one after the other.

use onespace_core::{Patience, Result};

use super::{
    camera::Camera,
    raster::Canvas,
    shade::{FINENESS, Studio},
    shape::Shape,
    surface::Surface,
    table::{Up, Views},
};

/// A shape, and the sides that it has still to be drawn from.
#[derive(Debug)]
pub struct Pictures {
    shape: Shape,
    surface: Surface,
    sides: std::vec::IntoIter<(Up, f64, f64)>,
    canvas: Canvas,
    studio: Studio,
    fill: f64,
}

impl Pictures {
    /// Those of a file, of `size` (across, down) pixels.
    ///
    /// # Errors
    /// As [`Shape::read`].
    pub fn of(bytes: &[u8], spec: &Views, size: (u32, u32), patience: &Patience) -> Result<Self> {
        let shape = Shape::read(bytes, spec.colour.map(|value| f32::from(value) / 255.0), patience)?;
        let surface = Surface::new(&shape);
        let canvas = Canvas::new((size.0 as usize * FINENESS, size.1 as usize * FINENESS));
        Ok(Self {
            shape,
            surface,
            sides: spec.sides().into_iter(),
            canvas,
            studio: Studio::new(spec),
            fill: f64::from(spec.fill),
        })
    }

    /// The next picture, RGB row by row; none after the last. A side from which nothing is seen, as of a sheet of
    /// paper from its edge, is passed over: a picture of nothing would be taken for one of the cloud.
    ///
    /// # Errors
    /// What `patience` says when it is over.
    pub fn next(&mut self, patience: &Patience) -> Result<Option<Vec<u8>>> {
        for (up, azimuth, elevation) in self.sides.by_ref() {
            patience.check("before a side was drawn")?;
            let camera = Camera::new(up, azimuth, elevation);
            let size = (self.canvas.width, self.canvas.height);
            let (spots, scale) = camera.project(&self.shape.places, size, self.fill);
            self.surface.draw(&self.shape, (&spots, scale), &mut self.canvas, patience)?;
            if !self.canvas.is_blank() {
                return Ok(Some(self.studio.picture(&self.canvas, &self.shape, &self.surface, (&camera, up))));
            }
        }
        Ok(None)
    }
}
