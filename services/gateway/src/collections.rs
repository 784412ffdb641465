//! Collections: made, listed, indexed, removed.

use std::collections::{BTreeMap, HashMap};

use onespace_core::{
    CollectionInfo, CollectionName, CollectionRef, CollectionSpec, Error, FieldKind, Reason, Result, limits,
};
use onespace_proto::{space::dimension_out, v1};

use crate::{Gateway, call::Call, page::page_size};

/// The kinds of indexed fields: on the wire and in core.
const KINDS: [(v1::FieldKind, FieldKind); 4] = [
    (v1::FieldKind::Keyword, FieldKind::Keyword),
    (v1::FieldKind::Integer, FieldKind::Integer),
    (v1::FieldKind::Float, FieldKind::Float),
    (v1::FieldKind::Bool, FieldKind::Bool),
];

/// Makes a collection of this server's space.
///
/// # Errors
/// `COLLECTION_EXISTS` unless that is fine and its vectors have the length that was named; `FIELD_*`, `STORE_*`.
pub async fn create(gateway: &Gateway, call: &Call, request: v1::CreateCollectionRequest) -> Result<v1::Collection> {
    let collection = call.collection(&request.name)?;
    let indexed = indexed_in(request.indexed)?;
    let space = gateway.space();
    let dimension = space.length(request.dimension as usize)?;
    let spec = CollectionSpec { collection: collection.clone(), space: space.clone(), dimension, indexed };
    match gateway.store().create_collection(&spec).await {
        Ok(()) => gateway.collection(&collection).await.map(collection_out),
        Err(error) if error.reason == Reason::CollectionExists && request.exist_ok => {
            let stands = gateway.store().collection(&collection).await?;
            let as_asked = request.dimension == 0 || stands.dimension == dimension;
            if as_asked && stands.space == space.fingerprint { Ok(collection_out(stands)) } else { Err(error) }
        }
        Err(error) => Err(error),
    }
}

/// A page of the collections that the caller may reach, those of other spaces too: their owner should see them.
///
/// # Errors
/// `FIELD_INVALID`, `STORE_*`.
pub async fn list(
    gateway: &Gateway,
    call: &Call,
    request: v1::ListCollectionsRequest,
) -> Result<v1::ListCollectionsResponse> {
    let size = page_size("page_size", request.page_size)?;
    // A page token is how many collections came before it, as a position among names that may come and go.
    let start = match request.page_token.as_str() {
        "" => 0,
        token => token
            .parse()
            .map_err(|_| Error::new(Reason::FieldInvalid, "page_token", "not a page token of this server"))?,
    };
    let mut all = gateway.store().list_collections(&call.tenant).await?;
    let mut aliases = gateway.store().aliases(&call.tenant).await?;
    all.retain(|collection| call.caller.sees(collection.name.as_str()));
    let next_page_token =
        if all.len().saturating_sub(start) > size { (start + size).to_string() } else { String::new() };
    let collections = all.into_iter().skip(start).take(size).map(|info| {
        let aliases = aliases.remove(&info.name).unwrap_or_default();
        v1::Collection { aliases: names_out(call, aliases), ..collection_out(info) }
    });
    let collections = collections.collect();
    Ok(v1::ListCollectionsResponse { collections, next_page_token })
}

/// One collection.
///
/// # Errors
/// `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn get(gateway: &Gateway, call: &Call, name: &str) -> Result<v1::Collection> {
    let collection = call.locate(gateway, name).await?;
    with_aliases(gateway, call, &collection).await
}

/// A collection with its other names.
async fn with_aliases(gateway: &Gateway, call: &Call, collection: &CollectionRef) -> Result<v1::Collection> {
    let info = gateway.store().collection(collection).await?;
    let aliases = gateway.store().aliases(&call.tenant).await?.remove(&info.name).unwrap_or_default();
    Ok(v1::Collection { aliases: names_out(call, aliases), ..collection_out(info) })
}

