//! How a point lies in a collection: one layout, whichever Qdrant keeps it.

use std::collections::BTreeMap;

use onespace_core::{
    ContentHash, Error, Field, ItemDetails, ItemId, Point, Reason, Result, Span, StoredItem, Tenant, WeightedModality,
};
use serde_json::{Map, Value};

use crate::keys::{
    CONTENT_HASH, END_MS, ITEM, METADATA, MODALITY, PARTS, SEGMENT, SPACE, START_MS, TENANT, TITLE, TOWER, TRACK,
    TRANSCRIPT, URI,
};

/// The keys that [`item_and_hash`] reads.
pub(crate) const ITEM_AND_HASH: [&str; 3] = [TENANT, ITEM, CONTENT_HASH];
/// The keys that [`stored_item`] reads.
pub(crate) const STORED_ITEM: [&str; 6] = [TENANT, ITEM, CONTENT_HASH, URI, TITLE, METADATA];

/// The keys of what a search says of a point: all but what its owner says of the item and what is said in it, which
/// may be a hundred times as much.
pub(crate) const HIT: [&str; 11] =
    [TENANT, ITEM, MODALITY, TRACK, SEGMENT, CONTENT_HASH, SPACE, START_MS, END_MS, TOWER, PARTS];

/// What is kept beside a point's vector.
pub(crate) fn payload(tenant: &Tenant, point: &Point) -> Map<String, Value> {
    let mut payload = Map::new();
    let mut put = |key: &str, value: Value| payload.insert(key.to_owned(), value);
    put(TENANT, tenant.as_str().into());
    put(ITEM, point.item.as_str().into());
    put(MODALITY, point.modality.name().into());
    put(TRACK, point.track.name().into());
    put(SEGMENT, point.segment.into());
    put(CONTENT_HASH, point.content_hash.as_str().into());
    put(SPACE, point.space.to_string().into());
    put(METADATA, Value::Object(point.metadata.clone().into_iter().collect()));
    if let Some(span) = point.span {
        put(START_MS, span.start_ms.into());
        put(END_MS, span.end_ms.into());
    }
    if let Some(tower) = point.tower {
        put(TOWER, tower.to_string().into());
    }
    if let Some(uri) = &point.uri {
        put(URI, uri.as_str().into());
    }
    if let Some(title) = &point.title {
        put(TITLE, title.as_str().into());
    }
    if let Some(transcript) = &point.transcript {
        put(TRANSCRIPT, transcript.as_str().into());
    }
    if !point.parts.is_empty() {
        let part = |(modality, weight): &WeightedModality| Value::Array(vec![modality.name().into(), (*weight).into()]);
        put(PARTS, point.parts.iter().map(part).collect());
    }
    payload
}

/// The point a payload was made from, and the tenant's own: anything else is a defect that must not pass.
///
/// # Errors
/// `STORE_FAILED` for another tenant's point, or a payload that is not of this layout.
pub(crate) fn point(tenant: &Tenant, mut payload: Map<String, Value>, vector: Vec<f32>) -> Result<Point> {
    expect_tenant(tenant, &payload)?;
    let span = match (payload.get(START_MS).and_then(Value::as_u64), payload.get(END_MS).and_then(Value::as_u64)) {
        (Some(start_ms), Some(end_ms)) => Some(Span { start_ms, end_ms }),
        _ => None,
    };
    let segment = payload.get(SEGMENT).and_then(Value::as_u64).and_then(|segment| u32::try_from(segment).ok());
    let ItemDetails { uri, title, metadata } = take_details(&mut payload);
    Ok(Point {
        item: parsed(&payload, ITEM)?,
        modality: parsed(&payload, MODALITY)?,
        track: parsed(&payload, TRACK)?,
        segment: segment.ok_or_else(|| unreadable(SEGMENT))?,
        span,
        uri,
        title,
        content_hash: content_hash(&payload)?,
        space: parsed(&payload, SPACE)?,
        tower: text(&payload, TOWER).map(|_| parsed(&payload, TOWER)).transpose()?,
        metadata,
        parts: parts(&payload)?,
        transcript: text(&payload, TRANSCRIPT).map(str::to_owned),
        vector,
    })
}

/// The item and content hash of a payload that may hold nothing else but its tenant.
///
/// # Errors
/// As [`point`].
pub(crate) fn item_and_hash(tenant: &Tenant, payload: &Map<String, Value>) -> Result<(ItemId, ContentHash)> {
    expect_tenant(tenant, payload)?;
    Ok((parsed(payload, ITEM)?, content_hash(payload)?))
}

/// What a payload says of its item; it may hold nothing else but its tenant.
///
/// # Errors
/// As [`point`].
pub(crate) fn stored_item(tenant: &Tenant, mut payload: Map<String, Value>) -> Result<(ItemId, StoredItem)> {
    let (item, content_hash) = item_and_hash(tenant, &payload)?;
    let details = take_details(&mut payload);
    Ok((item, StoredItem { content_hash, details: Some(details) }))
}

/// The key under which a payload has a field.
pub(crate) fn facet_key(field: &Field) -> &'static str {
    match field {
        Field::Metadata(_) => METADATA,
        Field::Item(field) => field.name(),
    }
}

