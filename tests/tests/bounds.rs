//! Every text and every list of the wire has a bound: the descriptor is walked, and each is sent larger than anybody
//! needs.

use bytes::Bytes;
use onespace_core::limits::MEDIA_IN_FLIGHT_BYTES;
use onespace_proto::v1::{self, ingest_request};
use onespace_tests::{
    Client, Server,
    client::{embed_item, embed_start, on, outcome, part, text, why},
    descriptor::{Contract, Method, put_field, varint},
    raw,
};
use prost::Message;
use prost_types::{
    FieldDescriptorProto,
    field_descriptor_proto::{Label, Type},
};
use tonic::Code;

/// A text that no field has room for.
const LONG: usize = 5 << 20;

/// As many entries as no list has room for, and as few as the count of all elements of a message lets through.
const MANY: usize = 5_000;

/// As many as are refused before they are decoded.
const ENDLESS: usize = 1_000_000;

/// What a refusal may take: it names the field and does not repeat what was in it.
const REFUSAL_BYTES: usize = 8 * 1024;

/// Most of what a process may hold: the requests of this file are of 5 MiB, one after the other.
const MEMORY: u64 = MEDIA_IN_FLIGHT_BYTES as u64;

/// Where a field lies: the message that a method takes, and the fields from there on.
struct Place {
    method: Method,
    path: Vec<FieldDescriptorProto>,
}

impl Place {
    fn name(&self) -> String {
        let path: Vec<_> = self.path.iter().map(FieldDescriptorProto::name).collect();
        format!("{}: {}", self.method.path, path.join("."))
    }

    fn leaf(&self) -> &FieldDescriptorProto {
        self.path.last().unwrap()
    }
}

/// Every text and every list that a request can hold.
fn places(contract: &Contract) -> Vec<Place> {
    let mut places = Vec::new();
    for method in contract.methods() {
        let input = method.input.clone();
        walk(contract, &method, &input, &mut Vec::new(), &mut vec![input.clone()], &mut places);
    }
    places
}

fn walk(
    contract: &Contract,
    method: &Method,
    message: &str,
    path: &mut Vec<FieldDescriptorProto>,
    seen: &mut Vec<String>,
    places: &mut Vec<Place>,
) {
    for field in contract.fields(message) {
        path.push(field.clone());
        let list = field.label() == Label::Repeated;
        if list || matches!(field.r#type(), Type::String | Type::Bytes) {
            places.push(Place { method: method.clone(), path: path.clone() });
        }
        let inner = field.type_name().to_owned();
        // Filters and metadata are recursive: once is enough.
        if field.r#type() == Type::Message && !seen.contains(&inner) {
            seen.push(inner.clone());
            walk(contract, method, &inner, path, seen, places);
            seen.pop();
        }
        path.pop();
    }
}

/// A message of a kind that is well, so that what is wrong with it is the one field that is added.
fn sample(kind: &str) -> Vec<u8> {
    let media = || Some(text("a red mug"));
    let name = || "bounds".to_owned();
    let value = || v1::Scalar { value: Some(v1::scalar::Value::Text("red".to_owned())) };
    let any = || v1::MatchAny { values: vec![value()] };
    let condition = || on("colour", v1::field_condition::Matches::Any(any()));
    let label = |name: &str| v1::Label { name: name.to_owned(), examples: Vec::new() };
    let parts = || vec![part(text("a red mug"))];
    match kind.trim_start_matches(".onespace.v1.") {
        "EmbedRequest" => {
            v1::EmbedRequest { items: media().into_iter().collect(), ..Default::default() }.encode_to_vec()
        }
        "EmbedItem" => v1::EmbedItem { media: media(), ..Default::default() }.encode_to_vec(),
        "SearchRequest" => {
            v1::SearchRequest { collection: name(), parts: parts(), ..Default::default() }.encode_to_vec()
        }
        "RankRequest" => {
            v1::RankRequest { parts: parts(), candidates: vec![text("a mug")], calibrate: None, ..Default::default() }
                .encode_to_vec()
        }
        "ClassifyRequest" => {
            let labels = vec![label("mug"), label("bell")];
            v1::ClassifyRequest { media: media(), labels, ..Default::default() }.encode_to_vec()
        }
        "WeightedMedia" => v1::WeightedMedia { media: media(), weight: None }.encode_to_vec(),
        "FieldCondition" => match condition().condition {
            Some(v1::condition::Condition::Field(field)) => field.encode_to_vec(),
            _ => Vec::new(),
        },
        "ListItemsRequest" => v1::ListItemsRequest { collection: name(), ..Default::default() }.encode_to_vec(),
        "IngestStart" => v1::IngestStart { collection: name(), create: true, options: None }.encode_to_vec(),
        "IngestItem" => {
            v1::IngestItem { item_id: "mug".to_owned(), media: media(), ..Default::default() }.encode_to_vec()
        }
        "Media" => text("a red mug").encode_to_vec(),
        "QueryPart" => part(text("a red mug")).encode_to_vec(),
        "Label" => label("mug").encode_to_vec(),
        "Condition" => condition().encode_to_vec(),
        "Scalar" => value().encode_to_vec(),
        other => stored_sample(other),
    }
}

