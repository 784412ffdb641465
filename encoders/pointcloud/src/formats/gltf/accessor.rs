//! Numbers in the buffers of a glTF.

use onespace_core::{Error, Result, limits};

use super::{
    buffers::Buffers,
    document::{Accessor, Document, Index, Sparse, broken, entry},
};

/// The type of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Component {
    I8,
    U8,
    I16,
    U16,
    U32,
    F32,
}

impl Component {
    fn new(number: u32) -> Result<Self> {
        Ok(match number {
            5120 => Self::I8,
            5121 => Self::U8,
            5122 => Self::I16,
            5123 => Self::U16,
            5125 => Self::U32,
            5126 => Self::F32,
            _ => return Err(broken(&format!("has numbers of type {number}"))),
        })
    }

    const fn bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::U32 | Self::F32 => 4,
        }
    }

    /// The number at a place, and what it counts as where integers stand for parts of 1.
    fn number(self, bytes: &[u8], at: usize, normalised: bool) -> Option<f64> {
        let rest = bytes.get(at..)?;
        let (value, full) = match self {
            Self::I8 => (f64::from(i8::from_le_bytes(*rest.first_chunk()?)), 127.0),
            Self::U8 => (f64::from(*rest.first()?), 255.0),
            Self::I16 => (f64::from(i16::from_le_bytes(*rest.first_chunk()?)), 32_767.0),
            Self::U16 => (f64::from(u16::from_le_bytes(*rest.first_chunk()?)), 65_535.0),
            Self::U32 => (f64::from(u32::from_le_bytes(*rest.first_chunk()?)), 1.0),
            Self::F32 => (f64::from(f32::from_le_bytes(*rest.first_chunk()?)), 1.0),
        };
        Some(if normalised { (value / full).max(-1.0) } else { value })
    }
}

/// Elements of some numbers each, all of which are there.
#[derive(Debug)]
pub struct Elements<'a> {
    /// How many there are.
    pub count: usize,
    /// The numbers of each.
    pub components: usize,
    kind: Component,
    normalised: bool,
    /// From the first element on; none where all are zero.
    bytes: Option<&'a [u8]>,
    stride: usize,
    /// Elements that are others, in order, and their places in `other_bytes`.
    others: Vec<(u32, u32)>,
    other_bytes: &'a [u8],
}

impl<'a> Elements<'a> {
    /// Those of an accessor, weighed against its bytes.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` for what is not there, `MEDIA_TOO_LARGE` for more than may be.
    pub fn new(document: &Document<'_>, buffers: &'a Buffers<'_>, index: Index) -> Result<Self> {
        let accessor = entry(&document.accessors, index, "accessor")?;
        let count = accessor.count;
        if count > limits::SHAPE_ENTRIES {
            return Err(Error::too_large("bytes", "the number of elements", count, limits::SHAPE_ENTRIES));
        }
        let kind = Component::new(accessor.component_type)?;
        let components = accessor.shape.components();
        let element = components * kind.bytes();
        let (bytes, stride) = match accessor.buffer_view {
            None => (None, element),
            Some(view) => {
                let (bytes, stride) = buffers.view(document, view)?;
                let stride = stride.unwrap_or(element).max(1);
                (Some(elements(bytes, accessor.byte_offset, (count, stride, element), index)?), stride)
            }
        };
        let (others, other_bytes) = match &accessor.sparse {
            None => (Vec::new(), &[][..]),
            Some(sparse) => others(document, buffers, accessor, sparse, element)?,
        };
        let normalised = accessor.normalized;
        Ok(Self { count, components, kind, normalised, bytes, stride, others, other_bytes })
    }

    /// The same, whose integers stand for parts of 1 whether that is said or not, as those of colours do.
    pub fn as_parts(self) -> Self {
        Self { normalised: self.kind != Component::F32, ..self }
    }

    /// The first `N` numbers of an element; of one that is not there, or has fewer, zeros.
    pub fn get<const N: usize>(&self, element: usize) -> [f64; N] {
        let size = self.kind.bytes();
        let other = u32::try_from(element).ok().and_then(|element| {
            let place = self.others.binary_search_by_key(&element, |(element, _)| *element).ok()?;
            self.others.get(place)
        });
        let (bytes, at) = match other {
            Some((_, place)) => (Some(self.other_bytes), *place as usize * size * self.components),
            None => (self.bytes, element * self.stride),
        };
        let mut numbers = [0.0; N];
        for (number, slot) in numbers.iter_mut().enumerate().take(self.components) {
            *slot = bytes
                .and_then(|bytes| self.kind.number(bytes, at + number * size, self.normalised))
                .unwrap_or_default();
        }
        numbers
    }
}

/// The bytes of so many elements of a view.
fn elements(
    bytes: &[u8],
    offset: usize,
    (count, stride, element): (usize, usize, usize),
    index: Index,
) -> Result<&[u8]> {
    let needed = count.saturating_sub(1).checked_mul(stride).and_then(|bytes| bytes.checked_add(element));
    let bytes = bytes.get(offset..).filter(|bytes| count == 0 || needed.is_some_and(|needed| needed <= bytes.len()));
    bytes.ok_or_else(|| broken(&format!("has an accessor {index} beyond its buffer view")))
}

type Others<'a> = (Vec<(u32, u32)>, &'a [u8]);

fn others<'a>(
    document: &Document<'_>,
    buffers: &'a Buffers<'_>,
    accessor: &Accessor,
    sparse: &Sparse,
    element: usize,
) -> Result<Others<'a>> {
    let (count, indices, values) = (sparse.count, &sparse.indices, &sparse.values);
    if count > accessor.count {
        return Err(broken(&format!("replaces {count} of {} elements", accessor.count)));
    }
    let kind = Component::new(indices.component_type)?;
    let (bytes, _) = buffers.view(document, indices.buffer_view)?;
    let bytes = elements(bytes, indices.byte_offset, (count, kind.bytes(), kind.bytes()), indices.buffer_view)?;
    let number = |place: usize| kind.number(bytes, place * kind.bytes(), false).unwrap_or_default() as u32;
    let mut others: Vec<(u32, u32)> = (0..count).map(|place| (number(place), place as u32)).collect();
    others.sort_unstable();
    let (bytes, _) = buffers.view(document, values.buffer_view)?;
    Ok((others, elements(bytes, values.byte_offset, (count, element, element), values.buffer_view)?))
}
