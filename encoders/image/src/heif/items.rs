//! Which pictures a picture is put together of.

use std::cell::Cell;

use heifer_isobmff::{
    HeifFile, ItemId,
    boxes::{ColorInfo, Property},
};
use image::{GrayImage, Luma, RgbImage, imageops};
use onespace_core::{Error, Patience, Result, limits};

use super::{
    broken, coded,
    layer::Layer,
    planes::{Planes, Reading},
    refuse,
};
use crate::{profile::Profile, size::check_size};

/// What the items of a file may decode to together, in pixels: a picture in tiles that reach beyond it, and its
/// opacity. A file may name the same tile a thousand times.
const PIXELS: u64 = 4 * limits::IMAGE_PIXELS as u64;
/// How often a picture may be made of another.
const DEPTH: usize = 4;

/// Auxiliary pictures that say how opaque another one is.
const OPACITY: [&str; 2] = ["urn:mpeg:hevc:2015:auxid:1", "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"];

/// The pictures of a file.
pub struct Items<'a> {
    file: &'a HeifFile<'a>,
    patience: &'a Patience,
    pixels_left: Cell<u64>,
}

impl<'a> Items<'a> {
    pub fn new(file: &'a HeifFile<'a>, patience: &'a Patience) -> Self {
        Self { file, patience, pixels_left: Cell::new(PIXELS) }
    }

    fn properties(&self, item: ItemId) -> Result<impl Iterator<Item = &Property>> {
        self.file.item_properties(item).map_err(|error| broken(&error))
    }

    fn kind(&self, item: ItemId) -> Result<[u8; 4]> {
        Ok(self.file.item(item).map_err(|error| broken(&error))?.item_type.0)
    }

    pub fn is_grid(&self, item: ItemId) -> Result<bool> {
        Ok(self.kind(item)? == *b"grid")
    }

    /// The size of a picture before it is cut or turned.
    pub fn size(&self, item: ItemId) -> Result<(u32, u32)> {
        let size = self.file.image_size(item).map_err(|error| broken(&error))?;
        size.ok_or_else(|| broken(&"a picture does not say how large it is"))
    }

    /// A picture with its opacity, cut and turned as its properties say.
    pub fn layer(&self, item: ItemId) -> Result<Layer> {
        self.layer_within(item, DEPTH)
    }

    fn layer_within(&self, item: ItemId, depth: usize) -> Result<Layer> {
        let mut layer = self.whole(item, depth)?;
        if layer.opacity.is_none()
            && let Some(opacity) = self.opacity_of(item)?
        {
            layer.opacity = Some(self.opacity(opacity, depth, layer.colours.dimensions())?);
            if self.file.referenced_items(item, b"prem").contains(&opacity) {
                layer = layer.divided();
            }
        }
        for property in self.properties(item)? {
            layer = match property {
                Property::Rotation(quarters) => layer.turned(*quarters),
                Property::Mirror(top_and_bottom) => layer.mirrored(*top_and_bottom),
                Property::CleanAperture { width, height, horiz_offset, vert_offset } => {
                    let size = layer.colours.dimensions();
                    let (left, width) = span(size.0, *width, *horiz_offset)?;
                    let (top, height) = span(size.1, *height, *vert_offset)?;
                    layer.cut((left, top), (width, height))
                }
                _ => layer,
            };
        }
        Ok(layer)
    }

    /// A picture as it is before it is cut and turned.
    fn whole(&self, item: ItemId, depth: usize) -> Result<Layer> {
        self.patience.check("while the image was decoded")?;
        let kind = self.kind(item)?;
        match (&kind, depth) {
            (b"hvc1" | b"hev1" | b"av01", _) => self.coded(item, &kind)?.rgb().map(Layer::from),
            (_, 0) => Err(broken(&"pictures are made of each other")),
            (b"grid", _) => self.grid(item, depth - 1),
            (b"iden", _) => match self.file.referenced_items(item, b"dimg") {
                [source] => self.layer_within(*source, depth - 1),
                _ => Err(broken(&"a picture that is another one does not say which")),
            },
            (b"iovl", _) => Err(refuse("pictures laid over each other")),
            (b"avc1", _) => Err(refuse("pictures in H.264")),
            (b"jpeg", _) => Err(refuse("pictures in JPEG")),
            (b"j2k1", _) => Err(refuse("pictures in JPEG 2000")),
            (b"vvc1", _) => Err(refuse("pictures in VVC")),
            (b"unci", _) => Err(refuse("pictures that are not compressed")),
            (other, _) => Err(refuse(&format!("pictures of kind \"{}\"", other.escape_ascii()))),
        }
    }

    fn coded(&self, item: ItemId, kind: &[u8; 4]) -> Result<Planes> {
        let size = self.size(item)?;
        check_size(size.0, size.1, 0)?;
        self.spend(size)?;
        let data = self.file.item_data(item).map_err(|error| broken(&error))?;
        let mut planes = if kind == b"av01" {
            coded::av1(&data, size)?
        } else {
            let config = self.file.hevc_config(item).map_err(|error| broken(&error))?;
            coded::hevc(config.ok_or_else(|| broken(&"HEVC without its parameters"))?, &data, size)?
        };
        if planes.size != size {
            planes = planes.cut(size)?;
        }
        // What the container says of colours goes before what the stream says.
        planes.reading = self.properties(item)?.find_map(Reading::of).unwrap_or(planes.reading);
        Ok(planes)
    }

