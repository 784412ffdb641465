//! What stands before a door: the layers that stand before a call of gRPC, and what makes HTTP of their answers.
//!
//! Inside, an answer says how it ended as those of gRPC do, by a status among its headers: the layers know no other.
//! Here it becomes a status of HTTP, and an error a body that clients understand.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Response as Answer},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::MethodRouter,
};
use onespace_access::{access::Access, endpoint::Endpoint, layer::AccessLayer};
use onespace_core::Reason;
use onespace_kit::{
    admission::Admission, answers::AnswerLayer, arrival::ArrivalLayer, deadline::DeadlineLayer, peer::PeerLayer,
    serve::shared_by_caller,
};
use onespace_proto::status;
use tonic::{Status, body::Body as GrpcBody};
use tower::{ServiceBuilder, util::MapRequestLayer};

use crate::{call::App, refusal::refusal};

/// Where a caller says for how long it waits, in milliseconds; gRPC's own header is understood as well.
pub const TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout-ms");
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// How long an answer took: OpenAI's name for it.
const PROCESSING: HeaderName = HeaderName::from_static("openai-processing-ms");

/// What is left of a quota, as it is said over gRPC and as clients of OpenAI read it.
const QUOTA: [(&str, HeaderName); 3] = [
    ("x-ratelimit-limit", HeaderName::from_static("x-ratelimit-limit-requests")),
    ("x-ratelimit-remaining", HeaderName::from_static("x-ratelimit-remaining-requests")),
    ("x-ratelimit-reset", HeaderName::from_static("x-ratelimit-reset-requests")),
];

/// A route behind everything that a call of gRPC passes.
pub fn guarded(
    route: MethodRouter<App>,
    endpoint: Endpoint,
    access: &Arc<Access>,
    arrival: &Admission,
) -> MethodRouter<App> {
    route.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(endpoint, translate))
            .map_request(|request: Request| request.map(GrpcBody::new))
            .map_response(|answer: Answer<GrpcBody>| answer.map(Body::new))
            .layer(PeerLayer)
            .layer(AnswerLayer)
            .layer(AccessLayer(access.clone()))
            .layer(MapRequestLayer::new(shared_by_caller))
            .layer(DeadlineLayer)
            .layer(ArrivalLayer(arrival.clone()))
            .map_request(|request: Answerable| request.map(Body::new))
            .map_response(|answer: Response| ended(answer).map(GrpcBody::new)),
    )
}

type Answerable = axum::http::Request<GrpcBody>;

/// Between HTTP outside and the manners of gRPC inside.
async fn translate(State(endpoint): State<Endpoint>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    if let Some(timeout) = timeout(request.headers()) {
        request.headers_mut().insert(GRPC_TIMEOUT, timeout);
    }
    request.extensions_mut().insert(endpoint);
    let mut answer = next.run(request).await;
    if let Some(failed) = Status::from_header_map(answer.headers()).filter(|status| status.code() != tonic::Code::Ok) {
        let kept = answer.headers().iter().filter(|(name, _)| name.as_str().starts_with("x-"));
        let kept: HeaderMap = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        answer = refusal(&status::error(&failed, Reason::Internal));
        answer.headers_mut().extend(kept);
    }
    let headers = answer.headers_mut();
    headers.remove(GRPC_STATUS);
    for (ours, theirs) in QUOTA {
        if let Some(value) = headers.get(ours).cloned() {
            headers.insert(theirs, value);
        }
    }
    if let Ok(took) = HeaderValue::try_from(began.elapsed().as_millis().to_string()) {
        headers.insert(PROCESSING, took);
    }
    answer
}

/// The deadline that a caller names, as gRPC writes it: at most eight digits.
fn timeout(headers: &HeaderMap) -> Option<HeaderValue> {
    let named: u64 = headers.get(TIMEOUT)?.to_str().ok()?.parse().ok()?;
    HeaderValue::try_from(format!("{}m", named.clamp(1, 99_999_999))).ok()
}

/// An answer that says how it ended: well, where nothing else is said.
fn ended(mut answer: Response) -> Response {
    answer.headers_mut().entry(GRPC_STATUS).or_insert(HeaderValue::from_static("0"));
    answer
}
