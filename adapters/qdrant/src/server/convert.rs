//! Ours to the client's types and back.

use std::{collections::HashMap, error::Error as _, time::Duration};

use onespace_core::{CollectionRef, Error, FieldKind, Point, Reason, Result, Tenant};
use qdrant_client::{
    Payload, QdrantError,
    qdrant::{
        Condition, FieldCondition, FieldType, Filter, KeywordIndexParamsBuilder, PointId, PointStruct, Range, Value,
        VectorsOutput, payload_index_params::IndexParams, point_id::PointIdOptions, vector_output::Vector,
    },
};
use serde_json::Map;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    description::{Index, not_found},
    filter::{Clauses, Test},
    payload,
};

/// How long to wait before asking a server again that did not answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The server's filter.
pub(super) fn filter(clauses: &Clauses) -> Filter {
    let all = |tests: &[Test]| tests.iter().map(condition).collect();
    Filter {
        must: all(&clauses.must),
        should: all(&clauses.should),
        must_not: all(&clauses.must_not),
        min_should: None,
    }
}

fn condition(test: &Test) -> Condition {
    match test {
        Test::Texts(key, any) => Condition::matches(key.as_str(), any.clone()),
        Test::Integers(key, any) => Condition::matches(key.as_str(), any.clone()),
        Test::Bool(key, truth) => Condition::matches(key.as_str(), *truth),
        Test::Range(key, bounds) => {
            let range = Range { gt: bounds.gt, gte: bounds.gte, lt: bounds.lt, lte: bounds.lte };
            FieldCondition { key: key.clone(), range: Some(range), ..FieldCondition::default() }.into()
        }
        Test::Empty(key) => Condition::is_empty(key.as_str()),
        Test::Within(clauses) => filter(clauses).into(),
    }
}

/// The type of a payload index and, where it has any, its parameters.
pub(super) fn index(index: &Index) -> (FieldType, Option<IndexParams>) {
    match index.kind {
        FieldKind::Keyword if index.tenant => {
            let params = KeywordIndexParamsBuilder::default().is_tenant(true).build();
            (FieldType::Keyword, Some(IndexParams::KeywordIndexParams(params)))
        }
        FieldKind::Keyword => (FieldType::Keyword, None),
        FieldKind::Integer => (FieldType::Integer, None),
        FieldKind::Float => (FieldType::Float, None),
        FieldKind::Bool => (FieldType::Bool, None),
    }
}

/// A point as the server takes it.
pub(super) fn row(tenant: &Tenant, point: Point) -> PointStruct {
    let payload = Payload::from(payload::payload(tenant, &point));
    PointStruct::new(point.id(tenant).0, point.vector, payload)
}

/// A payload as JSON.
pub(super) fn json(payload: HashMap<String, Value>) -> Map<String, serde_json::Value> {
    Payload::from(payload).into()
}

/// A point as the server tells it.
///
/// # Errors
/// As [`payload::point`].
pub(super) fn point(tenant: &Tenant, payload: HashMap<String, Value>, vectors: Option<VectorsOutput>) -> Result<Point> {
    let vector = match vectors.and_then(|vectors| vectors.get_vector()) {
        Some(Vector::Dense(dense)) => dense.data,
        _ => Vec::new(),
    };
    payload::point(tenant, json(payload), vector)
}

/// The id of a point.
///
/// # Errors
/// `STORE_FAILED` for one that is not of our layout.
pub(super) fn uuid(id: PointId) -> Result<Uuid> {
    match id.point_id_options {
        Some(PointIdOptions::Uuid(id)) => id.parse().ok(),
        _ => None,
    }
    .ok_or_else(|| Error::new(Reason::StoreFailed, "", "a stored point's id is not of this layout"))
}

/// What a failed call means to whoever made it.
pub(super) fn error(collection: Option<&CollectionRef>, error: QdrantError) -> Error {
    let unavailable = |why: String, pause: Duration| {
        Error::new(Reason::StoreUnavailable, "", format!("Qdrant does not answer: {why}")).retry_after(pause)
    };
    match error {
        QdrantError::ResponseError { status } if is_unanswered(&status) => {
            unavailable(status.message().to_owned(), RETRY_AFTER)
        }
        QdrantError::ResponseError { status } => match (status.code(), collection) {
            (Code::NotFound, Some(collection)) => not_found(&collection.name),
            (code, _) => Error::new(Reason::StoreFailed, "", format!("Qdrant answered {code:?}: {}", status.message())),
        },
        QdrantError::ResourceExhaustedError { status, retry_after_seconds } => {
            unavailable(status.message().to_owned(), Duration::from_secs(retry_after_seconds))
        }
        QdrantError::Io(error) => unavailable(error.to_string(), RETRY_AFTER),
        error => Error::new(Reason::StoreFailed, "", error.to_string()),
    }
}

/// Whether what a call named is not there.
pub(super) fn missing(problem: &QdrantError) -> bool {
    matches!(problem, QdrantError::ResponseError { status } if status.code() == Code::NotFound)
}

/// Whether nothing is known of what became of a call, so that another attempt may do better.
pub(super) fn unanswered(problem: &QdrantError) -> bool {
    match problem {
        QdrantError::ResponseError { status } => is_unanswered(status),
        QdrantError::Io(_) => true,
        _ => false,
    }
}

/// Whether it was the connection that failed, and not the server that said so.
pub(super) fn unreachable(problem: &QdrantError) -> bool {
    matches!(problem, QdrantError::ResponseError { status } if is_unreachable(status))
}

fn is_unanswered(status: &Status) -> bool {
    is_unreachable(status) || matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled)
}

fn is_unreachable(status: &Status) -> bool {
    match status.code() {
        // The client says it so when it cannot connect.
        Code::Internal if status.message().starts_with("Failed to connect") => true,
        // What a server says has no source, what the transport met has.
        Code::Unavailable | Code::Unknown | Code::Internal => status.source().is_some(),
        _ => false,
    }
}