/// Gives a collection another name.
///
/// # Errors
/// `FIELD_*`, `PERMISSION_DENIED` for a name that the caller may not reach, `COLLECTION_EXISTS`,
/// `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn rename(gateway: &Gateway, call: &Call, request: v1::RenameCollectionRequest) -> Result<v1::Collection> {
    let new_name = call.collection(&request.new_name).map_err(|error| blaming("new_name", error))?;
    let collection = call.collection(&request.name)?;
    gateway.store().rename_collection(&collection, &new_name.name).await?;
    with_aliases(gateway, call, &new_name).await
}

/// Leads an alias to a collection.
///
/// # Errors
/// As [`rename`]; `TOO_MANY`.
pub async fn set_alias(gateway: &Gateway, call: &Call, request: v1::SetAliasRequest) -> Result<v1::Collection> {
    let alias = call.collection(&request.alias).map_err(|error| blaming("alias", error))?;
    let collection = call.collection(&request.collection)?;
    gateway.store().set_alias(&alias, &collection.name).await?;
    with_aliases(gateway, call, &collection).await
}

/// Takes an alias away.
///
/// # Errors
/// `FIELD_*`, `PERMISSION_DENIED`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn delete_alias(gateway: &Gateway, call: &Call, alias: &str) -> Result<()> {
    let alias = call.collection(alias).map_err(|error| blaming("alias", error))?;
    gateway.store().remove_alias(&alias).await
}

/// An error of a name that stands in another field.
fn blaming(field: &str, error: Error) -> Error {
    Error { field: field.to_owned(), ..error }
}

/// Names that the caller may reach.
fn names_out(call: &Call, names: Vec<CollectionName>) -> Vec<String> {
    names.into_iter().filter(|name| call.caller.sees(name.as_str())).map(|name| name.to_string()).collect()
}

/// Removes a collection with all that is in it.
///
/// # Errors
/// `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn delete(gateway: &Gateway, call: &Call, name: &str) -> Result<()> {
    gateway.store().delete_collection(&call.collection(name)?).await
}

/// Indexes metadata fields of a collection.
///
/// # Errors
/// `FIELD_*`, `TOO_MANY`, `COLLECTION_NOT_FOUND`, `STORE_*`.
pub async fn index_fields(gateway: &Gateway, call: &Call, request: v1::IndexFieldsRequest) -> Result<v1::Collection> {
    let collection = call.locate(gateway, &request.collection).await?;
    let fields = indexed_in(request.indexed)?;
    if fields.is_empty() {
        return Err(Error::new(Reason::FieldRequired, "indexed", "name at least one field"));
    }
    gateway.store().index_fields(&collection, &fields).await?;
    gateway.store().collection(&collection).await.map(collection_out)
}

fn indexed_in(indexed: HashMap<String, i32>) -> Result<BTreeMap<String, FieldKind>> {
    if indexed.len() > limits::METADATA_FIELDS {
        let message = format!("{} fields, the limit is {}", indexed.len(), limits::METADATA_FIELDS);
        return Err(Error::new(Reason::TooMany, "indexed", message));
    }
    let field = |(field, number): (String, i32)| {
        limits::check_text("indexed", &field, limits::FIELD_NAME_BYTES)?;
        let known = KINDS.iter().find(|(wire, _)| i32::from(*wire) == number);
        let (_, kind) = known.ok_or_else(|| {
            Error::new(Reason::FieldInvalid, format!("indexed[\"{field}\"]"), format!("{number} is no kind of field"))
        })?;
        Ok((field, *kind))
    };
    indexed.into_iter().map(field).collect()
}

fn collection_out(info: CollectionInfo) -> v1::Collection {
    let kind = |kind: FieldKind| KINDS.iter().find(|(_, core)| *core == kind).map_or(0, |(wire, _)| i32::from(*wire));
    v1::Collection {
        name: info.name.to_string(),
        space_fingerprint: info.space.to_string(),
        dimension: dimension_out(info.dimension),
        points: info.points,
        indexed: info.indexed.into_iter().map(|(field, found)| (field, kind(found))).collect(),
        unavailable: info.unavailable.unwrap_or_default(),
        aliases: Vec::new(),
    }
}
