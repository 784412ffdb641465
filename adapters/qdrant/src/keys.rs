//! The keys of a point's payload, the same in both stores.

use onespace_core::{Error, ItemField, Reason, Result};

/// Who owns the point.
pub(crate) const TENANT: &str = "tenant";
/// The item the point belongs to.
pub(crate) const ITEM: &str = ItemField::ItemId.name();
/// The item's modality.
pub(crate) const MODALITY: &str = ItemField::Modality.name();
/// Which part of the item.
pub(crate) const TRACK: &str = ItemField::Track.name();
/// 0 for the whole, otherwise the number of the segment.
pub(crate) const SEGMENT: &str = "segment";
/// The digest of the item's content.
pub(crate) const CONTENT_HASH: &str = ItemField::ContentHash.name();
/// Where the item came from.
pub(crate) const URI: &str = ItemField::Uri.name();
/// A line for people.
pub(crate) const TITLE: &str = ItemField::Title.name();
/// The owner's own fields, one object.
pub(crate) const METADATA: &str = "metadata";
/// Where the segment starts.
pub(crate) const START_MS: &str = "start_ms";
/// Where the segment ends.
pub(crate) const END_MS: &str = "end_ms";
/// The space of the vector.
pub(crate) const SPACE: &str = "space";
/// The tower of the vector, where it is not one of the space's own.
pub(crate) const TOWER: &str = "tower";
/// What the vector is the sum of: a list of `[modality, weight]`. Absent where it is no sum.
pub(crate) const PARTS: &str = "parts";
/// The checksums of payload and vector, in the embedded store.
pub(crate) const SUMS: &str = "sums";
/// What was said, of a speech track.
pub(crate) const TRANSCRIPT: &str = "transcript";

/// The payload path of a metadata field. An error blames `blamed`.
///
/// # Errors
/// `FIELD_INVALID` for a name that a path cannot spell.
pub(crate) fn metadata_key(field: &str, blamed: &str) -> Result<String> {
    if field.is_empty() || field.contains(['"', '\\']) {
        let message =
            format!("{field:?} cannot name a metadata field: it is empty, or has a quote or a backslash in it");
        return Err(Error::new(Reason::FieldInvalid, blamed, message));
    }
    // Quoted, so that a dot in the name stays a dot.
    Ok(format!("{METADATA}.\"{field}\""))
}
