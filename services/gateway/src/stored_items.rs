//! How many items tenants have stored, for the quotas of their keys.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use onespace_core::{CollectionRef, Error, Filter, Reason, Result, Tenant, VectorStore};
use tokio::sync::Mutex;

/// How long a count holds: so long after items were deleted there is room again. Those that are stored from here are
/// added at once; those that another gateway stores within this time are not seen.
const COUNTED: Duration = Duration::from_secs(10);

/// What has been counted, of tenants with a quota alone.
#[derive(Debug, Default)]
pub struct StoredItems(Mutex<HashMap<Tenant, (Instant, u64)>>);

impl StoredItems {
    /// Makes room for one more item of a tenant, before it is embedded.
    ///
    /// # Errors
    /// `ITEM_QUOTA_EXCEEDED` when there are as many as the quota allows; `STORE_*`.
    pub async fn reserve(&self, store: &dyn VectorStore, tenant: &Tenant, most: Option<u64>) -> Result<()> {
        let Some(most) = most else { return Ok(()) };
        let mut counted = self.0.lock().await;
        counted.retain(|_, (when, _)| when.elapsed() < COUNTED);
        if !counted.contains_key(tenant) {
            let items = count(store, tenant).await?;
            counted.insert(tenant.clone(), (Instant::now(), items));
        }
        let Some((_, items)) = counted.get_mut(tenant) else { return Ok(()) };
        if *items >= most {
            let message = format!("{items} items are stored, this caller's limit is {most}");
            return Err(Error::new(Reason::ItemQuotaExceeded, "quota.items", message));
        }
        *items += 1;
        Ok(())
    }
}

async fn count(store: &dyn VectorStore, tenant: &Tenant) -> Result<u64> {
    let mut items = 0;
    for collection in store.list_collections(tenant).await? {
        if collection.unavailable.is_none() {
            let collection = CollectionRef::new(tenant.clone(), collection.name);
            items += store.count_items(&collection, &Filter::default()).await?;
        }
    }
    Ok(items)
}
