//! The table of doors: each path, who calls it, what it takes, and what reads it. Routes and documents come from it.

use std::{future::Future, pin::Pin, sync::Arc};

use axum::{
    Json, Router,
    extract::{RawPathParams, Request, State},
    middleware::from_fn_with_state,
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, get, on},
};
use onespace_access::{access::Access, endpoint::Endpoint, grant::Scope};
use onespace_core::{Error, Reason, Result};
use onespace_gateway::services::NAMES;
use onespace_kit::admission::Admission;
use onespace_proto::status::status;

use crate::{
    bind,
    call::{App, Call},
    cohere,
    cors::cors,
    guard::guarded,
    immich, models, ollama, openai,
    openapi::{self, Described},
    own, pages,
    refusal::refusal,
    rerank, tei, upload, voyage, web,
};

type Answering = Pin<Box<dyn Future<Output = Result<Response>> + Send>>;

/// A door.
pub struct Door {
    /// GET, POST, …
    pub method: &'static str,
    /// Its path as a pattern.
    pub path: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// Who calls it.
    pub serves: &'static str,
    /// What a caller needs.
    pub needed: Scope,
    /// A body that it takes.
    pub example: &'static str,
    /// What reads its requests.
    pub reads: Reads,
}

impl Door {
    /// Whether its body is a file that comes as long as its client sends.
    #[must_use]
    pub fn is_upload(&self) -> bool {
        ["/v1/files/embed", "/v1/collections/{collection}/items"].contains(&self.path) && self.method == "POST"
    }
}

