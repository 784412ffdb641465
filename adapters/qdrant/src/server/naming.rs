//! What collections are called on a server. Every name, of a collection or beside it, is an alias of the server's own;
//! what is behind it says what it is called in its metadata.

use std::collections::BTreeMap;

use onespace_core::{CollectionName, CollectionRef, Result, Tenant};
use qdrant_client::qdrant::{CreateAliasBuilder, RenameAliasBuilder, UpdateCollectionBuilder};
use uuid::Uuid;

use super::{
    ServerStore,
    calls::{ask, metadata},
    convert::error,
};
use crate::description::{Description, alias, check_aliases, name_of, not_found, taken};

impl ServerStore {
    /// The collection that a name leads to; the name itself where it leads nowhere. A name that led to the collection
    /// called so a moment ago still does.
    pub(super) async fn named(&self, name: &CollectionRef) -> Result<CollectionRef> {
        if self.recently(name).is_some() {
            return Ok(name.clone());
        }
        let found = self.behind(&name.tenant, &alias(name)).await?;
        Ok(found.map_or_else(|| name.clone(), |(found, _)| CollectionRef::new(found.tenant, found.name)))
    }

    /// A tenant's aliases, by collection.
    pub(super) async fn other_names(&self, tenant: &Tenant) -> Result<BTreeMap<CollectionName, Vec<CollectionName>>> {
        let mut led: BTreeMap<String, Vec<CollectionName>> = BTreeMap::new();
        for (found, physical) in self.server_aliases().await? {
            led.entry(physical).or_default().extend(name_of(tenant, &found));
        }
        let mut names = BTreeMap::new();
        // One alone is the name itself.
        for (physical, mut found) in led.into_iter().filter(|(_, found)| found.len() > 1) {
            let Some((description, _)) = self.behind(tenant, &physical).await? else { continue };
            found.retain(|name| *name != description.name);
            found.sort();
            names.insert(description.name, found);
        }
        Ok(names)
    }

    /// Leads an alias to a collection.
    pub(super) async fn lead(&self, name: &CollectionRef, to: &CollectionName) -> Result<()> {
        let target = CollectionRef::new(name.tenant.clone(), to.clone());
        let (description, _) = self.active(&target).await?;
        if let Some((found, _)) = self.behind(&name.tenant, &alias(name)).await? {
            if found.is(name) {
                return Err(taken(&name.name, "a collection"));
            }
            if found.is(&target) {
                return Ok(());
            }
        }
        let physical = description.physical();
        let standing = self.server_aliases().await?.into_iter().filter(|(_, led)| *led == physical).count();
        // One of them is its name.
        check_aliases(standing.saturating_sub(1))?;
        self.create_alias(alias(name), physical).await
    }

    /// Takes an alias away.
    pub(super) async fn unlead(&self, name: &CollectionRef) -> Result<()> {
        match self.behind(&name.tenant, &alias(name)).await? {
            Some((found, _)) if !found.is(name) => {
                let gone = ask!(self.delete_alias(alias(name))).await;
                gone.map(|_| ()).map_err(|problem| error(None, problem))
            }
            _ => Err(not_found(&name.name)),
        }
    }

    /// Gives a collection another name: the server's alias first, which is one change, then what is behind it is told.
    /// Cut short in between, the same call goes on.
    pub(super) async fn rename(&self, collection: &CollectionRef, name: &CollectionName) -> Result<()> {
        let to = CollectionRef::new(collection.tenant.clone(), name.clone());
        let all = self.all(&collection.tenant).await?;
        let (renamed, others): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, description, _)| description.is(collection));
        if renamed.is_empty() {
            return Err(not_found(&collection.name));
        }
        let ours = |physical: &str| renamed.iter().any(|(one, ..)| one == physical);
        if others.iter().any(|(_, description, _)| description.is(&to)) {
            return Err(taken(name, "a collection"));
        }
        let aliases = self.server_aliases().await?;
        match aliases.get(&alias(&to)) {
            Some(led) if !ours(led) || aliases.contains_key(&alias(collection)) => return Err(taken(name, "an alias")),
            Some(_) => {}
            None if aliases.contains_key(&alias(collection)) => {
                let request = RenameAliasBuilder::new(alias(collection), alias(&to));
                ask!(self.rename_alias(request)).await.map_err(|problem| error(None, problem))?;
            }
            None => {}
        }
        for (physical, description, _) in renamed {
            let told = Description { name: name.clone(), made_as: Some(physical.clone()), ..description };
            let update = UpdateCollectionBuilder::new(physical).metadata(metadata(&told)?);
            ask!(self.update_collection(update)).await.map_err(|problem| self.failed(collection, problem))?;
        }
        self.forget(collection);
        self.forget(&to);
        Ok(())
    }

    /// What there is of a collection in the space of a description, though no name may lead there. Where another one
    /// has taken the place that it would be made at, before it was renamed, the description gets another place.
    pub(super) async fn detached(
        &self,
        collection: &CollectionRef,
        description: &mut Description,
    ) -> Result<Option<Description>> {
        match self.behind(&collection.tenant, &description.physical()).await? {
            Some((found, _)) if found.is(collection) => return Ok(Some(found)),
            Some(_) => {
                let suffix = Uuid::new_v4().simple().to_string();
                let physical = format!("{}-{}", description.physical(), suffix.get(..8).unwrap_or(&suffix));
                description.made_as = Some(physical);
            }
            None => {}
        }
        // A collection that was renamed to this name lies elsewhere.
        let all = self.all(&collection.tenant).await?.into_iter().map(|(_, found, _)| found);
        Ok(all.into_iter().find(|found| found.is(collection) && found.space == description.space))
    }

    /// Leads the aliases of one collection to another one.
    pub(super) async fn hand_over_aliases(&self, from: &Description, to: &Description) -> Result<()> {
        let (before, physical) = (from.physical(), to.physical());
        for (other, led) in self.server_aliases().await? {
            if led == before && other != from.alias() {
                self.create_alias(other, physical.clone()).await?;
            }
        }
        Ok(())
    }

    /// One change that replaces what the name led to: nobody sees it lead nowhere.
    pub(super) async fn create_alias(&self, name: String, physical: String) -> Result<()> {
        let create = CreateAliasBuilder::new(physical, name);
        ask!(self.create_alias(create)).await.map(|_| ()).map_err(|problem| error(None, problem))
    }

    /// Every alias of the server, to the collection that it leads to.
    async fn server_aliases(&self) -> Result<BTreeMap<String, String>> {
        let listed = self.servers.call(|client| async move { client.list_aliases().await }).await;
        let listed = listed.map_err(|problem| error(None, problem))?.aliases;
        Ok(listed.into_iter().map(|one| (one.alias_name, one.collection_name)).collect())
    }
}
