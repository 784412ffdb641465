//! `onespace embed`.

use std::path::PathBuf;

use anyhow::Result;
use futures::{StreamExt, stream};
use onespace_core::limits::{CHUNK_BYTES, STREAM_IN_FLIGHT};
use onespace_proto::{convert, v1};
use serde_json::json;

use super::{Client, modality_name, reason, refused, source};
use crate::output::{Outcome, Rows, print_error, span_json, span_text};

/// What is to be embedded, and what the answer calls it.
struct Source {
    name: String,
    content: Result<v1::Media>,
}

/// What is wanted of each.
#[derive(Clone, Copy, Default)]
pub struct Wanted {
    /// Also the stretches of long media.
    pub segments: bool,
    /// The length of the vectors; 0: whole ones.
    pub dimension: u32,
}

/// Embeds texts and files, several at once, and prints them in the order in which they were named.
pub async fn run(
    client: &Client,
    texts: Vec<String>,
    files: Vec<PathBuf>,
    wanted: Wanted,
    json: bool,
) -> Result<Outcome> {
    let texts = texts.into_iter().map(|text| Source { name: text.clone(), content: Ok(source::text(text)) });
    let files =
        files.into_iter().map(|path| Source { name: path.display().to_string(), content: source::media(&path) });
    let mut answers = stream::iter(texts.chain(files))
        .map(|source| async move {
            let embedded = match source.content {
                Ok(media) => embed(client, media, wanted).await,
                Err(error) => Err(format!("{error:#}")),
            };
            (source.name, embedded)
        })
        .buffered(STREAM_IN_FLIGHT);
    let mut rows = Rows::new(json, ["source", "modality", "track", "span", "vector"]);
    let mut failures = 0;
    while let Some((name, embedded)) = answers.next().await {
        match embedded {
            Ok(embeddings) => embeddings.iter().for_each(|embedding| push(&mut rows, &name, embedding)),
            Err(reason) => {
                failures += 1;
                print_error(&format!("{name}: {reason}"));
            }
        }
    }
    rows.finish();
    Ok(Outcome::of(failures))
}

fn push(rows: &mut Rows, name: &str, embedding: &v1::Embedding) {
    let track = convert::embedding_in(embedding.clone()).map(|embedding| embedding.track.name()).unwrap_or("unknown");
    let head: Vec<String> = embedding.vector.iter().take(4).map(|value| format!("{value:+.3}")).collect();
    let cells = vec![
        name.to_owned(),
        modality_name(embedding.modality).to_owned(),
        track.to_owned(),
        span_text(embedding.span.as_ref()),
        format!("{} … ({})", head.join(" "), embedding.vector.len()),
    ];
    let object = json!({
        "source": name,
        "modality": modality_name(embedding.modality),
        "space": embedding.space,
        "span": span_json(embedding.span.as_ref()),
        "track": track,
        "segment": embedding.segment,
        "vector": embedding.vector,
    });
    rows.push(cells, &object);
}

/// Small media travel in one message, large files in chunks.
pub async fn embed(client: &Client, media: v1::Media, wanted: Wanted) -> Result<Vec<v1::Embedding>, String> {
    match media.content {
        Some(v1::media::Content::Data(bytes)) if bytes.len() > CHUNK_BYTES => embed_file(client, bytes, wanted).await,
        content => embed_one(client, v1::Media { content, ..media }, wanted).await,
    }
}

async fn embed_one(client: &Client, media: v1::Media, wanted: Wanted) -> Result<Vec<v1::Embedding>, String> {
    use v1::embed_result::Outcome as Item;
    let Wanted { segments, dimension } = wanted;
    let request = v1::EmbedRequest { items: vec![media], segments, dimension };
    let response = client.embedding().embed(request).await.map_err(|status| refused(status).to_string())?.into_inner();
    match response.results.into_iter().next().and_then(|result| result.outcome) {
        Some(Item::Embeddings(embeddings)) => Ok(embeddings.embeddings),
        Some(Item::Error(error)) => Err(reason(&error)),
        None => Err("the server answered nothing".to_owned()),
    }
}

async fn embed_file(client: &Client, bytes: bytes::Bytes, wanted: Wanted) -> Result<Vec<v1::Embedding>, String> {
    use v1::{embed_file_request::Part, embed_file_response::Event};
    let header = v1::FileHeader {
        total_bytes: bytes.len() as u64,
        whole_only: !wanted.segments,
        dimension: wanted.dimension,
        ..Default::default()
    };
    let parts = std::iter::once(Part::Header(header)).chain(convert::chunks(&bytes).map(Part::Chunk));
    let requests = stream::iter(parts.map(|part| v1::EmbedFileRequest { part: Some(part) }));
    let refuse = |status| refused(status).to_string();
    let mut events = client.embedding().embed_file(requests).await.map_err(refuse)?.into_inner();
    let mut embeddings = Vec::new();
    while let Some(event) = events.message().await.map_err(refuse)? {
        if let Some(Event::Embedding(embedding)) = event.event {
            embeddings.push(embedding);
        }
    }
    Ok(embeddings)
}
