//! What every vector store has to do, run against each of them: the embedded one and the served one before a stand-in
//! always, the served one before a real server where `ONESPACE_TEST_QDRANT_URL` (several with commas between them; and,
//! where it needs one, `ONESPACE_TEST_QDRANT_API_KEY`) names it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose ground gives way can only stop"
)]

mod common;
mod contract {
    pub mod fields;
    pub mod filters;
    pub mod items;
    pub mod names;
    pub mod spaces;
    pub mod tenants;
}

use std::{
    collections::BTreeSet,
    future::Future,
    sync::atomic::{AtomicU32, Ordering},
    sync::{Arc, Mutex},
};

use onespace_core::{CollectionName, CollectionRef, Tenant, VectorStore};
use onespace_qdrant::{EmbeddedStore, Replication, ServerStore};
use onespace_qdrant_stand_in::StandIn;

/// A store, and collection names that nobody else uses.
#[derive(Clone)]
pub struct Ground {
    /// The store under test.
    pub store: Arc<dyn VectorStore>,
    prefix: String,
    /// Whose collections are to be taken away.
    tenants: Arc<Mutex<BTreeSet<Tenant>>>,
}

impl Ground {
    fn new(store: Arc<dyn VectorStore>) -> Self {
        static RUN: AtomicU32 = AtomicU32::new(0);
        let run = RUN.fetch_add(1, Ordering::Relaxed);
        Self { store, prefix: format!("contract-{}-{run}-", std::process::id()), tenants: Arc::default() }
    }

    /// A collection, this run's own.
    pub fn collection(&self, label: &str) -> CollectionRef {
        self.of("me", label)
    }

    /// A tenant's collection, this run's own. The same label makes the same name for every tenant.
    pub fn of(&self, tenant: &str, label: &str) -> CollectionRef {
        let tenant: Tenant = tenant.parse().unwrap();
        self.tenants.lock().unwrap().insert(tenant.clone());
        CollectionRef::new(tenant, self.name(label))
    }

    fn name(&self, label: &str) -> CollectionName {
        format!("{}{label}", self.prefix).parse().unwrap()
    }

    /// Runs a test and takes away what it made, whether it passed or not.
    async fn run<F: Future<Output = ()> + Send + 'static>(self, test: impl FnOnce(Ground) -> F) {
        let outcome = tokio::spawn(test(self.clone())).await;
        let tenants = self.tenants.lock().unwrap().clone();
        for tenant in tenants {
            for info in self.store.list_collections(&tenant).await.unwrap() {
                if info.name.as_str().starts_with(&self.prefix) {
                    // Two spaces of one name go together: the second is gone already.
                    drop(self.store.delete_collection(&CollectionRef::new(tenant.clone(), info.name)).await);
                }
            }
        }
        if let Err(error) = outcome {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

fn server() -> Option<ServerStore> {
    let urls = std::env::var("ONESPACE_TEST_QDRANT_URL").ok()?;
    let urls: Vec<_> = urls.split(',').map(ToOwned::to_owned).collect();
    let key = std::env::var("ONESPACE_TEST_QDRANT_API_KEY").ok();
    Some(ServerStore::connect(&urls, key.as_deref(), Replication::default()).unwrap())
}

macro_rules! contract {
    ($($area:ident::$test:ident),+ $(,)?) => {
        mod embedded {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let directory = tempfile::tempdir().unwrap();
                let store = EmbeddedStore::open(directory.path()).unwrap();
                Ground::new(Arc::new(store)).run(contract::$area::$test).await;
            })+
        }

        mod before_a_stand_in {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let server = StandIn::start();
                let store = ServerStore::connect(&[server.url()], None, Replication::default()).unwrap();
                Ground::new(Arc::new(store)).run(contract::$area::$test).await;
            })+
        }

        mod served {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                match server() {
                    Some(store) => Ground::new(Arc::new(store)).run(contract::$area::$test).await,
                    None => println!("skipped: no server"),
                }
            })+
        }
    };
}

contract! {
    items::what_is_written_comes_back,
    items::writing_again_replaces,
    items::a_search_is_ordered_by_cosine,
    items::pages_cover_everything_once,
    items::a_listing_ends_where_the_items_do_while_others_are_deleted,
    items::a_video_is_listed_and_counted_once,
    items::sums_say_what_they_are_the_sum_of,
    items::items_are_read_together,
    items::deleting_spares_the_content_to_keep,
    items::many_writers_at_once,
    items::half_written_items_are_not_stored,
    items::details_are_known_and_change_alone,
    fields::what_is_stored_is_indexed_too,
    fields::fields_keep_their_kind,
    fields::fields_of_a_detached_collection,
    filters::modalities_narrow,
    filters::every_kind_of_match,
    filters::filters_nest,
    filters::what_cannot_be_evaluated_is_refused,
    filters::values_are_counted,
    names::an_alias_leads_to_one_collection_after_the_other,
    names::a_renamed_collection_is_the_same,
    names::names_lead_on_when_the_space_changes,
    names::a_switch_is_never_seen_half_done,
    names::a_collection_has_so_many_aliases,
    spaces::vectors_that_do_not_belong_are_refused,
    spaces::unknown_collections_are_named,
    spaces::two_spaces_live_under_one_name,
    spaces::vectors_may_be_cut_to_a_listed_length,
    spaces::a_deleted_collection_leaves_nothing,
    tenants::nobody_sees_what_is_not_theirs,
    tenants::collections_of_one_name_never_meet,
    tenants::no_name_reaches_another_tenant,
}
