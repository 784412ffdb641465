//! Points: written, removed, found.

use std::{collections::HashMap, time::Duration};

use qdrant_client::qdrant::{
    CountPoints, CountResponse, CountResult, CreateFieldIndexCollection, DeletePoints, DenseVector, PointId,
    PointsOperationResponse, QueryPoints, QueryResponse, RetrievedPoint, ScoredPoint, ScrollPoints, ScrollResponse,
    UpsertPoints, Value, VectorOutput, Vectors, VectorsOutput, WithPayloadSelector, WithVectorsSelector,
    points_selector::PointsSelectorOneOf, points_server::Points, query, vector, vector_input, vector_output, vectors,
    vectors_output, with_payload_selector, with_vectors_selector,
};
use tonic::{Request, Response, Status};

use crate::{
    Node,
    matching::lets_through,
    state::{Point, json, key, wire},
    unanswered,
};

/// Points of a page that names no number.
const PAGE: u32 = 10;
/// Between listing the points of a page and reading them.
const READ: Duration = Duration::from_millis(1);

#[tonic::async_trait]
impl Points for Node {
    async fn upsert(&self, request: Request<UpsertPoints>) -> Result<Response<PointsOperationResponse>, Status> {
        self.faults.before().await;
        let UpsertPoints { collection_name, points, .. } = request.into_inner();
        {
            let mut kept = self.state.kept();
            let collection = kept.collection(&collection_name)?;
            for point in points {
                let stored = Point { payload: json(point.payload), vector: unit(dense(point.vectors)?) };
                collection.points.insert(key(point.id)?, stored);
            }
        }
        self.faults.done()
    }

    async fn delete(&self, request: Request<DeletePoints>) -> Result<Response<PointsOperationResponse>, Status> {
        self.faults.before().await;
        let DeletePoints { collection_name, points, .. } = request.into_inner();
        let Some(PointsSelectorOneOf::Filter(filter)) = points.and_then(|points| points.points_selector_one_of) else {
            return Err(Status::unimplemented("removing anything but what a filter lets through"));
        };
        {
            let mut kept = self.state.kept();
            kept.collection(&collection_name)?.points.retain(|_, point| !lets_through(&filter, &point.payload));
        }
        self.faults.done()
    }

    async fn create_field_index(
        &self,
        request: Request<CreateFieldIndexCollection>,
    ) -> Result<Response<PointsOperationResponse>, Status> {
        self.faults.before().await;
        self.state.kept().collection(&request.get_ref().collection_name)?;
        self.faults.done()
    }

    async fn scroll(&self, request: Request<ScrollPoints>) -> Result<Response<ScrollResponse>, Status> {
        self.faults.before().await;
        let ScrollPoints { collection_name, filter, offset, limit, with_payload, with_vectors, .. } =
            request.into_inner();
        let from = offset.map(|offset| key(Some(offset))).transpose()?.unwrap_or_default();
        let (filter, limit) = (filter.unwrap_or_default(), limit.unwrap_or(PAGE) as usize);
        let listed: Vec<String> = {
            let mut kept = self.state.kept();
            let points = kept.collection(&collection_name)?.points.range(from..);
            let found = points.filter(|(_, point)| lets_through(&filter, &point.payload));
            found.take(limit + 1).map(|(id, _)| id.clone()).collect()
        };
        // Qdrant lists, then reads: what is deleted in between makes a page short, and a short page has none after it.
        tokio::time::sleep(READ).await;
        let mut kept = self.state.kept();
        let points = &kept.collection(&collection_name)?.points;
        let there = listed.iter().filter_map(|id| points.get(id).map(|point| (id, point)));
        let mut result: Vec<_> = there
            .map(|(id, point)| RetrievedPoint {
                id: Some(PointId::from(id.as_str())),
                payload: payload(point, with_payload.as_ref()),
                vectors: vectors_out(point, with_vectors.as_ref()),
                ..Default::default()
            })
            .collect();
        let next_page_offset = if result.len() > limit { result.pop().and_then(|point| point.id) } else { None };
        Ok(Response::new(ScrollResponse { next_page_offset, result, ..Default::default() }))
    }

    async fn count(&self, request: Request<CountPoints>) -> Result<Response<CountResponse>, Status> {
        self.faults.before().await;
        let CountPoints { collection_name, filter, .. } = request.into_inner();
        let filter = filter.unwrap_or_default();
        let mut kept = self.state.kept();
        let points = kept.collection(&collection_name)?.points.values();
        let count = points.filter(|point| lets_through(&filter, &point.payload)).count() as u64;
        Ok(Response::new(CountResponse { result: Some(CountResult { count }), ..Default::default() }))
    }

