//! What can be told of the served store without a server.

use std::time::{Duration, Instant};

use onespace_core::{CollectionRef, Reason, VectorStore};
use onespace_qdrant::{Replication, ServerStore};

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_at_once() {
    // A port that was free a moment ago: nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let store = ServerStore::connect(&[format!("http://127.0.0.1:{port}")], None, Replication::default()).unwrap();
    let photos = CollectionRef::new("me".parse().unwrap(), "photos".parse().unwrap());
    let start = Instant::now();
    for error in [
        store.ready().await.unwrap_err(),
        store.list_collections(&photos.tenant).await.unwrap_err(),
        store.collection(&photos).await.unwrap_err(),
        store.upsert(&photos, Vec::new()).await.unwrap_err(),
        store.delete_collection(&photos).await.unwrap_err(),
    ] {
        assert_eq!(error.reason, Reason::StoreUnavailable, "{error}");
        assert!(error.retry_after.is_some_and(|pause| !pause.is_zero()));
    }
    assert!(start.elapsed() < Duration::from_secs(2), "it took {:?}", start.elapsed());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_unavailable_in_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let store = ServerStore::connect(&[url], Some("key"), Replication::default()).unwrap();
    let error = tokio::time::timeout(Duration::from_secs(30), store.ready()).await.unwrap().unwrap_err();
    assert_eq!(error.reason, Reason::StoreUnavailable, "{error}");
}

#[test]
fn an_address_that_is_none_is_refused() {
    let good = "http://127.0.0.1:6334".to_owned();
    let error = ServerStore::connect(&[good, "not a url".to_owned()], None, Replication::default()).err().unwrap();
    assert_eq!(error.reason, Reason::FieldInvalid);
    assert!(error.message.contains("not a url"));
    assert_eq!(ServerStore::connect(&[], None, Replication::default()).err().unwrap().reason, Reason::FieldInvalid);
}