/// The same of what is asked of collections.
fn stored_sample(kind: &str) -> Vec<u8> {
    let name = || "bounds".to_owned();
    match kind {
        "CreateCollectionRequest" => {
            v1::CreateCollectionRequest { name: name(), exist_ok: true, ..Default::default() }.encode_to_vec()
        }
        "GetCollectionRequest" => v1::GetCollectionRequest { name: name() }.encode_to_vec(),
        "GetItemRequest" => {
            v1::GetItemRequest { collection: name(), item_id: "mug".to_owned(), view: None }.encode_to_vec()
        }
        "DeleteItemsRequest" => {
            v1::DeleteItemsRequest { collection: name(), item_ids: vec!["nobody".to_owned()], filter: None }
                .encode_to_vec()
        }
        "BatchGetItemsRequest" => {
            v1::BatchGetItemsRequest { collection: name(), item_ids: vec!["mug".to_owned()], view: None }
                .encode_to_vec()
        }
        "UpdateItemRequest" => {
            let (item_id, title) = ("mug".to_owned(), "a mug".to_owned());
            v1::UpdateItemRequest { collection: name(), item_id, title, ..Default::default() }.encode_to_vec()
        }
        "RenameCollectionRequest" => {
            v1::RenameCollectionRequest { name: name(), new_name: "renamed".to_owned() }.encode_to_vec()
        }
        "SetAliasRequest" => v1::SetAliasRequest { alias: "other".to_owned(), collection: name() }.encode_to_vec(),
        "ImportItemsRequest" => v1::ImportItemsRequest { collection: name(), ..Default::default() }.encode_to_vec(),
        "FacetItemsRequest" => {
            let key = Some(v1::facet_items_request::Key::Metadata("colour".to_owned()));
            v1::FacetItemsRequest { collection: name(), key, ..Default::default() }.encode_to_vec()
        }
        "UpdateItemsRequest" => {
            let (item_ids, title) = (vec!["nobody".to_owned()], "a mug".to_owned());
            v1::UpdateItemsRequest { collection: name(), item_ids, title, ..Default::default() }.encode_to_vec()
        }
        "CountItemsRequest" => v1::CountItemsRequest { collection: name(), filter: None }.encode_to_vec(),
        "IndexFieldsRequest" => v1::IndexFieldsRequest { collection: name(), ..Default::default() }.encode_to_vec(),
        _ => Vec::new(),
    }
}

/// The message of `kind` with what lies at the end of a path added to it.
fn built(kind: &str, path: &[FieldDescriptorProto], leaf: &dyn Fn(&FieldDescriptorProto, &mut Vec<u8>)) -> Vec<u8> {
    let mut message = sample(kind);
    match path {
        [] => {}
        [last] => leaf(last, &mut message),
        [first, rest @ ..] => {
            let inner = built(first.type_name(), rest, leaf);
            put_field(first.number(), &inner, &mut message);
        }
    }
    message
}

