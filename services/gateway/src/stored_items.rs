//! How many items tenants have stored, for the quotas of their keys.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use onespace_core::{CollectionRef, Error, Filter, Reason, Result, Tenant, VectorStore};
use tokio::sync::Mutex;

/// How long a count holds: so long after items were deleted there is room again. Those that are stored from here are
/// added at once; those that another gateway stores within this time are not seen.
const COUNTED: Duration = Duration::from_secs(10);

/// What has been counted, of tenants with a quota alone.
#[derive(Debug, Default)]
pub struct StoredItems(Mutex<HashMap<Tenant, Arc<OfTenant>>>);

#[derive(Debug, Default)]
struct OfTenant {
    counted: Mutex<Option<(Instant, u64)>>,
    /// Items that are being embedded, and those that were stored since the count.
    reserved: AtomicU64,
    stored: AtomicU64,
}

/// Room for one item. Dropped, it is free again, unless the item was stored.
#[derive(Debug, Default)]
pub struct Reserved(Option<Arc<OfTenant>>);

impl Reserved {
    /// The item is stored, and takes its room for good.
    pub fn keep(self) {
        if let Some(tenant) = &self.0 {
            tenant.stored.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(tenant) = &self.0 {
            tenant.reserved.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl StoredItems {
    /// Makes room for one more item of a tenant, before it is embedded. Only this tenant waits while it is counted.
    ///
    /// # Errors
    /// `ITEM_QUOTA_EXCEEDED` when there are as many as the quota allows; `STORE_*`.
    pub async fn reserve(&self, store: &dyn VectorStore, tenant: &Tenant, most: Option<u64>) -> Result<Reserved> {
        let Some(most) = most else { return Ok(Reserved::default()) };
        let of_tenant = self.0.lock().await.entry(tenant.clone()).or_default().clone();
        let mut counted = of_tenant.counted.lock().await;
        let items = match *counted {
            Some((when, items)) if when.elapsed() < COUNTED => items,
            _ => {
                // What is stored while it is counted may be counted twice, which a moment later it is not.
                of_tenant.stored.store(0, Ordering::Relaxed);
                let items = count(store, tenant).await?;
                *counted = Some((Instant::now(), items));
                items
            }
        };
        let stored = items + of_tenant.stored.load(Ordering::Relaxed);
        if stored + of_tenant.reserved.load(Ordering::Relaxed) >= most {
            let message = format!("{stored} items are stored, this caller's limit is {most}");
            return Err(Error::new(Reason::ItemQuotaExceeded, "quota.items", message));
        }
        of_tenant.reserved.fetch_add(1, Ordering::Relaxed);
        drop(counted);
        Ok(Reserved(Some(of_tenant)))
    }
}

async fn count(store: &dyn VectorStore, tenant: &Tenant) -> Result<u64> {
    let mut items = 0;
    for collection in store.list_collections(tenant).await? {
        // What cannot be opened cannot be counted, and nothing can be added to it either.
        if collection.unavailable.is_none() {
            let collection = CollectionRef::new(tenant.clone(), collection.name);
            items += store.count_items(&collection, &Filter::default()).await?;
        }
    }
    Ok(items)
}
