//! gRPC-Web: calls of clients that are generated from the .proto files and run in a browser, which can read no
//! trailers.

use std::{convert::Infallible, sync::Arc};

use axum::{body::Body, extract::Request, http::Response};
use onespace_access::{access::Access, layer::AccessLayer};
use onespace_gateway::services::Services;
use onespace_kit::{
    admission::Admission, answers::AnswerLayer, arrival::ArrivalLayer, deadline::DeadlineLayer, peer::PeerLayer,
    serve::shared_by_caller,
};
use tonic::body::Body as GrpcBody;
use tonic_web::GrpcWebLayer;
use tower::{Service, ServiceBuilder, util::MapRequestLayer};

/// All services, behind the layers that they stand behind over gRPC.
pub fn services(
    services: Services,
    access: &Arc<Access>,
    arrival: &Admission,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
+ Clone
+ Send
+ Sync
+ 'static
+ use<> {
    ServiceBuilder::new()
        .map_response(|answer: Response<GrpcBody>| answer.map(Body::new))
        .layer(GrpcWebLayer::new())
        .layer(PeerLayer)
        .layer(AnswerLayer)
        .layer(AccessLayer(access.clone()))
        .layer(MapRequestLayer::new(shared_by_caller))
        .layer(DeadlineLayer)
        .layer(ArrivalLayer(arrival.clone()))
        .service(services.routes().prepare())
}
