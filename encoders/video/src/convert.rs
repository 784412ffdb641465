//! From a decoder's frame to upright RGB pixels.

use ffmpeg_next::{
    format::Pixel,
    frame,
    software::scaling::{Context, Flags},
};
use onespace_core::{Error, Result, limits};
use onespace_image::{Orientation, Pixels};

use crate::{error::explain, ffi};

/// What published models were trained and are run with: PyAV and decord leave libswscale at its fast conversion.
///
/// Measured on seven videos against PyAV 18 (FFmpeg 8): no byte differs with these flags. With `ACCURATE_RND` or, added
/// to it, `FULL_CHR_H_INT`, which interpolate colours across, bytes differ by 0.6 to 1.4 on average and by up to 104 at
/// edges.
const FLAGS: Flags = Flags::BICUBIC;

/// The converter, kept while frames stay of one kind.
#[derive(Default)]
pub struct Converter {
    context: Option<Context>,
}

impl Converter {
    /// The frame at full size, 8 bits a channel, colours as the frame says, turned by `orientation`.
    ///
    /// # Errors
    /// `MEDIA_TOO_LARGE` for a frame larger than the video promised, `MEDIA_UNSUPPORTED` for a pixel format that
    /// cannot be converted.
    pub fn pixels(&mut self, frame: &frame::Video, orientation: Orientation) -> Result<Pixels> {
        let (width, height) = (frame.width(), frame.height());
        if width.max(height) as usize > limits::VIDEO_SIDE {
            return Err(Error::too_large(
                "bytes",
                "a frame's longer side in pixels",
                width.max(height),
                limits::VIDEO_SIDE,
            ));
        }
        let mut rgb = frame::Video::empty();
        self.context_for(frame)?.run(frame, &mut rgb).map_err(|error| explain(error, "a frame's colours"))?;
        Ok(Pixels::new(width, height, packed(&rgb))?.upright(orientation))
    }

    fn context_for(&mut self, frame: &frame::Video) -> Result<&mut Context> {
        let kind = |context: &Context| {
            let input = context.input();
            (input.format, input.width, input.height)
        };
        let (format, width, height) = (frame.format(), frame.width(), frame.height());
        let mut context = match self.context.take().filter(|context| kind(context) == (format, width, height)) {
            Some(context) => context,
            None => Context::get(format, width, height, Pixel::RGB24, width, height, FLAGS)
                .map_err(|_| Error::unsupported("bytes", format!("frames of pixel format {format:?}")))?,
        };
        ffi::set_colours(&mut context, frame);
        Ok(self.context.insert(context))
    }
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
