//! What every call brings beside its message: whose it is, how long it is waited for, how large its answer may be.

use onespace_access::caller::Caller;
use onespace_core::{CollectionRef, Deadline, Error, Reason, Result, Tenant};
use onespace_kit::deadline;
use tonic::Request;

use crate::{
    Gateway,
    answer::{AnswerHold, AnswerRoom},
};

/// Where a caller says whose items it means.
pub const TENANT: &str = "onespace-tenant";

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// Whose items it may touch.
    pub tenant: Tenant,
    /// How long it is waited for.
    pub deadline: Deadline,
    /// How large its answer may be.
    pub answer: AnswerRoom,
    /// What accounts for its answer.
    pub hold: AnswerHold,
}

impl Call {
    /// As the metadata says, and as the caller may.
    ///
    /// # Errors
    /// `FIELD_INVALID` for what is no tenant or no size, `PERMISSION_DENIED` for another's tenant.
    pub fn read<T>(request: &Request<T>) -> Result<Self> {
        let metadata = request.metadata();
        let named = metadata.get(TENANT).map(|value| {
            let text = value
                .to_str()
                .map_err(|_| Error::new(Reason::FieldInvalid, TENANT, "use letters, digits, '-', '_' and '.'"))?;
            text.parse().map_err(|error: Error| Error { field: TENANT.to_owned(), ..error })
        });
        let caller = Caller::of(request.extensions())?;
        let tenant = caller.tenant(named.transpose()?)?;
        let (deadline, answer) = (deadline::incoming(metadata), AnswerRoom::of(metadata)?);
        Ok(Self { caller, tenant, deadline, answer, hold: AnswerHold::default() })
    }

    /// The tenant's collection that a name or an alias leads to, if the caller may reach that name: it is looked up
    /// once, and the call stays with what was found. Whoever leads an alias somewhere may reach both.
    ///
    /// # Errors
    /// As [`Self::collection`]; `STORE_*`.
    pub async fn locate(&self, gateway: &Gateway, name: &str) -> Result<CollectionRef> {
        gateway.store().resolve(&self.collection(name)?).await
    }

    /// The tenant's collection of a name, if the caller may reach it.
    ///
    /// # Errors
    /// `FIELD_*` for what is no name, `PERMISSION_DENIED`.
    pub fn collection(&self, name: &str) -> Result<CollectionRef> {
        let collection = CollectionRef::new(self.tenant.clone(), name.parse()?);
        self.caller.reach(&collection)?;
        Ok(collection)
    }
}
