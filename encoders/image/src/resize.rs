//! Resampling.

use fast_image_resize::{
    CropBox as Crop, Filter, FilterType, IntoImageView, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image as Pixels, ImageRef},
};
use onespace_bundle::preprocess::{Image, ResizeFilter};
use onespace_core::{Error, Result};

use crate::fit::Fit;

/// Resizes `width · height` RGB pixels as `spec` says; the result is `spec.width · spec.height` RGB pixels.
///
/// # Errors
/// `MEDIA_MALFORMED` when a side is zero; `INTERNAL` when the pixels are not as many as the sides say.
pub fn resize(spec: &Image, rgb: &[u8], width: u32, height: u32) -> Result<Vec<u8>> {
    if width == 0 || height == 0 {
        return Err(Error::malformed("bytes", format!("a picture of {width} x {height} pixels has no content")));
    }
    let fit = Fit::new(spec.resize, (width, height), (spec.width, spec.height));
    let source = ImageRef::new(width, height, rgb, PixelType::U8x3).map_err(internal)?;
    let algorithm = algorithm(spec)?;
    // Across, then down, each rounded to a byte, as Pillow does: what rings over black or white is cut off between.
    let whole_height = Crop { top: 0.0, height: f64::from(height), ..fit.crop };
    let narrow = pass(&source, (fit.size.0, height), algorithm, whole_height)?;
    let whole_width = Crop { left: 0.0, width: f64::from(fit.size.0), ..fit.crop };
    let pixels = pass(&narrow, fit.size, algorithm, whole_width)?.into_vec();
    Ok(if fit.size == (spec.width, spec.height) { pixels } else { framed(spec, &fit, &pixels) })
}

fn pass<'a>(
    source: &impl IntoImageView,
    (width, height): (u32, u32),
    algorithm: ResizeAlg,
    crop: Crop,
) -> Result<Pixels<'a>> {
    let mut target = Pixels::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(algorithm).crop(crop.left, crop.top, crop.width, crop.height);
    Resizer::new().resize(source, &mut target, &options).map_err(internal)?;
    Ok(target)
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("a picture cannot be resized: {error}"))
}

/// With antialias the filter widens as the picture shrinks (Pillow); without, it always spans the same number of
/// source pixels (torch's `interpolate`, whose cubic is sharper than Pillow's).
fn algorithm(spec: &Image) -> Result<ResizeAlg> {
    Ok(match (spec.filter, spec.antialias) {
        (ResizeFilter::Bilinear, true) => ResizeAlg::Convolution(FilterType::Bilinear),
        (ResizeFilter::Bicubic, true) => ResizeAlg::Convolution(FilterType::CatmullRom),
        (ResizeFilter::Bilinear, false) => ResizeAlg::Interpolation(FilterType::Bilinear),
        (ResizeFilter::Bicubic, false) => {
            let filter = Filter::new("torch bicubic", sharp_cubic, 2.0).map_err(internal)?;
            ResizeAlg::Interpolation(FilterType::Custom(filter))
        }
    })
}

/// Cubic convolution with a = −0.75.
fn sharp_cubic(x: f64) -> f64 {
    const A: f64 = -0.75;
    match x.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => A * (((x - 5.0) * x + 8.0) * x - 4.0),
        _ => 0.0,
    }
}

/// The resized pixels at their place on a canvas of the background.
fn framed(spec: &Image, fit: &Fit, pixels: &[u8]) -> Vec<u8> {
    let mut canvas = spec.background.repeat(spec.width as usize * spec.height as usize);
    let (row, inset, line) = (spec.width as usize * 3, fit.to.0 as usize * 3, fit.size.0 as usize * 3);
    let rows = canvas.chunks_exact_mut(row).skip(fit.to.1 as usize);
    for (target, source) in rows.zip(pixels.chunks_exact(line)) {
        if let Some(target) = target.get_mut(inset..inset + line) {
            target.copy_from_slice(source);
        }
    }
    canvas
}