/// What comes before a message in its stream.
fn before(place: &Place) -> Vec<Bytes> {
    let start = v1::IngestStart { collection: "bounds".to_owned(), create: true, options: None };
    let start = ingest_request::Message::Start(start);
    let item = ingest_request::Message::Item(v1::IngestItem::default());
    let ingest = |message| Bytes::from(v1::IngestRequest { message: Some(message) }.encode_to_vec());
    let file = v1::embed_file_request::Message::Start(v1::FileStart::default());
    let file = v1::EmbedFileRequest { message: Some(file) }.encode_to_vec();
    let (embed, waiting) = (embed_start(None).encode_to_vec(), embed_item("x", v1::Media::default()).encode_to_vec());
    match (place.method.path.rsplit('/').next().unwrap(), place.path[0].name()) {
        ("Ingest", "item") => vec![ingest(start)],
        ("Ingest", "chunk") => vec![ingest(start), ingest(item)],
        ("EmbedFile", "chunk") => vec![file.into()],
        ("EmbedStream", "item") => vec![embed.into()],
        ("EmbedStream", "chunk") => vec![embed.into(), waiting.into()],
        _ => Vec::new(),
    }
}

/// A text of so many bytes.
fn long(field: &FieldDescriptorProto, out: &mut Vec<u8>) {
    put_field(field.number(), &vec![b'x'; LONG], out);
}

/// A list of so many entries, no two of a map under one name.
fn list(count: usize) -> impl Fn(&FieldDescriptorProto, &mut Vec<u8>) {
    move |field, out| match field.r#type() {
        Type::Message => (0..count).for_each(|index| {
            let mut entry = sample(field.type_name());
            if field.type_name().ends_with("Entry") {
                put_field(1, format!("field {index}").as_bytes(), &mut entry);
            }
            put_field(field.number(), &entry, out);
        }),
        Type::String | Type::Bytes => (0..count).for_each(|_| put_field(field.number(), b"x", out)),
        Type::Float => put_field(field.number(), &vec![0; 4 * count], out),
        _ => {
            let mut packed = Vec::new();
            (0..count).for_each(|_| varint(1, &mut packed));
            put_field(field.number(), &packed, out);
        }
    }
}

/// Why a request was refused: reason and field, of the whole or of its item. None where it was not, or said too much.
async fn refusal(client: &Client, place: &Place, message: Vec<u8>) -> Result<(String, String), String> {
    let mut messages = before(place);
    messages.push(message.into());
    let (status, answers) = raw::answers(client.channel(), &place.method.path, messages).await;
    let answered: usize = answers.iter().map(Bytes::len).sum();
    if answered + status.message().len() + status.details().len() > REFUSAL_BYTES {
        return Err(format!("it was answered with {answered} bytes and {}", status.message().len()));
    }
    if status.code() != Code::Ok {
        let (reason, field, code) = why(&status);
        let clients_fault = !matches!(code, Code::Internal | Code::Unavailable | Code::Unknown | Code::Cancelled);
        return if clients_fault { Ok((reason, field)) } else { Err(format!("{status:?}")) };
    }
    let error = match place.method.path.rsplit('/').next().unwrap() {
        "Embed" => {
            let response = v1::EmbedResponse::decode(answers[0].clone()).unwrap();
            response.results.into_iter().find_map(|result| outcome(result).err())
        }
        "EmbedStream" => {
            let response = v1::EmbedStreamResponse::decode(answers[0].clone()).unwrap();
            response.result.and_then(|result| outcome(result).err())
        }
        "Ingest" => answers.iter().find_map(|answer| v1::IngestResponse::decode(answer.clone()).unwrap().error),
        "Rank" => v1::RankResponse::decode(answers[0].clone()).unwrap().candidates.into_iter().find_map(|candidate| {
            match candidate.outcome {
                Some(v1::ranked_candidate::Outcome::Error(error)) => Some(error),
                _ => None,
            }
        }),
        "SearchBatch" => {
            v1::SearchBatchResponse::decode(answers[0].clone()).unwrap().results.into_iter().find_map(|result| {
                match result.outcome {
                    Some(v1::search_result::Outcome::Error(error)) => Some(error),
                    _ => None,
                }
            })
        }
        _ => None,
    };
    error.map(|error| (error.reason, error.field)).ok_or_else(|| "it was served".to_owned())
}

