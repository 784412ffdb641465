//! What every call brings beside its message: whose it is, how long it is waited for, how large its answer may be.

use onespace_core::{CollectionRef, Deadline, Error, Reason, Result, Tenant};
use onespace_kit::deadline;
use tonic::metadata::MetadataMap;

use crate::answer::AnswerRoom;

/// Where a caller says whose items it means.
pub const TENANT: &str = "onespace-tenant";

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whose items it may touch. Who may say so is for whoever stands before this server.
    pub tenant: Tenant,
    /// How long it is waited for.
    pub deadline: Deadline,
    /// How large its answer may be.
    pub answer: AnswerRoom,
}

impl Call {
    /// As the metadata says.
    ///
    /// # Errors
    /// `FIELD_INVALID` for what is no tenant or no size.
    pub fn read(metadata: &MetadataMap) -> Result<Self> {
        let tenant = match metadata.get(TENANT) {
            None => Tenant::default(),
            Some(value) => {
                let text = value
                    .to_str()
                    .map_err(|_| Error::new(Reason::FieldInvalid, TENANT, "use letters, digits, '-', '_' and '.'"))?;
                text.parse().map_err(|error: Error| Error { field: TENANT.to_owned(), ..error })?
            }
        };
        Ok(Self { tenant, deadline: deadline::incoming(metadata), answer: AnswerRoom::of(metadata)? })
    }

    /// The caller's collection of a name.
    ///
    /// # Errors
    /// `FIELD_*` for what is no name.
    pub fn collection(&self, name: &str) -> Result<CollectionRef> {
        Ok(CollectionRef::new(self.tenant.clone(), name.parse()?))
    }
}