    /// What the colours of a picture mean: an ICC profile, or numbers; of tiles, those of the first.
    pub fn profile(&self, item: ItemId) -> Result<Option<Profile>> {
        if let Some(profile) = self.file.icc_profile(item).map_err(|error| broken(&error))? {
            return Ok(Some(Profile::Embedded(profile.to_vec())));
        }
        let first = self.file.referenced_items(item, b"dimg").first().copied().unwrap_or(item);
        let numbers = self.properties(item)?.chain(self.properties(first)?).find_map(|property| match property {
            Property::Color(ColorInfo::Nclx { primaries, transfer, .. }) => Some((*primaries, *transfer)),
            _ => None,
        });
        Ok(numbers.and_then(|(primaries, curve)| Profile::of_numbers(primaries, curve)))
    }

    fn spend(&self, (width, height): (u32, u32)) -> Result<()> {
        let pixels = u64::from(width) * u64::from(height);
        let left = self.pixels_left.get().checked_sub(pixels);
        let too_many = || Error::too_large("bytes", "what the image is put together of, in pixels", "more", PIXELS);
        self.pixels_left.set(left.ok_or_else(too_many)?);
        Ok(())
    }

    /// Tiles beside and below each other; those at the right and the bottom may reach beyond the picture.
    fn grid(&self, item: ItemId, depth: usize) -> Result<Layer> {
        let grid = self.file.grid(item).map_err(|error| broken(&error))?;
        let tiles = self.file.referenced_items(item, b"dimg");
        let (columns, rows) = (u32::from(grid.columns), u32::from(grid.rows));
        check_size(grid.output_width, grid.output_height, 0)?;
        let first = tiles.first().filter(|_| tiles.len() as u64 == u64::from(columns) * u64::from(rows));
        let tile = self.size(*first.ok_or_else(|| broken(&"the tiles are not as many as it says"))?)?;
        let covers = |tiles: u32, tile: u32, side: u32| u64::from(tiles) * u64::from(tile) >= u64::from(side);
        if !covers(columns, tile.0, grid.output_width) || !covers(rows, tile.1, grid.output_height) {
            return Err(broken(&"the tiles do not cover the picture"));
        }
        let mut colours = RgbImage::new(grid.output_width, grid.output_height);
        let mut opacity: Option<GrayImage> = None;
        for (row, column, part) in places(columns, tiles) {
            let part = self.layer_within(part, depth)?;
            if part.colours.dimensions() != tile {
                return Err(broken(&"the tiles are of several sizes"));
            }
            let at = (i64::from(column) * i64::from(tile.0), i64::from(row) * i64::from(tile.1));
            imageops::replace(&mut colours, &part.colours, at.0, at.1);
            if let Some(part) = &part.opacity {
                let all = || GrayImage::from_pixel(grid.output_width, grid.output_height, Luma([255]));
                imageops::replace(opacity.get_or_insert_with(all), part, at.0, at.1);
            }
        }
        Ok(Layer { colours, opacity })
    }

    fn opacity_of(&self, item: ItemId) -> Result<Option<ItemId>> {
        for other in self.file.referencing_items(item, b"auxl") {
            let is_opacity = |property: &Property| match property {
                Property::AuxiliaryType(name) => OPACITY.contains(&name.as_str()),
                _ => false,
            };
            if self.properties(other)?.any(is_opacity) {
                return Ok(Some(other));
            }
        }
        Ok(None)
    }

    /// The luma of an auxiliary picture, which is turned with the picture it belongs to.
    fn opacity(&self, item: ItemId, depth: usize, size: (u32, u32)) -> Result<GrayImage> {
        let colours = self.whole(item, depth)?.colours;
        if colours.dimensions() != size {
            return Err(refuse("a transparency of another size than the picture"));
        }
        let luma = colours.pixels().map(|pixel| pixel.0[0]).collect();
        GrayImage::from_raw(size.0, size.1, luma).ok_or_else(|| Error::internal("opacity without a size"))
    }
}

/// Tiles with their rows and columns.
fn places(columns: u32, tiles: &[ItemId]) -> impl Iterator<Item = (u32, u32, ItemId)> {
    (0..).zip(tiles).map(move |(number, tile)| (number / columns.max(1), number % columns.max(1), *tile))
}

/// Where the part of a side begins that is shown, and how long it is (ISO/IEC 14496-12, `clap`): its length, and how
/// far its middle lies from the side's.
fn span(side: u32, length: (u32, u32), offset: (i32, u32)) -> Result<(u32, u32)> {
    if length.1 == 0 || offset.1 == 0 {
        return Err(broken(&"what is shown of the picture is divided by zero"));
    }
    let length = (f64::from(length.0) / f64::from(length.1)).round();
    let offset = f64::from(offset.0) / f64::from(offset.1);
    let begin = (offset + (f64::from(side) - length) / 2.0).round();
    if length < 1.0 || begin < 0.0 || begin + length > f64::from(side) {
        return Err(broken(&"what is shown of the picture lies beside it"));
    }
    Ok((begin as u32, length as u32))
}
