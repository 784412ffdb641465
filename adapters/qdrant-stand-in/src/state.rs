//! What is kept: collections, the names that lead to them, and their points in the order of their ids.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard},
};

use qdrant_client::{
    Payload,
    qdrant::{PointId, Value, point_id::PointIdOptions},
};
use serde_json::Map;
use tonic::Status;

/// What all nodes keep together.
#[derive(Debug, Default)]
pub(crate) struct State(Mutex<Kept>);

#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) collections: BTreeMap<String, Collection>,
    pub(crate) aliases: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
pub(crate) struct Collection {
    pub(crate) metadata: HashMap<String, Value>,
    pub(crate) points: BTreeMap<String, Point>,
}

/// One point.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) payload: Map<String, serde_json::Value>,
    pub(crate) vector: Vec<f32>,
}

impl State {
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    pub(crate) fn points(&self) -> usize {
        self.kept().collections.values().map(|collection| collection.points.len()).sum()
    }
}

impl Kept {
    /// The collection behind a name or an alias.
    pub(crate) fn collection(&mut self, name: &str) -> Result<&mut Collection, Status> {
        let physical = self.aliases.get(name).cloned().unwrap_or_else(|| name.to_owned());
        let missing = || Status::not_found(format!("Not found: Collection `{name}` doesn't exist!"));
        self.collections.get_mut(&physical).ok_or_else(missing)
    }
}

/// The id of a point as text: the points of a collection are in its order.
pub(crate) fn key(id: Option<PointId>) -> Result<String, Status> {
    match id.and_then(|id| id.point_id_options) {
        Some(PointIdOptions::Uuid(id)) => Ok(id),
        Some(PointIdOptions::Num(id)) => Ok(id.to_string()),
        None => Err(Status::invalid_argument("a point has no id")),
    }
}

pub(crate) fn json(payload: HashMap<String, Value>) -> Map<String, serde_json::Value> {
    Payload::from(payload).into()
}

pub(crate) fn wire(payload: Map<String, serde_json::Value>) -> HashMap<String, Value> {
    payload.into_iter().map(|(key, value)| (key, value.into())).collect()
}
