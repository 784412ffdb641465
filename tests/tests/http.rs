//! The doors for clients of others, against bad input: each refusal says what is wrong and where, and costs little.

use std::{io::Write, time::Duration};

use onespace_tests::{
    PATIENCE, Server,
    http::{open, post, read, send},
};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");
const EMBEDDINGS: &str = "/v1/embeddings";

fn refused(server: &Server, body: &str) -> (u16, String, String) {
    post(server.http(), EMBEDDINGS, body).refusal()
}

fn expected(status: u16, code: &str, param: &str) -> (u16, String, String) {
    (status, code.to_owned(), param.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_by_name() {
    let server = Server::start().await;
    let invalid = |param: &str| expected(400, "FIELD_INVALID", param);
    for (body, why) in [
        ("{\"input\":", invalid("")),
        ("", invalid("")),
        ("[]", invalid("")),
        ("{}", expected(400, "FIELD_REQUIRED", "input")),
        (r#"{"input":[]}"#, expected(400, "FIELD_REQUIRED", "input")),
        (r#"{"input":"a","stream":true}"#, invalid("stream")),
        (r#"{"input":"a","dimensions":77}"#, invalid("dimensions")),
        (r#"{"input":"a","dimensions":"x"}"#, invalid("dimensions")),
        (r#"{"input":"a","encoding_format":"int4"}"#, invalid("encoding_format")),
        (r#"{"input":"a","task":"poetry"}"#, invalid("task")),
        (r#"{"input":"a","target":"smell"}"#, invalid("target")),
        (r#"{"input":"a","modality":"smell"}"#, invalid("modality")),
        (r#"{"input":["a",[1,2]]}"#, invalid("input[1]")),
        (r#"{"input":[{"image":"no base64!"}]}"#, invalid("input[0].image")),
        (r#"{"input":"data:image/png;base64,?"}"#, invalid("input")),
        (r#"{"input":["a",""]}"#, expected(400, "MEDIA_EMPTY", "input[1]")),
        (r#"{"input":[{"image":"https://example.org/a.png"}]}"#, expected(403, "URI_NOT_ALLOWED", "input[0]")),
    ] {
        assert_eq!(refused(&server, body), why, "{body}");
    }
    let many = json!({"input": vec!["a"; 3000]}).to_string();
    assert_eq!(refused(&server, &many), expected(400, "TOO_MANY", "input"));
    let deep = "[".repeat(100_000);
    assert_eq!(refused(&server, &deep), invalid(""));
    // A sound that says it is an image.
    let wav = "data:image/png;base64,UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
    let body = json!({"input": ["a", wav]}).to_string();
    assert_eq!(refused(&server, &body), expected(400, "MODALITY_MISMATCH", "input[1]"));
    let form = send(server.http(), "POST", EMBEDDINGS, &[("content-type", "text/plain")], b"{\"input\":\"a\"}");
    assert_eq!(form.refusal(), expected(415, "BODY_UNSUPPORTED", ""));
    assert_eq!(post(server.http(), "/v1/nowhere", "{}").refusal(), expected(404, "PATH_NOT_FOUND", ""));
    assert_eq!(send(server.http(), "GET", EMBEDDINGS, &[], b"").refusal(), expected(404, "PATH_NOT_FOUND", ""));
    assert_eq!(post(server.http(), EMBEDDINGS, r#"{"input":"a"}"#).status, 200, "it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_of_json_take_no_memory() {
    let server = Server::start().await;
    assert_eq!(post(server.http(), EMBEDDINGS, r#"{"input":"a"}"#).status, 200);
    let before = server.process().memory();
    let body = vec![b'['; 100 << 20];
    let answer = send(server.http(), "POST", EMBEDDINGS, &[JSON], &body);
    assert_eq!(answer.refusal(), expected(413, "MEDIA_TOO_LARGE", ""));
    // Nobody says how much comes.
    let mut stream = std::net::TcpStream::connect(server.http()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "POST {EMBEDDINGS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"100000\r\n".as_slice(), &vec![b'['; 1 << 20], b"\r\n"].concat();
    for _ in 0..100 {
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    assert_eq!(read(stream).refusal(), expected(413, "MEDIA_TOO_LARGE", ""));
    let grown = server.process().memory().saturating_sub(before);
    assert!(grown < 96 << 20, "{grown} bytes more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_cut_and_one_that_breaks_off_leaves_nothing() {
    let server = Server::start().await;
    let slow = open(server.http(), "POST", EMBEDDINGS, &[JSON], 1 << 20);
    for _ in 0..50 {
        let mut gone = open(server.http(), "POST", EMBEDDINGS, &[JSON], 20 << 20);
        gone.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    // What they held is free again: the largest body there may be finds room at once.
    let large = format!("{{\"input\":\"a\"{}}}", " ".repeat(31 << 20));
    let answer = post(server.http(), EMBEDDINGS, &large);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = read(slow);
    assert_eq!(answer.refusal(), expected(408, "STREAM_STALLED", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_and_names_come_in_headers() {
    let server = Server::start().await;
    let body = json!({"input": vec!["a red mug"; 2048]}).to_string();
    let headers = [JSON, ("x-request-timeout-ms", "1"), ("x-request-id", "mine")];
    let late = send(server.http(), "POST", EMBEDDINGS, &headers, body.as_bytes());
    assert_eq!((late.status, late.header("x-request-id")), (504, Some("mine")), "{}", late.text());
    assert_eq!(late.refusal().1, "DEADLINE_EXCEEDED");
    let answer = send(server.http(), "POST", EMBEDDINGS, &[JSON, ("grpc-timeout", "30S")], br#"{"input":"a"}"#);
    assert_eq!(answer.status, 200);
    assert!(answer.header("openai-processing-ms").is_some() && answer.header("grpc-status").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn floats_and_base64_are_the_same_numbers() {
    let server = Server::start().await;
    let ask = |format: &str| -> Value {
        post(server.http(), EMBEDDINGS, &json!({"input": "a red mug", "encoding_format": format}).to_string()).json()
    };
    let floats = ask("float");
    let floats = floats["data"][0]["embedding"].as_array().unwrap();
    let text = ask("base64")["data"][0]["embedding"].as_str().unwrap().to_owned();
    assert_eq!((floats.len(), text.len()), (256, (256 * 4_usize).div_ceil(3) * 4));
    let norm: f64 = floats.iter().map(|value| value.as_f64().unwrap().powi(2)).sum();
    assert!((norm - 1.0).abs() < 1e-5, "{norm}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_hand_are_finished_when_it_stops() {
    let mut server = Server::start().await;
    let http = server.http().to_owned();
    let body = json!({"input": (0..512).map(|n| format!("thing number {n}")).collect::<Vec<_>>()}).to_string();
    let stream = {
        let mut stream = open(&http, "POST", EMBEDDINGS, &[JSON], body.len());
        stream.write_all(body.as_bytes()).unwrap();
        stream
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.process_mut().terminate();
    let answer = tokio::task::spawn_blocking(move || read(stream)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["data"].as_array().unwrap().len(), 512);
    assert!(server.exit().await.success());
}
