//! What an owner says of an item beside its content, and how it changes: nothing is embedded for that.

use std::{collections::BTreeMap, slice};

use onespace_core::{
    CollectionRef, Error, Fetch, ItemDetails, ItemId, Point, Reason, Result,
    limits::{FIELD_NAME_BYTES, METADATA_FIELDS, TITLE_BYTES, URI_BYTES, check_text},
};
use onespace_proto::{
    convert,
    metadata::{self, metadata_in},
};
use prost_types::{FieldMask, Struct};
use serde_json::Value;

use crate::Gateway;

/// A change of what is said of an item. What is not in it stays as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DetailsUpdate {
    /// What to write in its place; the inner none takes it away.
    uri: Option<Option<String>>,
    title: Option<Option<String>>,
    /// All of it.
    metadata: Option<BTreeMap<String, Value>>,
    /// Fields of it.
    fields: BTreeMap<String, Option<Value>>,
    /// Fields that the media says of itself.
    tags: BTreeMap<String, Value>,
}

impl DetailsUpdate {
    /// What is set; what is empty is not said.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a long text, as [`metadata_in`].
    pub fn of_set(uri: String, title: String, metadata: Option<Struct>) -> Result<Self> {
        check_text("uri", &uri, URI_BYTES)?;
        check_text("title", &title, TITLE_BYTES)?;
        Ok(Self {
            uri: convert::some(uri).map(Some),
            title: convert::some(title).map(Some),
            metadata: metadata.map(|metadata| metadata_in(Some(metadata))).transpose()?,
            ..Self::default()
        })
    }

    /// What a request changes: what its mask names, or without one what it sets.
    ///
    /// # Errors
    /// As [`Self::of_mask`]; `FIELD_REQUIRED` where that is nothing.
    pub fn of_request(uri: String, title: String, metadata: Option<Struct>, mask: Option<FieldMask>) -> Result<Self> {
        let update = match mask.map(|mask| mask.paths).unwrap_or_default().as_slice() {
            [] => Self::of_set(uri, title, metadata)?,
            paths => Self::of_mask(uri, title, metadata, paths)?,
        };
        if update == Self::default() {
            let message = "nothing is to be changed: set uri, title or metadata, or name what to take away";
            return Err(Error::new(Reason::FieldRequired, "update_mask", message));
        }
        Ok(update)
    }

    /// The same, and what the media says of itself.
    ///
    /// # Errors
    /// As [`metadata_in`], blaming `tags`.
    pub fn with_tags(self, tags: Option<Struct>) -> Result<Self> {
        let blamed = |error: Error| Error { field: error.field.replacen("metadata", "tags", 1), ..error };
        Ok(Self { tags: metadata_in(tags).map_err(blamed)?, ..self })
    }

    /// What the paths of a mask name: what is empty is taken away.
    ///
    /// # Errors
    /// As [`Self::of_set`]; `FIELD_INVALID` for a path that names nothing here, `TOO_MANY` paths.
    pub fn of_mask(uri: String, title: String, metadata: Option<Struct>, paths: &[String]) -> Result<Self> {
        let set = Self::of_set(uri, title, metadata)?;
        let given = set.metadata.unwrap_or_default();
        let mut update = Self::default();
        if paths.len() > METADATA_FIELDS {
            let message = format!("{} paths, the limit is {METADATA_FIELDS}", paths.len());
            return Err(Error::new(Reason::TooMany, "update_mask", message));
        }
        for (index, path) in paths.iter().enumerate() {
            let named = format!("update_mask.paths[{index}]");
            check_text(&named, path, "metadata.".len() + FIELD_NAME_BYTES)?;
            match (path.as_str(), path.strip_prefix("metadata.")) {
                ("uri", _) => update.uri = Some(set.uri.clone().flatten()),
                ("title", _) => update.title = Some(set.title.clone().flatten()),
                ("metadata", _) => update.metadata = Some(given.clone()),
                (_, Some(name)) if !name.is_empty() => {
                    update.fields.insert(name.to_owned(), given.get(name).cloned());
                }
                _ => {
                    let message = format!("{path:?} is none of uri, title, metadata, metadata.NAME");
                    return Err(Error::new(Reason::FieldInvalid, named, message));
                }
            }
        }
        Ok(update)
    }

    /// What is known of the item once this is written.
    #[must_use]
    pub fn apply(&self, before: ItemDetails) -> ItemDetails {
        let mut metadata = self.metadata.clone().unwrap_or(before.metadata);
        for (name, value) in &self.fields {
            match value {
                Some(value) => metadata.insert(name.clone(), value.clone()),
                None => metadata.remove(name),
            };
        }
        let metadata = self.tagged(metadata);
        ItemDetails {
            uri: self.uri.clone().unwrap_or(before.uri),
            title: self.title.clone().unwrap_or(before.title),
            metadata,
        }
    }
}

