//! Points put together to items, and pages of them.

use std::collections::BTreeMap;

use onespace_core::{Error, ItemId, Point, Reason, Result, StoredItem};
use uuid::Uuid;

/// What is known of each item. One whose points are of different contents is left out, so that a half-written item is
/// written again; where they agree on the content alone, nothing is known of its details.
pub(crate) fn stored_items(points: impl IntoIterator<Item = (ItemId, StoredItem)>) -> BTreeMap<ItemId, StoredItem> {
    let mut items: BTreeMap<ItemId, Option<StoredItem>> = BTreeMap::new();
    for (item, point) in points {
        let Some(known) = items.get_mut(&item) else {
            items.insert(item, Some(point));
            continue;
        };
        match known {
            Some(known) if known.content_hash == point.content_hash => {
                if known.details != point.details {
                    known.details = None;
                }
            }
            _ => *known = None,
        }
    }
    items.into_iter().filter_map(|(item, known)| Some((item, known?))).collect()
}

/// Points by item, each item's wholes first.
pub(crate) fn by_item(points: impl IntoIterator<Item = Point>) -> BTreeMap<ItemId, Vec<Point>> {
    let mut items: BTreeMap<ItemId, Vec<Point>> = BTreeMap::new();
    for point in points {
        items.entry(point.item.clone()).or_default().push(point);
    }
    for points in items.values_mut() {
        points.sort_by_key(|point| (point.segment, point.track));
    }
    items
}

/// The id of the point that a page starts with.
///
/// # Errors
/// `FIELD_INVALID` for a token that is not ours.
pub(crate) fn page_start(token: Option<&str>) -> Result<Option<Uuid>> {
    let parsed = token.map(|token| {
        let shown: String = token.chars().take(80).collect();
        let message = format!("{shown:?} is not a page token of this server");
        token.parse().map_err(|_| Error::new(Reason::FieldInvalid, "page", message))
    });
    parsed.transpose()
}