/// What reads the requests of a door.
#[derive(Clone, Copy)]
pub enum Reads {
    /// The module of a shape of others.
    Shape(fn(Call) -> Answering),
    /// A method of ours, in the canonical JSON of its messages.
    Method(&'static str),
}

macro_rules! doors {
    ($($method:ident $path:literal, $needed:ident, $reads:expr, $serves:expr, $about:literal
        $(, $example:literal)?;)+) => {
        /// Every door that asks who calls.
        pub const DOORS: &[Door] = &[$(Door {
            method: stringify!($method),
            path: $path,
            about: $about,
            serves: $serves,
            needed: Scope::$needed,
            reads: $reads,
            example: concat!($($example)?),
        },)+];
    };
}

macro_rules! shape {
    ($answer:path) => {
        Reads::Shape(|call| Box::pin($answer(call)))
    };
}

macro_rules! rpc {
    ($method:literal) => {
        Reads::Method(concat!("onespace.v1.", $method))
    };
}

/// Calls of our own: see the comments of the .proto files.
const OURS: &str = "programs of your own";

doors! {
    POST "/v1/embeddings", Read, shape!(openai::embeddings),
        "the clients of OpenAI and of Jina, LangChain, LlamaIndex, Haystack, Open WebUI, LiteLLM, Weaviate",
        "Vectors of texts and media.",
        r#"{"model": "any", "input": ["a red mug", {"image": "data:image/png;base64,…"}], "dimensions": 128}"#;
    GET "/v1/models", Read, shape!(models::list), "the clients of OpenAI, UIs", "The one model that is served.";
    GET "/v1/models/{id}", Read, shape!(models::get), "the clients of OpenAI, UIs", "The same, by its id.";
    POST "/v2/embed", Read, shape!(cohere::embed),
        "the clients of Cohere, Weaviate multi2vec-cohere", "Vectors of texts, images, or parts.",
        r#"{"model": "any", "texts": ["a red mug"], "input_type": "search_query", "embedding_types": ["float"]}"#;
    POST "/v1/multimodalembeddings", Read, shape!(voyage::embed), "the clients of Voyage, Weaviate multi2vec-voyageai",
        "Vectors of parts: texts, images, videos.",
        r#"{"model": "any", "inputs": [{"content": [{"type": "text", "text": "a red mug"}]}]}"#;
    POST "/v1/rerank", Read, shape!(rerank::rerank),
        "the clients of Jina, LlamaIndex, Haystack", "Documents in order of a query.",
        r#"{"query": "a red mug", "documents": ["a dog", {"image": "data:image/png;base64,…"}], "top_n": 1}"#;
    POST "/v2/rerank", Read, shape!(rerank::rerank), "the clients of Cohere", "The same.";
    POST "/embed", Read, shape!(tei::embed),
        "clients of Text Embeddings Inference", "Vectors as bare lists.", r#"{"inputs": ["a red mug"]}"#;
    POST "/api/embed", Read, shape!(ollama::embed), "the clients of Ollama", "Vectors of texts and media.",
        r#"{"model": "any", "input": ["a red mug"]}"#;
    GET "/api/tags", Read, shape!(ollama::tags), "the clients of Ollama", "The one model that is served.";
    GET "/api/version", Read, shape!(ollama::version), "the clients of Ollama", "The version whose shapes are spoken.";
    POST "/vectorize", Read, shape!(bind::vectorize), "Weaviate multi2vec-bind", "Vectors of media by modality.",
        r#"{"texts": ["a red mug"], "images": ["<base64>"]}"#;
    GET "/.well-known/ready", Read, shape!(bind::ready), "Weaviate", "Whether it serves.";
    GET "/.well-known/live", Read, shape!(bind::ready), "Weaviate", "The same.";
    GET "/meta", Read, shape!(bind::meta), "Weaviate", "What serves.";
    GET "/info", Read, shape!(models::info), "clients of Text Embeddings Inference", "The model and its bounds.";
    GET "/ping", Read, shape!(immich::ping), "Immich", "Whether it answers.";
    POST "/predict", Read, shape!(immich::predict),
        "Immich, for its search by words", "The vector of an image or a text.";
    POST "/v1/embed", Read, rpc!("EmbeddingService/Embed"), OURS, "Vectors of media, with all options.";
    POST "/v1/files/embed", Read, shape!(upload::embed), OURS, "Vectors of a file of any size, as it comes.";
    POST "/v1/collections/{collection}/items", Write, shape!(upload::store),
        OURS, "Stores a file of any size, as it comes.";
    POST "/v1/search", Read, rpc!("SearchService/Search"), OURS, "Stored items by a query.",
        r#"{"collection": "photos", "parts": [{"media": {"text": "a red mug"}}], "limit": 5}"#;
    POST "/v1/search/batch", Read, rpc!("SearchService/SearchBatch"), OURS, "Several searches.";
    POST "/v1/classify", Read, rpc!("SearchService/Classify"), OURS, "Which label fits.",
        r#"{"media": {"text": "a red mug"}, "labels": [{"name": "mug", "examples": [{"text": "mug"}]}]}"#;
    POST "/v1/rank", Read, rpc!("SearchService/Rank"), OURS, "Media in order of a query.";
    GET "/v1/collections", Read, rpc!("CollectionService/ListCollections"), OURS, "All collections.";
    POST "/v1/collections", Write, rpc!("CollectionService/CreateCollection"),
        OURS, "Makes one.", r#"{"name": "photos"}"#;
    GET "/v1/collections/{name}", Read, rpc!("CollectionService/GetCollection"), OURS, "One of them.";
    DELETE "/v1/collections/{name}", Write, rpc!("CollectionService/DeleteCollection"), OURS,
        "Deletes it with all its items.";
    POST "/v1/collections/{collection}/index", Write, rpc!("CollectionService/IndexFields"), OURS,
        "Indexes metadata fields.";
    GET "/v1/collections/{collection}/items", Read, rpc!("CollectionService/ListItems"), OURS,
        "Its items, page by page.";
    POST "/v1/collections/{collection}/items/list", Read, rpc!("CollectionService/ListItems"), OURS,
        "The same, through a filter.";
    POST "/v1/collections/{collection}/items/count", Read, rpc!("CollectionService/CountItems"), OURS,
        "How many there are.";
    POST "/v1/collections/{collection}/items/get", Read, rpc!("CollectionService/BatchGetItems"), OURS,
        "Several items.";
    POST "/v1/collections/{collection}/items/delete", Write, rpc!("CollectionService/DeleteItems"),
        OURS, "Deletes items by ids or by a filter.";
    GET "/v1/collections/{collection}/items/{item_id}", Read, rpc!("CollectionService/GetItem"), OURS,
        "One item.";
    PATCH "/v1/collections/{collection}/items/{item_id}", Write,
        rpc!("CollectionService/UpdateItem"), OURS, "Changes what is said of it.";
    GET "/v1/space", Read, shape!(pages::space), "people", "The space, its towers, every limit and format.";
    GET "/metrics", Metrics, shape!(pages::metrics), "Prometheus", "Metrics of the whole process.";
}

/// The routes of all doors, and of probes, which nobody is asked for.
pub fn router(app: App, access: &Arc<Access>, arrival: &Admission) -> Router {
    let mut router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/health", get(pages::ready))
        .route("/readyz", get(pages::ready))
        .route("/openapi.json", get(|| async { Json(openapi::document(&described())) }))
        .route("/docs", get(|| async { openapi::page(&described()) }));
    if !app.settings.pages_only {
        let web = web::services(app.services.clone(), access, arrival);
        for service in NAMES {
            router = router.route_service(&format!("/{service}/{{method}}"), web.clone());
        }
    }
    let pages = |door: &&Door| !app.settings.pages_only || ["/metrics", "/v1/space"].contains(&door.path);
    for door in DOORS.iter().filter(pages) {
        let reads = door.reads;
        let handler = move |State(app): State<App>, params: RawPathParams, request: Request| {
            let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let call = Call::new(app, request, params);
            answered(match reads {
                Reads::Shape(answer) => answer(call),
                Reads::Method(rpc) => Box::pin(own::unary(call, rpc)),
            })
        };
        let endpoint = Endpoint { path: door.path, needed: door.needed, uploads: door.is_upload() };
        router = router.route(door.path, guarded(on(filter(door.method), handler), endpoint, access, arrival));
    }
    router
        .fallback(|request: Request| nothing_here(request, "nothing is served at this path"))
        .method_not_allowed_fallback(|request: Request| nothing_here(request, "not by this method"))
        .layer(from_fn_with_state(app.clone(), cors))
        .with_state(app)
}

fn filter(method: &str) -> MethodFilter {
    match method {
        "POST" => MethodFilter::POST,
        "PATCH" => MethodFilter::PATCH,
        "DELETE" => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    }
}

/// The doors, as documents show them.
fn described() -> Vec<Described> {
    let describe = |door: &Door| Described {
        method: door.method,
        path: door.path,
        about: door.about,
        serves: door.serves,
        example: door.example,
        rpc: match door.reads {
            Reads::Method(rpc) => Some(rpc),
            Reads::Shape(_) => None,
        },
    };
    DOORS.iter().map(describe).collect()
}

/// An answer, or what a call of gRPC would answer.
async fn answered(answering: Answering) -> Response {
    answering.await.unwrap_or_else(|error| status(&error).into_http::<axum::body::Body>().into_response())
}

async fn nothing_here(request: Request, why: &'static str) -> Response {
    let message = format!("{} {:.80}: {why}; docs/HTTP.md lists what is", request.method(), request.uri().path());
    refusal(&Error::new(Reason::PathNotFound, "", message))
}

#[cfg(test)]
mod tests {
    use std::{env, fmt::Write as _, fs, path::Path};

