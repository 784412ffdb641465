//! Resizing: in bytes as Pillow does it, or in floats as torch does.

use fast_image_resize::{
    CropBox as Crop, Filter, FilterType, IntoImageView, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image as Pixels, ImageRef},
};
use onespace_core::{Error, Patience, Result};

use crate::{
    fit::Fit,
    pillow::{self, Weights},
    table::{Image, Resample, ResizeFilter},
    taps::{Side, WHILE, cubic, resample},
};

/// Resizes rows of `width` RGB pixels as `spec` and `fit` say; the result is a canvas of RGB pixels, row by row, on
/// the scale 0 to 255.
///
/// # Errors
/// `INTERNAL` when the pixels are not as many as the sides say; what `patience` says when it is over.
pub fn resize(spec: &Image, fit: &Fit, (rgb, width): (&[u8], u32), patience: &Patience) -> Result<Vec<f32>> {
    patience.check(WHILE)?;
    let (left, top, wide, high) = fit.cut;
    let whole = (left, top, wide) == (0, 0, width);
    let inner = if whole { rgb.get(..pixels(wide, high)) } else { None };
    let cut = if whole { Vec::new() } else { cut_out(rgb, width, fit.cut) };
    let source = inner.unwrap_or(&cut);
    if source.len() != pixels(wide, high) {
        return Err(internal(format!("{} bytes are not {wide} x {high} pixels", source.len())));
    }
    let resized = match spec.resample {
        Resample::U8 | Resample::U8Torch if spec.antialias && spec.filter != ResizeFilter::Nearest => {
            let weights = if spec.resample == Resample::U8 { Weights::Pillow } else { Weights::Torch };
            let scaled = (fit.across, fit.down);
            let resized = pillow::resize((source, wide as usize), scaled, spec.filter, weights, patience)?;
            resized.into_iter().map(f32::from).collect()
        }
        Resample::U8 | Resample::U8Torch => {
            bytes(spec, fit, source, (wide, high))?.into_iter().map(f32::from).collect()
        }
        Resample::F32 => {
            let taps = |side: Side| side.taps(spec.filter, spec.antialias);
            resample::<3, u8>((source, wide as usize), &taps(fit.across), &taps(fit.down), patience)?
        }
    };
    let kept = (fit.across.kept as u32, fit.down.kept as u32);
    Ok(if kept == fit.canvas { resized } else { framed(spec, fit, &resized) })
}

const fn pixels(width: u32, height: u32) -> usize {
    width as usize * height as usize * 3
}

fn cut_out(rgb: &[u8], width: u32, (left, top, wide, high): (u32, u32, u32, u32)) -> Vec<u8> {
    let inner = pixels(left, 1)..pixels(left, 1) + pixels(wide, 1);
    let rows = rgb.chunks_exact(pixels(width, 1).max(1)).skip(top as usize).take(high as usize);
    rows.filter_map(|row| row.get(inner.clone())).flatten().copied().collect()
}

/// Without antialias: across, then down, each rounded to a byte; what rings over black or white is cut off between.
///
/// Cutting the source box and scaling it is the same as scaling the whole and cutting the result, because the
/// filter reaches beyond the box.
fn bytes(spec: &Image, fit: &Fit, rgb: &[u8], (width, height): (u32, u32)) -> Result<Vec<u8>> {
    let source = ImageRef::new(width, height, rgb, PixelType::U8x3).map_err(internal)?;
    let algorithm = algorithm(spec)?;
    let ((left, wide), (top, high)) = (in_source(fit.across), in_source(fit.down));
    let size = (fit.across.kept as u32, fit.down.kept as u32);
    let box_across = Crop { left, top: 0.0, width: wide, height: f64::from(height) };
    let narrow = pass(&source, (size.0, height), algorithm, box_across)?;
    let box_down = Crop { left: 0.0, top, width: f64::from(size.0), height: high };
    Ok(pass(&narrow, size, algorithm, box_down)?.into_vec())
}

/// Start and length, in source pixels, of what is kept of a side.
fn in_source(side: Side) -> (f64, f64) {
    let step = side.full as f64 / side.scaled.max(1) as f64;
    let start = side.start as f64 * step;
    (start, (side.kept as f64 * step).min(side.full as f64 - start))
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
    Error::internal(format!("an image cannot be resized: {error}"))
}

/// The filter always spans the same number of source pixels, as in torch's `interpolate`, whose cubic is sharper than
/// Pillow's.
fn algorithm(spec: &Image) -> Result<ResizeAlg> {
    Ok(ResizeAlg::Interpolation(match spec.filter {
        ResizeFilter::Nearest => return Ok(ResizeAlg::Nearest),
        ResizeFilter::Bilinear => FilterType::Bilinear,
        ResizeFilter::Bicubic => {
            let sharp = |x: f64| f64::from(cubic(x as f32, -0.75));
            FilterType::Custom(Filter::new("torch bicubic", sharp, 2.0).map_err(internal)?)
        }
        ResizeFilter::Lanczos => FilterType::Lanczos3,
        ResizeFilter::Box => FilterType::Box,
    }))
}

/// The resized pixels at their place on a canvas of the background.
fn framed(spec: &Image, fit: &Fit, resized: &[f32]) -> Vec<f32> {
    let background = spec.background.map(f32::from);
    let mut canvas = background.repeat(fit.canvas.0 as usize * fit.canvas.1 as usize);
    let (row, inset, line) = (pixels(fit.canvas.0, 1), pixels(fit.to.0, 1), fit.across.kept * 3);
    let rows = canvas.chunks_exact_mut(row).skip(fit.to.1 as usize);
    for (target, source) in rows.zip(resized.chunks_exact(line)) {
        if let Some(target) = target.get_mut(inset..inset + line) {
            target.copy_from_slice(source);
        }
    }
    canvas
}
