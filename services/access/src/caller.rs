//! The caller of one call, where its message is read.

use std::sync::Arc;

use onespace_core::{CollectionRef, Error, Reason, Result, Tenant};
use tonic::codegen::http::Extensions;

use crate::{
    grant::{Grant, Scope},
    quota::Quota,
    visit::Visit,
};

/// Collections of one call that are written down; a batch may name more.
const COLLECTIONS_WRITTEN: usize = 16;

/// Who calls, and what they may reach. Whoever works on the call keeps it: until the last one lets go the call counts
/// among its caller's, and then it is written down.
#[derive(Clone, Debug)]
pub struct Caller {
    grant: Arc<Grant>,
    visit: Arc<Visit>,
}

impl Caller {
    pub(crate) fn new(grant: Arc<Grant>, visit: Visit) -> Self {
        Self { grant, visit: Arc::new(visit) }
    }

    /// The caller of a request.
    ///
    /// # Errors
    /// `INTERNAL` where nobody stood at the door: nothing is let in by mistake.
    pub fn of(extensions: &Extensions) -> Result<Self> {
        extensions.get::<Self>().cloned().ok_or_else(|| Error::internal("nobody asked who calls"))
    }

    /// Whose collections are meant: those of the caller's own tenant, or of the one that an admin names.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for another's.
    pub fn tenant(&self, named: Option<Tenant>) -> Result<Tenant> {
        let own = &self.grant.tenant;
        let tenant = named.unwrap_or_else(|| own.clone());
        self.visit.note(|about| about.tenant = Some(tenant.clone()));
        if tenant != *own && !self.grant.has(Scope::Admin) {
            let message = format!("{:?} is for the tenant \"{own}\"; to name another takes admin", self.grant.name);
            return Err(Error::new(Reason::PermissionDenied, "onespace-tenant", message));
        }
        Ok(tenant)
    }

    /// Refuses a collection that the caller may not reach, whether it is there or not.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` naming what may be reached.
    pub fn reach(&self, collection: &CollectionRef) -> Result<()> {
        self.visit.note(|about| {
            if about.collections.len() < COLLECTIONS_WRITTEN {
                about.collections.insert(collection.name.to_string());
            }
        });
        if self.sees(collection.name.as_str()) {
            return Ok(());
        }
        let allowed: Vec<_> = self.grant.collections.iter().flatten().map(ToString::to_string).collect();
        let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
        let message = format!("{:?} may not reach the collection \"{collection}\", only {allowed}", self.grant.name);
        Err(Error::new(Reason::PermissionDenied, "collection", message))
    }

    /// Whether a collection of this name is the caller's to see.
    #[must_use]
    pub fn sees(&self, collection: &str) -> bool {
        self.grant.reaches(collection)
    }

    /// Which key or token it is; empty where nobody was asked.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.grant.id
    }

    /// How much the caller may take.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.grant.quota
    }

    /// Notes what became of some items, for the audit log.
    pub fn note_items(&self, became: &'static str, items: u64) {
        self.visit.note(|about| *about.items.entry(became).or_default() += items);
    }

    /// The call.
    #[must_use]
    pub fn visit(&self) -> &Visit {
        &self.visit
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meters::InUse;

    fn caller(scopes: &[Scope]) -> Caller {
        let grant = Grant {
            tenant: "acme".parse().unwrap(),
            scopes: scopes.to_vec(),
            collections: Some(vec!["film-*".parse().unwrap()]),
            ..Grant::of_anybody()
        };
        Caller::new(Arc::new(grant), Visit::new(None, InUse::default()))
    }

    #[test]
    fn a_caller_reaches_its_own_and_an_admin_whom_it_names() {
        let reader = caller(&[Scope::Read]);
        let (own, other): (Tenant, Tenant) = ("acme".parse().unwrap(), "other".parse().unwrap());
        assert_eq!(reader.tenant(None).unwrap(), own);
        assert_eq!(reader.tenant(Some(own.clone())).unwrap(), own);
        assert_eq!(reader.tenant(Some(other.clone())).unwrap_err().reason, Reason::PermissionDenied);
        assert_eq!(caller(&[Scope::Admin]).tenant(Some(other.clone())).unwrap(), other);

        let named = |name: &str| CollectionRef::new(own.clone(), name.parse().unwrap());
        assert!(reader.reach(&named("film-1")).is_ok());
        let error = reader.reach(&named("photos")).unwrap_err();
        assert_eq!(error.reason, Reason::PermissionDenied);
        assert!(error.message.contains("film-*"), "{error}");
    }

    #[test]
    fn a_request_that_nobody_asked_about_is_let_nowhere() {
        assert_eq!(Caller::of(&Extensions::new()).unwrap_err().reason, Reason::Internal);
    }
}