    async fn query(&self, request: Request<QueryPoints>) -> Result<Response<QueryResponse>, Status> {
        self.faults.before().await;
        let QueryPoints { collection_name, query, filter, limit, with_payload, with_vectors, .. } =
            request.into_inner();
        let Some(query::Variant::Nearest(nearest)) = query.and_then(|query| query.variant) else {
            return Err(Status::unimplemented("asking for anything but what is nearest"));
        };
        let Some(vector_input::Variant::Dense(asked)) = nearest.variant else {
            return Err(Status::unimplemented("asking with anything but a vector"));
        };
        let (filter, asked) = (filter.unwrap_or_default(), unit(asked.data));
        let mut kept = self.state.kept();
        let points = kept.collection(&collection_name)?.points.iter();
        let scored = points.filter(|(_, point)| lets_through(&filter, &point.payload)).map(|(id, point)| ScoredPoint {
            id: Some(PointId::from(id.as_str())),
            payload: payload(point, with_payload.as_ref()),
            vectors: vectors_out(point, with_vectors.as_ref()),
            score: point.vector.iter().zip(&asked).map(|(a, b)| a * b).sum(),
            ..Default::default()
        });
        let mut result: Vec<_> = scored.collect();
        result.sort_by(|a, b| b.score.total_cmp(&a.score));
        result.truncate(usize::try_from(limit.unwrap_or(u64::from(PAGE))).unwrap());
        Ok(Response::new(QueryResponse { result, ..Default::default() }))
    }

    unanswered! {
        get: GetPoints => GetResponse;
        update_vectors: UpdatePointVectors => PointsOperationResponse;
        delete_vectors: DeletePointVectors => PointsOperationResponse;
        set_payload: SetPayloadPoints => PointsOperationResponse;
        overwrite_payload: SetPayloadPoints => PointsOperationResponse;
        delete_payload: DeletePayloadPoints => PointsOperationResponse;
        clear_payload: ClearPayloadPoints => PointsOperationResponse;
        delete_field_index: DeleteFieldIndexCollection => PointsOperationResponse;
        create_vector_name: CreateVectorNameRequest => PointsOperationResponse;
        delete_vector_name: DeleteVectorNameRequest => PointsOperationResponse;
        search: SearchPoints => SearchResponse;
        search_batch: SearchBatchPoints => SearchBatchResponse;
        search_groups: SearchPointGroups => SearchGroupsResponse;
        recommend: RecommendPoints => RecommendResponse;
        recommend_batch: RecommendBatchPoints => RecommendBatchResponse;
        recommend_groups: RecommendPointGroups => RecommendGroupsResponse;
        discover: DiscoverPoints => DiscoverResponse;
        discover_batch: DiscoverBatchPoints => DiscoverBatchResponse;
        update_batch: UpdateBatchPoints => UpdateBatchResponse;
        query_batch: QueryBatchPoints => QueryBatchResponse;
        query_groups: QueryPointGroups => QueryGroupsResponse;
        facet: FacetCounts => FacetResponse;
        search_matrix_pairs: SearchMatrixPoints => SearchMatrixPairsResponse;
        search_matrix_offsets: SearchMatrixPoints => SearchMatrixOffsetsResponse;
    }
}

/// The one vector of a point.
#[allow(deprecated, reason = "the client writes vectors the old way")]
fn dense(vectors: Option<Vectors>) -> Result<Vec<f32>, Status> {
    match vectors.and_then(|vectors| vectors.vectors_options) {
        Some(vectors::VectorsOptions::Vector(one)) => match one.vector {
            Some(vector::Vector::Dense(dense)) => Ok(dense.data),
            None => Ok(one.data),
            Some(_) => Err(Status::unimplemented("a vector that is not dense")),
        },
        _ => Err(Status::unimplemented("a point without one vector")),
    }
}

/// As Qdrant keeps vectors whose cosine is asked for.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|value| *value /= norm);
    }
    vector
}

fn payload(point: &Point, selector: Option<&WithPayloadSelector>) -> HashMap<String, Value> {
    use with_payload_selector::SelectorOptions;
    match selector.and_then(|selector| selector.selector_options.as_ref()) {
        Some(SelectorOptions::Enable(true)) => wire(point.payload.clone()),
        Some(SelectorOptions::Include(fields)) => {
            let wanted = |(key, _): &(String, serde_json::Value)| fields.fields.contains(key);
            wire(point.payload.clone().into_iter().filter(wanted).collect())
        }
        _ => HashMap::new(),
    }
}

fn vectors_out(point: &Point, selector: Option<&WithVectorsSelector>) -> Option<VectorsOutput> {
    use with_vectors_selector::SelectorOptions;
    let wanted = selector.and_then(|selector| selector.selector_options.as_ref());
    if !matches!(wanted, Some(SelectorOptions::Enable(true))) {
        return None;
    }
    let vector = Some(vector_output::Vector::Dense(DenseVector { data: point.vector.clone() }));
    let output = VectorOutput { vector, ..Default::default() };
    Some(VectorsOutput { vectors_options: Some(vectors_output::VectorsOptions::Vector(output)) })
}