    use super::*;

    /// `ONESPACE_WRITE_DOCS=1 cargo test --release --workspace --lib` writes it anew.
    #[test]
    fn the_document_lists_every_door() {
        let (begin, end) = ("of services/http -->\n", "<!-- /doors -->");
        let mut table = "| door | what it does | who calls it | scope |\n|---|---|---|---|\n".to_owned();
        for door in DOORS {
            let Door { method, path, about, serves, needed, .. } = door;
            writeln!(table, "| `{method} {path}` | {about} | {serves} | {} |", needed.name()).unwrap();
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/HTTP.md");
        let page = fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(begin).unwrap();
        let (_, after) = rest.split_once(end).unwrap();
        let expected = format!("{before}{begin}{table}{end}{after}");
        if env::var_os("ONESPACE_WRITE_DOCS").is_some() {
            fs::write(&path, &expected).unwrap();
            return;
        }
        assert!(page == expected, "docs/HTTP.md is not what the table says: write it anew");
    }

    #[test]
    fn every_method_of_ours_is_there_and_every_example_can_be_read() {
        for door in described() {
            assert!(door.rpc.is_none_or(|rpc| own::method(rpc).is_some()), "{}", door.path);
            let read: Result<serde_json::Value, _> = serde_json::from_str(door.example);
            assert!(door.example.is_empty() || read.is_ok(), "{}", door.path);
        }
        let document = openapi::document(&described());
        assert!(document["paths"]["/v1/collections/{name}"]["delete"].is_object());
        assert!(document["components"]["schemas"]["SearchRequest"]["properties"]["limit"].is_object());
    }
}
