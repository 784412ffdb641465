//! What collections are called: renamed, and led to by other names. Each change is one catalogue, written as a whole,
//! so that a crash leaves the old names or the new ones.

use std::{collections::BTreeMap, sync::Arc};

use onespace_core::{CollectionName, CollectionRef, Result, Tenant};

use super::{
    catalogue::Catalogue,
    shard::Place,
    shared::{Open, Shared},
};
use crate::description::{Description, alias, check_aliases, not_found, taken};

impl Catalogue {
    /// Whether another name of a collection is the name of this one.
    pub(super) fn has_alias(&self, description: &Description) -> bool {
        let named = CollectionRef::new(description.tenant.clone(), description.name.clone());
        self.collections.values().any(|entry| entry.description.has_alias(&named))
    }

    /// Gives the other names of one collection to another one; the descriptions that this changes.
    pub(super) fn hand_over_aliases(&mut self, from: &str, to: &str) -> Vec<(String, Description)> {
        let Some(giver) = self.collections.get_mut(from).filter(|_| from != to) else { return Vec::new() };
        let aliases = std::mem::take(&mut giver.description.aliases);
        if aliases.is_empty() {
            return Vec::new();
        }
        let given = giver.description.clone();
        let taker = self.collections.get_mut(to).map(|taker| {
            taker.description.aliases.extend(aliases);
            (to.to_owned(), taker.description.clone())
        });
        [(from.to_owned(), given)].into_iter().chain(taker).collect()
    }
}

impl Open {
    /// Tells a collection what it is called now.
    pub(super) fn describe(&mut self, physical: &str, description: Description) {
        match self.places.get_mut(physical) {
            Some(Place::Open(shard)) => shard.engine.describe(description),
            Some(Place::Shut(shut)) => *shut = Arc::new(shut.described(description)),
            None => {}
        }
    }
}

impl Shared {
    /// The collection that a name leads to; the name itself where it leads nowhere.
    pub(super) fn resolve(&self, name: &CollectionRef) -> CollectionRef {
        let open = self.places();
        if open.aliases.contains_key(&alias(name)) {
            return name.clone();
        }
        let found = open.places.values().map(Place::description).find(|description| description.has_alias(name));
        found.map_or_else(|| name.clone(), |found| CollectionRef::new(found.tenant.clone(), found.name.clone()))
    }

    /// A tenant's aliases, by collection.
    pub(super) fn aliases(&self, tenant: &Tenant) -> BTreeMap<CollectionName, Vec<CollectionName>> {
        let open = self.places();
        let all = open.places.values().map(Place::description);
        let aliased = all.filter(|description| description.tenant == *tenant && !description.aliases.is_empty());
        aliased.map(|found| (found.name.clone(), found.aliases.iter().cloned().collect())).collect()
    }

    /// Leads an alias to a collection.
    ///
    /// # Errors
    /// `COLLECTION_EXISTS`, `TOO_MANY`, `COLLECTION_NOT_FOUND`, `STORE_*`.
    pub(super) fn set_alias(&self, name: &CollectionRef, to: &CollectionName) -> Result<()> {
        let mut catalogue = self.catalogue();
        if catalogue.aliases.contains_key(&alias(name)) {
            return Err(taken(&name.name, "a collection"));
        }
        let target = CollectionRef::new(name.tenant.clone(), to.clone());
        let physical = catalogue.aliases.get(&alias(&target)).cloned();
        let mut changed = catalogue.clone();
        let entry = physical.and_then(|physical| changed.collections.get_mut(&physical));
        let entry = entry.ok_or_else(|| not_found(to))?;
        if entry.description.has_alias(name) {
            return Ok(());
        }
        check_aliases(entry.description.aliases.len())?;
        let led = entry.description.physical();
        take_away(&mut changed, name);
        if let Some(entry) = changed.collections.get_mut(&led) {
            entry.description.aliases.insert(name.name.clone());
        }
        self.save(&changed)?;
        self.take_over(&mut catalogue, changed);
        Ok(())
    }

    /// Takes an alias away.
    ///
    /// # Errors
    /// `COLLECTION_NOT_FOUND`, `STORE_*`.
    pub(super) fn remove_alias(&self, name: &CollectionRef) -> Result<()> {
        let mut catalogue = self.catalogue();
        let mut changed = catalogue.clone();
        if !take_away(&mut changed, name) {
            return Err(not_found(&name.name));
        }
        self.save(&changed)?;
        self.take_over(&mut catalogue, changed);
        Ok(())
    }

    /// Gives a collection another name, in every space.
    ///
    /// # Errors
    /// `COLLECTION_EXISTS`, `COLLECTION_NOT_FOUND`, `STORE_*`.
    pub(super) fn rename(&self, collection: &CollectionRef, name: &CollectionName) -> Result<()> {
        let mut catalogue = self.catalogue();
        let to = CollectionRef::new(collection.tenant.clone(), name.clone());
        let mut changed = catalogue.clone();
        let entries: BTreeMap<_, _> =
            changed.collections.extract_if(.., |_, entry| entry.description.is(collection)).collect();
        if entries.is_empty() {
            return Err(not_found(&collection.name));
        }
        for entry in catalogue.collections.values() {
            if entry.description.is(&to) {
                return Err(taken(name, "a collection"));
            }
            if entry.description.has_alias(&to) {
                return Err(taken(name, "an alias"));
            }
        }
        let mut moved = BTreeMap::new();
        for (before, mut entry) in entries {
            entry.description.name = name.clone();
            let physical = entry.description.physical();
            moved.insert(before, physical.clone());
            changed.collections.insert(physical, entry);
        }
        if let Some(before) = changed.aliases.remove(&alias(collection)) {
            let physical = moved.get(&before).cloned().unwrap_or(before);
            changed.aliases.insert(alias(&to), physical);
        }
        self.save(&changed)?;
        {
            // Whoever looks a name up sees all of it or nothing of it.
            let mut open = self.places_mut();
            for (before, physical) in moved {
                let place = open.places.remove(&before);
                open.places.extend(place.map(|place| (physical, place)));
            }
            open.aliases.clone_from(&changed.aliases);
            describe_all(&mut open, &changed);
        }
        *catalogue = changed;
        Ok(())
    }

    /// Puts a saved catalogue, in which some are called otherwise, in the place of the old one.
    fn take_over(&self, catalogue: &mut Catalogue, changed: Catalogue) {
        describe_all(&mut self.places_mut(), &changed);
        *catalogue = changed;
    }
}

fn describe_all(open: &mut Open, catalogue: &Catalogue) {
    for (physical, entry) in &catalogue.collections {
        open.describe(physical, entry.description.clone());
    }
}

/// Takes an alias away, wherever it leads; whether it led anywhere.
fn take_away(catalogue: &mut Catalogue, name: &CollectionRef) -> bool {
    let led = catalogue.collections.values_mut().find(|entry| entry.description.has_alias(name));
    led.is_some_and(|entry| entry.description.aliases.remove(&name.name))
}
