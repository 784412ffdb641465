//! From a decoder's frame to upright RGB pixels.

use ffmpeg_next::{
    format::Pixel,
    frame,
    software::scaling::{Context, Flags},
};
use onespace_core::{Error, Result, limits};
use onespace_image::{Orientation, Pixels};

use crate::{error::explain, ffi, stream::VideoStreamInfo};

/// What published models were trained and are run with: PyAV and decord leave libswscale at its fast conversion.
///
/// Measured on seven videos against PyAV 18 (FFmpeg 8): no byte differs with these flags. With `ACCURATE_RND` or, added
/// to it, `FULL_CHR_H_INT`, which interpolate colours across, bytes differ by 0.6 to 1.4 on average and by up to 104 at
/// edges.
const FLAGS: Flags = Flags::BICUBIC;

/// Pixels this much longer on one side than on the other count as square: rounding in containers, and pictures coded a
/// few rows higher than they are. The readers of published models take all pixels for square.
const SQUARE_WITHIN: f64 = 0.02;

/// No camera and no disc has pixels longer than this by the other side; what says so is damaged.
const LONGEST_PIXEL: f64 = 4.0;

/// Frames to pixels; the converter is kept while frames stay of one kind.
pub struct Converter {
    pixel_aspect: Option<(u32, u32)>,
    orientation: Orientation,
    context: Option<Context>,
}

impl Converter {
    /// For frames of `stream`.
    pub fn new(stream: &VideoStreamInfo) -> Self {
        Self { pixel_aspect: stream.pixel_aspect, orientation: stream.orientation, context: None }
    }

    /// The frame in square pixels, 8 bits a channel, colours as the frame says, upright. Frames with more bits lose the
    /// lower ones, and those of a high dynamic range keep their curve, as with the readers of published models.
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` for a frame larger than the video promised, `MEDIA_UNSUPPORTED` for a pixel format that
    /// cannot be converted.
    pub fn pixels(&mut self, frame: &frame::Video) -> Result<Pixels> {
        let longer = frame.width().max(frame.height());
        if longer as usize > limits::VIDEO_SIDE {
            let what = "a frame's longer side in pixels";
            return Err(Error::too_large("bytes", what, longer, limits::VIDEO_SIDE));
        }
        let mut rgb = frame::Video::empty();
        let orientation = self.orientation;
        self.context_for(frame)?.run(frame, &mut rgb).map_err(|error| explain(error, "a frame's colours"))?;
        let (width, height) = (rgb.width(), rgb.height());
        let mut pixels = packed(&rgb);
        if frame.is_interlaced() {
            keep_first_field(&mut pixels, width as usize * 3, frame.is_top_first());
        }
        Ok(Pixels::new(width, height, pixels)?.upright(orientation))
    }

    fn context_for(&mut self, frame: &frame::Video) -> Result<&mut Context> {
        let (format, width, height) = (frame.format(), frame.width(), frame.height());
        let own = frame.aspect_ratio();
        let aspect = self.pixel_aspect.or_else(|| ffi::positive(own.numerator(), own.denominator()));
        let (across, down) = square(width, height, aspect);
        let fits = |context: &Context| {
            let (input, output) = (context.input(), context.output());
            (input.format, input.width, input.height) == (format, width, height)
                && (output.width, output.height) == (across, down)
        };
        let mut context = match self.context.take().filter(fits) {
            Some(context) => context,
            None => Context::get(format, width, height, Pixel::RGB24, across, down, FLAGS)
                .map_err(|_| Error::unsupported("bytes", format!("frames of pixel format {format:?}")))?,
        };
        ffi::set_colours(&mut context, frame);
        Ok(self.context.insert(context))
    }
}

/// The size of a frame in square pixels: it gets wider or narrower, so that its rows stay rows; one that would be too
/// wide gets lower.
fn square(width: u32, height: u32, aspect: Option<(u32, u32)>) -> (u32, u32) {
    let ratio = aspect.map_or(1.0, |(across, down)| f64::from(across) / f64::from(down));
    if !(1.0 + SQUARE_WITHIN..=LONGEST_PIXEL).contains(&ratio.max(ratio.recip())) {
        return (width, height);
    }
    let times = |side: u32, by: f64| (f64::from(side) * by).round().max(1.0) as u32;
    let across = times(width, ratio);
    if across as usize <= limits::VIDEO_SIDE { (across, height) } else { (width, times(height, ratio.recip())) }
}

/// The rows of an RGB frame without the gaps between them.
fn packed(rgb: &frame::Video) -> Vec<u8> {
    let row = rgb.width() as usize * 3;
    if rgb.planes() == 0 || rgb.stride(0) < row {
        return Vec::new();
    }
    let rows = rgb.data(0).chunks_exact(rgb.stride(0)).take(rgb.height() as usize);
    let mut pixels = Vec::with_capacity(row * rgb.height() as usize);
    rows.filter_map(|line| line.get(..row)).for_each(|line| pixels.extend_from_slice(line));
    pixels
}

/// Of two pictures of different moments in alternate rows leaves the first: a row of the other becomes the mean of
/// those above and below it.
fn keep_first_field(pixels: &mut [u8], row: usize, top_first: bool) {
    let rows = pixels.len().checked_div(row).unwrap_or(0);
    for number in (usize::from(top_first)..rows).step_by(2) {
        let (before, rest) = pixels.split_at_mut(number * row);
        let (own, after) = rest.split_at_mut(row);
        let above = before.rchunks_exact(row).next();
        let below = after.get(..row);
        let (Some(above), Some(below)) = (above.or(below), below.or(above)) else {
            return;
        };
        for ((own, above), below) in own.iter_mut().zip(above).zip(below) {
            *own = u8::midpoint(*above, *below);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_become_square() {
        assert_eq!(square(720, 576, Some((64, 45))), (1024, 576));
        assert_eq!(square(720, 480, Some((8, 9))), (640, 480));
        assert_eq!(square(64, 48, Some((1, 1))), (64, 48));
        assert_eq!(square(64, 48, None), (64, 48));
        assert_eq!(square(1920, 1080, Some((136, 135))), (1920, 1080), "as good as square");
        assert_eq!(square(64, 48, Some((1, 1000))), (64, 48), "damaged");
        assert_eq!(square(4096, 1000, Some((2, 1))), (4096, 500), "too long");
    }

    #[test]
    fn the_field_that_was_first_is_left() {
        let frame = || vec![10_u8, 10, 200, 200, 30, 30, 220, 220];
        let (mut top, mut bottom) = (frame(), frame());
        keep_first_field(&mut top, 2, true);
        assert_eq!(top, [10, 10, 20, 20, 30, 30, 30, 30]);
        keep_first_field(&mut bottom, 2, false);
        assert_eq!(bottom, [200, 200, 200, 200, 210, 210, 220, 220]);
    }
}
