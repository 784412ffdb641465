//! Pages of other sites: a browser lets them send forms to any server, this one on its user's own machine included. So
//! what comes from a page of another site is refused, unless the operator has named the site.

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
            ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
        },
    },
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use onespace_core::{Error, Reason};

use crate::{call::App, refusal::refusal};

/// Answers of which a page may read more than the body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, retry-after, grpc-status, grpc-message, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, \
     x-ratelimit-reset-requests",
);

/// Lets through what no page sent, what a page of this very server sent, and what one of an allowed site sent.
pub async fn cors(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(ORIGIN).cloned() else { return next.run(request).await };
    let allowed = |name: &String| name == "*" || name.as_bytes() == origin.as_bytes();
    if !app.settings.origins.iter().any(allowed) {
        if is_our_own(request.headers(), &origin) {
            return next.run(request).await;
        }
        let message =
            "pages of this site may not call this server, unless it was started with --http-origin and its name";
        return refusal(&Error::new(Reason::PermissionDenied, "origin", message));
    }
    let asked = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let mut answer = if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(VARY, HeaderValue::from_static("origin"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    if is_preflight {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PATCH, DELETE"));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        if let Some(asked) = asked {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
    }
    answer
}

/// Whether a page came from the server that it calls.
fn is_our_own(headers: &HeaderMap, origin: &HeaderValue) -> bool {
    let site = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, site)| site);
    site.is_some() && site == headers.get(HOST).and_then(|host| host.to_str().ok())
}
