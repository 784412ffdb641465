//! `GET /openapi.json`: the table of doors as OpenAPI 3.1, and the messages of our own calls as schemas, from the
//! descriptor that reflection serves. `GET /docs`: the same for people.

use std::{collections::BTreeMap, fmt::Write as _};

use axum::{
    http::{HeaderValue, header::CONTENT_SECURITY_POLICY},
    response::{Html, IntoResponse as _, Response},
};
use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use crate::own;

/// A door, as documents show it.
pub struct Described {
    /// GET, POST, …
    pub method: &'static str,
    /// Its path as a pattern.
    pub path: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Who calls it.
    pub serves: &'static str,
    /// A body that it takes, as JSON; empty where it takes none, or another.
    pub example: &'static str,
    /// The method whose messages it takes and gives, where it is one of ours.
    pub rpc: Option<&'static str>,
}

/// The document of these doors.
#[must_use]
pub fn document(doors: &[Described]) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    let mut schemas = BTreeMap::new();
    for door in doors {
        let method = door.method.to_ascii_lowercase();
        paths.entry(door.path).or_default().insert(method, operation(door, &mut schemas));
    }
    schemas.insert("Error".to_owned(), error_schema());
    json!({
        "openapi": "3.1.0",
        "info": {"title": "onespace", "version": env!("CARGO_PKG_VERSION"), "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"key": []}],
    })
}

fn operation(door: &Described, schemas: &mut BTreeMap<String, Value>) -> Value {
    let method = door.rpc.and_then(own::method);
    let mut reference = |message: MessageDescriptor| {
        let name = message.name().to_owned();
        describe(message, schemas);
        json!({"$ref": format!("#/components/schemas/{name}")})
    };
    let answer = method.as_ref().map_or_else(|| json!({}), |method| reference(method.output()));
    let mut operation = json!({
        "summary": door.about,
        "description": format!("For {}.", door.serves),
        "responses": {
            "200": {"description": "The answer.", "content": {"application/json": {"schema": answer}}},
            "default": {
                "description": "A refusal.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    });
    let parameters: Vec<Value> = door
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    let Value::Object(fields) = &mut operation else { return operation };
    if !parameters.is_empty() {
        fields.insert("parameters".to_owned(), parameters.into());
    }
    if ["POST", "PATCH"].contains(&door.method) {
        let schema = method.map_or_else(|| json!({"type": "object"}), |method| reference(method.input()));
        let mut body = json!({"schema": schema});
        if let (Value::Object(body), Ok(example)) = (&mut body, serde_json::from_str::<Value>(door.example)) {
            body.insert("example".to_owned(), example);
        }
        let body = json!({"required": true, "content": {"application/json": body}});
        fields.insert("requestBody".to_owned(), body);
    }
    operation
}

/// The schema of a message, and of those within it.
fn describe(message: MessageDescriptor, schemas: &mut BTreeMap<String, Value>) {
    if schemas.contains_key(message.name()) {
        return;
    }
    schemas.insert(message.name().to_owned(), Value::Null);
    let fields: Map<String, Value> =
        message.fields().map(|field| (field.name().to_owned(), field_schema(&field, schemas))).collect();
    let schema = json!({"type": "object", "properties": fields, "additionalProperties": false});
    schemas.insert(message.name().to_owned(), schema);
}

fn field_schema(field: &FieldDescriptor, schemas: &mut BTreeMap<String, Value>) -> Value {
    if field.is_map() {
        return json!({"type": "object"});
    }
    let one = match field.kind() {
        Kind::Message(message) if message.full_name() == "google.protobuf.Struct" => json!({"type": "object"}),
        Kind::Message(message) => {
            let name = message.name().to_owned();
            describe(message, schemas);
            json!({"$ref": format!("#/components/schemas/{name}")})
        }
        Kind::Enum(names) => {
            let names: Vec<String> = names.values().map(|value| value.name().to_owned()).collect();
            json!({"type": "string", "enum": names})
        }
        Kind::Bool => json!({"type": "boolean"}),
        Kind::String => json!({"type": "string"}),
        Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        Kind::Float | Kind::Double => json!({"type": ["number", "string"]}),
        Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64 => {
            json!({"type": ["integer", "string"]})
        }
        _ => json!({"type": "integer"}),
    };
    if field.cardinality() == Cardinality::Repeated { json!({"type": "array", "items": one}) } else { one }
}

fn error_schema() -> Value {
    let text = || json!({"type": "string"});
    json!({
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "message": text(), "type": text(), "code": text(), "param": {"type": ["string", "null"]},
                },
                "required": ["message", "type", "code"],
            },
            "message": text(),
        },
        "required": ["error"],
    })
}

/// A page of these doors, without script and without anything from elsewhere.
#[must_use]
pub fn page(doors: &[Described]) -> Response {
    let mut rows = String::new();
    for door in doors {
        let example =
            if door.example.is_empty() { String::new() } else { format!("<pre>{}</pre>", escape(door.example)) };
        // Writing to a string does not fail.
        let _ = write!(
            rows,
            "<tr><td><code>{} {}</code><td>{}{example}<td>{}",
            door.method,
            escape(door.path),
            escape(door.about),
            escape(door.serves)
        );
    }
    let page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>onespace</title><style>body{{font:1rem/1.5 system-ui;\
         margin:2rem auto;max-width:70rem;padding:0 1rem}}td{{vertical-align:top;padding:.3rem .8rem .3rem 0}}pre{{\
         white-space:pre-wrap;margin:.3rem 0}}</style><h1>onespace over HTTP</h1><p>Each refusal says what is wrong in \
         <code>error.message</code>, where in <code>error.param</code>. The same as \
         <a href=/openapi.json>OpenAPI 3.1</a>.<table>{rows}</table></html>"
    );
    let mut response = Html(page).into_response();
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