impl DetailsUpdate {
    /// The tags over metadata, but for what this names itself; the metadata alone where both are too much.
    fn tagged(&self, metadata: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        let named = |name: &String| {
            self.fields.contains_key(name) || self.metadata.as_ref().is_some_and(|all| all.contains_key(name))
        };
        let mut both = metadata.clone();
        both.extend(self.tags.clone().into_iter().filter(|(name, _)| !named(name)));
        if metadata::check(&both).is_ok() { both } else { metadata }
    }
}

/// Writes a change to all points of an item, whose vectors stay; returns the points. Whoever calls holds the item's
/// lock.
///
/// # Errors
/// `ITEM_NOT_FOUND`, `TOO_MANY` fields in all, `STORE_*`.
pub async fn rewrite(
    gateway: &Gateway,
    collection: &CollectionRef,
    id: &ItemId,
    update: &DetailsUpdate,
) -> Result<Vec<Point>> {
    let mut items = gateway.store().items(collection, slice::from_ref(id), Fetch::ALL).await?;
    let points = items.remove(id).unwrap_or_default();
    let Some(first) = points.first() else { return Err(not_found(collection, id)) };
    let before = ItemDetails { uri: first.uri.clone(), title: first.title.clone(), metadata: first.metadata.clone() };
    let details = update.apply(before);
    // Fields that come one by one may be too many together.
    metadata::check(&details.metadata)?;
    let points: Vec<Point> = points.into_iter().map(|point| point.described(details.clone())).collect();
    gateway.store().upsert(collection, points.clone()).await?;
    Ok(points)
}

/// There is no such item.
pub fn not_found(collection: &CollectionRef, id: &ItemId) -> Error {
    Error::new(Reason::ItemNotFound, "item_id", format!("there is no item \"{id}\" in collection \"{collection}\""))
}

#[cfg(test)]
mod tests {
    use onespace_proto::metadata::metadata_out;
    use serde_json::json;

    use super::*;

    fn metadata(value: Value) -> BTreeMap<String, Value> {
        value.as_object().unwrap().clone().into_iter().collect()
    }

    #[test]
    fn a_mask_names_what_is_written() {
        let before =
            ItemDetails { uri: Some("u".into()), title: Some("t".into()), metadata: metadata(json!({"a": 1, "b": 2})) };
        let update = |uri: &str, fields: Value, paths: &[&str]| {
            let paths: Vec<_> = paths.iter().map(ToString::to_string).collect();
            let of = DetailsUpdate::of_mask(uri.into(), String::new(), metadata_out(metadata(fields)), &paths);
            of.unwrap().apply(before.clone())
        };
        assert_eq!(update("v", json!({}), &["uri"]).uri.as_deref(), Some("v"));
        assert_eq!(update("", json!({}), &["title"]).title, None);
        assert_eq!(update("", json!({"c": 3}), &["metadata"]).metadata, metadata(json!({"c": 3})));
        let one = update("v", json!({"c": 3, "a": 9}), &["metadata.c", "metadata.b"]);
        assert_eq!(one.metadata, metadata(json!({"a": 1, "c": 3})));
        assert_eq!((one.uri.as_deref(), one.title.as_deref()), (Some("u"), Some("t")));
        let tags = metadata_out(metadata(json!({"a": 7, "t": "x"})));
        let tagged = |stated: Option<Value>| {
            let stated = stated.and_then(|stated| metadata_out(metadata(stated)));
            DetailsUpdate::of_set(String::new(), String::new(), stated).unwrap().with_tags(tags.clone()).unwrap()
        };
        assert_eq!(tagged(None).apply(before.clone()).metadata, metadata(json!({"a": 7, "b": 2, "t": "x"})));
        let stated = tagged(Some(json!({"a": 1}))).apply(before.clone());
        assert_eq!(stated.metadata, metadata(json!({"a": 1, "t": "x"})), "what is stated wins");
        let full: Vec<_> = (0..METADATA_FIELDS).map(|n| (format!("{n}"), json!(n))).collect();
        let full = ItemDetails { metadata: full.into_iter().collect(), ..ItemDetails::default() };
        assert_eq!(tagged(None).apply(full.clone()), full, "no room is no fault");
        for path in ["", "metadata.", "vector", "item_id"] {
            let wrong = DetailsUpdate::of_mask(String::new(), String::new(), None, &[path.to_owned()]);
            assert_eq!(wrong.unwrap_err().field, "update_mask.paths[0]");
        }
    }
}