/// What is wrong with the refusal of a field that is too large.
fn misnamed(place: &Place, refusal: Result<(String, String), String>) -> Option<String> {
    let name = place.name();
    // What is named twice asks for nothing more.
    let harmless = place.leaf().name() == "modalities";
    match refusal {
        Err(served) if harmless && served == "it was served" => None,
        Err(why) => Some(format!("{name}: {why}")),
        Ok((reason, field)) => {
            // Content is blamed as the bytes it is, and a collection by what it is.
            let also = |segment: &str| match segment {
                "text" | "data" => field.ends_with("bytes") || field.ends_with("media"),
                "name" => field == "collection",
                "chunk" => field == "message" || field == "bytes",
                _ => false,
            };
            let named = place.path.iter().any(|segment| field.contains(segment.name()) || also(segment.name()));
            (!named).then(|| format!("{name}: {reason}, blaming \"{field}\""))
        }
    }
}

#[tokio::test]
async fn every_text_and_every_list_has_a_bound() {
    let server = Server::start().await;
    let client = server.client().await;
    client.create("bounds").await;
    let places = places(&Contract::read());
    assert!(places.len() > 60, "only {} fields were found", places.len());
    let mut wrong = Vec::new();
    for place in &places {
        let root = place.method.input.as_str();
        if place.leaf().label() == Label::Repeated {
            let many = built(root, &place.path, &list(MANY));
            wrong.extend(misnamed(place, refusal(&client, place, many).await));
            let endless = built(root, &place.path, &list(ENDLESS));
            if let Err(why) = refusal(&client, place, endless).await {
                wrong.push(format!("{} without end: {why}", place.name()));
            }
        } else {
            let long = built(root, &place.path, &long);
            wrong.extend(misnamed(place, refusal(&client, place, long).await));
        }
    }
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), places.len());
    for process in server.processes() {
        let peak = process.peak_memory();
        println!("process {} held {} MiB at most", process.pid(), peak >> 20);
        assert!(process.alive() && peak < MEMORY, "process {} held {} MiB", process.pid(), peak >> 20);
    }
    let paused = server.counters().get("onespace_replica_paused_total").copied().unwrap_or_default();
    assert_eq!(paused, 0.0, "a client's fault is no replica's");
    assert!(!client.vector(text("a red mug")).await.is_empty());
}

/// One small request that would be written down a hundred thousand times as large.
#[tokio::test]
async fn templates_do_not_multiply_what_they_hold() {
    let server = Server::start().await;
    let client = server.client().await;
    let classify = |template: String, label: String| {
        let labels =
            [label, "a bell".to_owned()].map(|text_| v1::Label { name: String::new(), examples: vec![text(text_)] });
        let request = v1::ClassifyRequest {
            media: Some(text("a red mug")),
            labels: labels.into(),
            templates: vec![template],
            ..Default::default()
        };
        let mut searching = client.searching();
        async move { searching.classify(request).await }
    };
    let before = server.process().peak_memory();
    let many = why(&classify("{}".repeat(35_000), "x".repeat(70_000)).await.unwrap_err());
    assert_eq!(many, ("FIELD_INVALID".into(), "templates[0]".into(), Code::InvalidArgument));
    let large = why(&classify("{} and {}".to_owned(), "x".repeat(600_000)).await.unwrap_err());
    assert_eq!(large.0, "MEDIA_TOO_LARGE");
    assert!(large.1.starts_with("labels[0].examples[0]"), "{large:?}");
    let grown = server.process().peak_memory() - before;
    assert!(grown < 64 << 20, "two refusals took {} MiB", grown >> 20);
    assert!(classify("{}, or {}".to_owned(), "a mug".to_owned()).await.is_ok(), "twice is fine");
}