/// The value of a field in a payload that may hold nothing else but its tenant.
///
/// # Errors
/// `STORE_FAILED` for another tenant's point.
pub(crate) fn facet_value<'a>(
    tenant: &Tenant,
    payload: &'a Map<String, Value>,
    field: &Field,
) -> Result<Option<&'a Value>> {
    expect_tenant(tenant, payload)?;
    let value = payload.get(facet_key(field));
    Ok(match field {
        Field::Metadata(name) => value.and_then(|fields| fields.get(name)),
        Field::Item(_) => value,
    })
}

/// What the owner says of the item, taken out of its payload.
fn take_details(payload: &mut Map<String, Value>) -> ItemDetails {
    let metadata = match payload.remove(METADATA) {
        Some(Value::Object(fields)) => fields.into_iter().collect(),
        _ => BTreeMap::new(),
    };
    let uri = text(payload, URI).map(str::to_owned);
    let title = text(payload, TITLE).map(str::to_owned);
    ItemDetails { uri, title, metadata }
}

fn parts(payload: &Map<String, Value>) -> Result<Vec<WeightedModality>> {
    let part = |part: &Value| match part.as_array().map(Vec::as_slice) {
        Some([modality, weight]) => Some((modality.as_str()?.parse().ok()?, weight.as_f64()? as f32)),
        _ => None,
    };
    match payload.get(PARTS) {
        None => Ok(Vec::new()),
        Some(parts) => {
            let parts = parts.as_array().and_then(|parts| parts.iter().map(part).collect());
            parts.ok_or_else(|| unreadable(PARTS))
        }
    }
}

fn expect_tenant(tenant: &Tenant, payload: &Map<String, Value>) -> Result<()> {
    if text(payload, TENANT) == Some(tenant.as_str()) {
        return Ok(());
    }
    tracing::error!(%tenant, "the store answered with a point of another tenant");
    Err(Error::new(Reason::StoreFailed, "", "the store answered with a point that is not this tenant's"))
}

fn content_hash(payload: &Map<String, Value>) -> Result<ContentHash> {
    text(payload, CONTENT_HASH).map(ContentHash::from_stored).ok_or_else(|| unreadable(CONTENT_HASH))
}

fn text<'a>(payload: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    payload.get(key).and_then(Value::as_str)
}

fn parsed<T: std::str::FromStr>(payload: &Map<String, Value>, key: &str) -> Result<T> {
    text(payload, key).and_then(|text| text.parse().ok()).ok_or_else(|| unreadable(key))
}

fn unreadable(key: &str) -> Error {
    Error::new(Reason::StoreFailed, "", format!("a stored point has no readable \"{key}\""))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use onespace_core::{Fingerprint, Modality, Track};

    use super::*;

    fn sum() -> Point {
        Point {
            item: "clip".parse().unwrap(),
            modality: Modality::Video,
            track: Track::Fused,
            segment: 0,
            span: None,
            uri: None,
            title: None,
            content_hash: ContentHash::from_stored("content"),
            space: Fingerprint::of(b"space"),
            tower: None,
            metadata: BTreeMap::new(),
            parts: vec![(Modality::Video, 0.7), (Modality::Audio, 0.1)],
            transcript: None,
            vector: Vec::new(),
        }
    }

    #[test]
    fn a_sum_says_what_it_is_the_sum_of_and_other_points_say_nothing() {
        let (tenant, sum) = (Tenant::default(), sum());
        let text = serde_json::to_string(&payload(&tenant, &sum)).unwrap();
        assert!(text.contains(r#""parts":[["video",0."#), "{text}");
        assert_eq!(point(&tenant, serde_json::from_str(&text).unwrap(), Vec::new()).unwrap(), sum);
        let whole = Point { track: Track::Whole, parts: Vec::new(), ..sum };
        let written = payload(&tenant, &whole);
        let keys: BTreeSet<_> = written.keys().map(String::as_str).collect();
        let expected = [TENANT, ITEM, MODALITY, TRACK, SEGMENT, CONTENT_HASH, SPACE, METADATA];
        assert_eq!(keys, expected.into());
        assert_eq!(point(&tenant, written, Vec::new()).unwrap(), whole);
        let spoken = Point { track: Track::Speech, transcript: Some("who goes there".to_owned()), ..whole };
        assert_eq!(point(&tenant, payload(&tenant, &spoken), Vec::new()).unwrap(), spoken);
    }

    #[test]
    fn what_is_not_of_this_layout_is_an_error() {
        let tenant = Tenant::default();
        let good = payload(&tenant, &sum());
        for (key, bent) in [
            (PARTS, r#"[["video"]]"#),
            (PARTS, r#"[["smell",1.0]]"#),
            (PARTS, r#"{"video":1.0}"#),
            (TRACK, r#""none""#),
            (SEGMENT, "-1"),
            (TENANT, r#""other""#),
        ] {
            let mut bad = good.clone();
            bad.insert(key.to_owned(), serde_json::from_str(bent).unwrap());
            assert_eq!(point(&tenant, bad, Vec::new()).unwrap_err().reason, Reason::StoreFailed, "{key}: {bent}");
        }
    }
}
