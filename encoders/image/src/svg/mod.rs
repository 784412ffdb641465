//! Drawings in SVG, by resvg.

mod cost;

use image::metadata::Orientation;
use onespace_core::{Error, Patience, Result, limits};
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{
        ImageHrefResolver, Options, Tree,
        roxmltree::{Document, Error as XmlError, ParsingOptions},
    },
};

use crate::{pixels::blend, raster::Raster, size::check_size};

/// The longer side that a drawing is brought to where it is drawn in fewer pixels or in more: what a photograph of a
/// camera of one megapixel has, and more than any tower takes.
const SIDE: f32 = 1024.0;

/// Draws an SVG and lays it over `background` where nothing is drawn; without one, over black. Nothing is read but the
/// file itself: no picture that it names, and no font, so it is drawn without its texts.
///
/// # Errors
/// `MEDIA_UNSUPPORTED` where nothing but texts and pictures is in it, `MEDIA_TOO_LARGE`, `MEDIA_MALFORMED`; what
/// `patience` says when it is over.
pub fn decode(bytes: &[u8], background: Option<[u8; 3]>, patience: &Patience) -> Result<Raster> {
    if bytes.len() > limits::SVG_BYTES {
        return Err(Error::too_large("bytes", "the SVG", format_args!("{} bytes", bytes.len()), limits::SVG_BYTES));
    }
    let options = Options {
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    let broken = |error: &dyn std::fmt::Display| Error::malformed("bytes", format!("the SVG cannot be read: {error}"));
    let text = std::str::from_utf8(bytes).map_err(|error| broken(&error))?;
    let parsing =
        ParsingOptions { allow_dtd: true, nodes_limit: limits::SVG_ELEMENTS as u32, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, parsing).map_err(|error| match error {
        XmlError::NodesLimitReached => Error::too_large("bytes", "the SVG in elements", "more", limits::SVG_ELEMENTS),
        error => broken(&error),
    })?;
    cost::check(&document)?;
    let tree = Tree::from_xmltree(&document, &options).map_err(|error| broken(&error))?;
    if !tree.root().has_children() {
        let message = "an SVG in which nothing but texts or pictures is drawn: save it as PNG";
        return Err(Error::unsupported("bytes", message));
    }
    let drawn = tree.size();
    let scale = SIDE / drawn.width().max(drawn.height());
    let side = |length: f32| (length * scale).round().max(1.0) as u32;
    let size = (side(drawn.width()), side(drawn.height()));
    let pixels = u64::from(size.0) * u64::from(size.1);
    check_size(size.0, size.1, 4 * pixels)?;
    let room = patience.hold(7 * pixels)?;
    let mut canvas = Pixmap::new(size.0, size.1).ok_or_else(|| broken(&"it has no size"))?;
    let (across, down) = (size.0 as f32 / drawn.width(), size.1 as f32 / drawn.height());
    resvg::render(&tree, Transform::from_scale(across, down), &mut canvas.as_mut());
    patience.check("when the drawing was drawn")?;
    let background = background.unwrap_or_default();
    let pixels = canvas.pixels().iter().map(|pixel| {
        let colour = pixel.demultiply();
        blend([colour.red(), colour.green(), colour.blue()], colour.alpha(), background)
    });
    let pixels = pixels.collect::<Vec<_>>().into_flattened();
    Ok(Raster { size, pixels, orientation: Orientation::NoTransforms, profile: None, room })
}
