//! A data directory and the bundle it was filled with: two spaces never mix, and neither is lost.

use std::{fs, path::Path};

use onespace_proto::v1;
use onespace_tests::{
    Client, Server, bundle,
    client::{part, question, text, why},
    copied_bundle,
    process::command,
    samples,
};
use tonic::{Code, Status};

const COLLECTION: &str = "mine";

/// A bundle whose vectors are the shipped one's, and which is another all the same.
fn another(folder: &Path) -> std::path::PathBuf {
    let copy = copied_bundle(folder);
    let manifest = copy.join("bundle.toml");
    fs::write(&manifest, fs::read_to_string(&manifest).unwrap().replacen("version = \"", "version = \"9", 1)).unwrap();
    copy
}

/// Both fingerprints, and what to do.
fn assert_refusal(status: &Status, here: &str, there: &str) {
    let (reason, field, code) = why(status);
    assert_eq!((reason.as_str(), code), ("SPACE_MISMATCH", Code::FailedPrecondition));
    assert!(["space_fingerprint", "start.space_fingerprint"].contains(&field.as_str()), "{field}");
    let said = status.message();
    assert!(said.contains(&here[..12]) && said.contains(&there[..12]) && said.contains(COLLECTION), "{said}");
    assert!(said.contains("ingest into a collection of this space, or serve the bundle it was made with"), "{said}");
}

async fn search(client: &Client) -> Result<Vec<String>, Status> {
    let request = v1::SearchRequest { limit: 1000, ..question(COLLECTION, vec![part(text("a mug"))]) };
    let hits = client.searching().search(request).await?.into_inner().hits;
    let mut names: Vec<_> = hits.into_iter().map(|hit| hit.item.unwrap().item_id).collect();
    names.sort_unstable();
    Ok(names)
}

async fn collections(client: &Client) -> Vec<v1::Collection> {
    client.collections().list_collections(v1::ListCollectionsRequest::default()).await.unwrap().into_inner().collections
}

#[tokio::test]
async fn data_of_another_bundle_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (mug, teapot) = (samples::named("images/red-mug-01.jpg"), samples::named("images/yellow-teapot-01.jpg"));
    let server = Server::start().await;
    let client = server.client().await;
    client.store(COLLECTION, [mug]).await;
    let old = client.fingerprint().await;
    let before = collections(&client).await;

    let server = server.with_bundle(&another(folder.path())).await;
    let client = server.client().await;
    let new = client.fingerprint().await;
    assert_ne!(old, new);
    assert_refusal(&search(&client).await.unwrap_err(), &new, &old);
    let refused = client.ingest_parts(COLLECTION, vec![v1::ingest_request::Message::Item(teapot.item())]).await;
    assert_refusal(&refused.unwrap_err(), &new, &old);
    let line = ["ingest", "-c", COLLECTION, "--endpoint", &server.endpoint()];
    let output = command().args(line).arg(teapot.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains(&old[..12]) && said.contains(&new[..12]), "{said}");
    assert_eq!(collections(&client).await, before, "nothing was written, and it is shown as what it is");

    // Made on purpose, a collection of the new space stands beside the old one under the same name.
    client.create(COLLECTION).await;
    client.store(COLLECTION, [teapot]).await;
    assert_eq!(search(&client).await.unwrap(), [teapot.name.as_str()]);
    let spaces: Vec<_> =
        collections(&client).await.into_iter().map(|collection| collection.space_fingerprint).collect();
    assert_eq!(spaces, [new.as_str(), old.as_str()], "the one in use first");

    let server = server.with_bundle(&bundle()).await;
    let client = server.client().await;
    assert_refusal(&search(&client).await.unwrap_err(), &old, &new);
    client.create(COLLECTION).await;
    assert_eq!(search(&client).await.unwrap(), [mug.name.as_str()], "come back to, as it was left");
}
