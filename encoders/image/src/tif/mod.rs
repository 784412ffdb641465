//! TIFF, to the pixels that Pillow gives, or refused by name.
//!
//! The `tiff` crate reads the directory. Its pixels are not taken: with bands beside the colours it undoes the
//! predictor over too few of them, which makes noise, planar tiles that are wider than the picture make it panic, and
//! it knows no palettes. So strips and tiles are unpacked here ([`unpack`]), their predictor undone ([`predict`]),
//! brought together ([`bands`]) and turned into colours ([`colour`]).

mod bands;
mod colour;
mod kinds;
mod layout;
mod predict;
mod refusal;
mod scale;
mod tags;
mod unpack;

use onespace_core::{Patience, Result};

use crate::{look::Look, profile::Profile, raster::Raster, size::check_size};

pub use bands::Bands;
pub use kinds::{Colours, Numbers};
pub use layout::Layout;
pub use scale::number;

/// Whether the bytes begin as a TIFF or a BigTIFF.
pub fn is_tiff(bytes: &[u8]) -> bool {
    matches!(bytes, [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..])
}

/// Decodes the first picture of a TIFF or BigTIFF and lays it over a background where it is transparent, as
/// `look` says.
///
/// # Errors
/// `MEDIA_TOO_LARGE` before any pixel is allocated, `MEDIA_UNSUPPORTED` for what is not decoded, by name,
/// `MEDIA_MALFORMED`; what `patience` says when it is over.
pub fn decode(bytes: &[u8], look: Look, patience: &Patience) -> Result<Raster> {
    let layout = Layout::read(bytes, patience)?;
    colour::check(&layout)?;
    let rgb = 3 * u64::from(layout.width) * u64::from(layout.height);
    let takes = layout.decoded_bytes().saturating_add(rgb);
    check_size(layout.width, layout.height, takes)?;
    let room = patience.hold(takes.saturating_add(layout.coefficient_bytes()))?;
    let profile = layout.profile.clone().map(Profile::Embedded);
    let bands = Bands::read(bytes, &layout, patience)?;
    let pixels = colour::rgb(&layout, &bands, look, patience)?;
    Ok(Raster { size: (layout.width, layout.height), pixels, orientation: layout.orientation, profile, room })
}
