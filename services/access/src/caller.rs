//! The caller of one call, where its message is read.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use onespace_core::{CollectionRef, Error, Reason, Result, Tenant};
use tonic::codegen::http::Extensions;

use crate::{
    grant::{Grant, Scope},
    quota::Quota,
};

/// What a call was about, for the audit log.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub tenant: Option<Tenant>,
    pub collections: BTreeSet<String>,
}

/// Collections of one call that are written down; a batch may name more.
const COLLECTIONS_WRITTEN: usize = 16;

/// Who calls, and what they may reach.
#[derive(Clone, Debug)]
pub struct Caller {
    grant: Arc<Grant>,
    about: Arc<Mutex<About>>,
}

impl Caller {
    pub(crate) fn new(grant: Arc<Grant>) -> Self {
        Self { grant, about: Arc::default() }
    }

    /// The caller of a request; anybody where no layer has asked.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| Self::new(Arc::new(Grant::of_anybody())))
    }

    /// Whose collections are meant: those of the caller's own tenant, or of the one that an admin names.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for another's.
    pub fn tenant(&self, named: Option<Tenant>) -> Result<Tenant> {
        let own = &self.grant.tenant;
        let tenant = named.unwrap_or_else(|| own.clone());
        if tenant != *own && !self.grant.has(Scope::Admin) {
            let message = format!("{:?} is for the tenant \"{own}\"; to name another takes admin", self.grant.name);
            return Err(Error::new(Reason::PermissionDenied, "onespace-tenant", message));
        }
        self.about.lock().unwrap_or_else(PoisonError::into_inner).tenant = Some(tenant.clone());
        Ok(tenant)
    }

    /// Refuses a collection that the caller may not reach, whether it is there or not.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` naming what may be reached.
    pub fn reach(&self, collection: &CollectionRef) -> Result<()> {
        let mut about = self.about.lock().unwrap_or_else(PoisonError::into_inner);
        if about.collections.len() < COLLECTIONS_WRITTEN {
            about.collections.insert(collection.name.to_string());
        }
        drop(about);
        if self.sees(collection.name.as_str()) {
            return Ok(());
        }
        let allowed: Vec<_> = self.grant.collections.iter().map(ToString::to_string).collect();
        let message =
            format!("{:?} may not reach the collection \"{collection}\", only {}", self.grant.name, allowed.join(", "));
        Err(Error::new(Reason::PermissionDenied, "collection", message))
    }

    /// Whether a collection of this name is the caller's to see.
    #[must_use]
    pub fn sees(&self, collection: &str) -> bool {
        self.grant.reaches(collection)
    }

    /// How much the caller may take.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.grant.quota
    }

    pub(crate) fn grant(&self) -> &Grant {
        &self.grant
    }

    pub(crate) fn about(&self) -> About {
        self.about.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_reaches_its_own_and_an_admin_whom_it_names() {
        let grant = |scopes: &[Scope]| Grant {
            tenant: "acme".parse().unwrap(),
            scopes: scopes.to_vec(),
            collections: vec!["film-*".parse().unwrap()],
            ..Grant::of_anybody()
        };
        let reader = Caller::new(Arc::new(grant(&[Scope::Read])));
        let (own, other): (Tenant, Tenant) = ("acme".parse().unwrap(), "other".parse().unwrap());
        assert_eq!(reader.tenant(None).unwrap(), own);
        assert_eq!(reader.tenant(Some(own.clone())).unwrap(), own);
        assert_eq!(reader.tenant(Some(other.clone())).unwrap_err().reason, Reason::PermissionDenied);
        let admin = Caller::new(Arc::new(grant(&[Scope::Admin])));
        assert_eq!(admin.tenant(Some(other.clone())).unwrap(), other);

        let named = |name: &str| CollectionRef::new(own.clone(), name.parse().unwrap());
        assert!(reader.reach(&named("film-1")).is_ok());
        let error = reader.reach(&named("photos")).unwrap_err();
        assert_eq!(error.reason, Reason::PermissionDenied);
        assert!(error.message.contains("film-*"), "{error}");
        assert_eq!(reader.about().collections.into_iter().collect::<Vec<_>>(), ["film-1", "photos"]);
    }
}
