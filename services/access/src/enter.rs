//! Letting one call in: who is it, how much have they taken, may they do this.

use std::{net::SocketAddr, sync::Arc};

use onespace_core::{Error, Reason, Result};
use onespace_proto::status::status;
use tonic::codegen::http::HeaderMap;

use crate::{
    access::{Access, Known, Standing},
    audit::Audit,
    caller::Caller,
    grant::Scope,
    meters::{Meter, RequestsLeft},
    record::Record,
    request_id::request_id,
    visit::Visit,
};

/// What somebody asks for.
pub struct Asked<'a> {
    /// What is shown.
    pub headers: &'a HeaderMap,
    /// The method, or the page.
    pub path: &'a str,
    /// What it takes.
    pub needed: Scope,
    /// Who is at the other end.
    pub peer: Option<SocketAddr>,
}

/// A call that was let in.
pub struct Entered {
    /// Who calls.
    pub caller: Caller,
    pub(crate) meter: Arc<Meter>,
    pub(crate) standing: Standing,
    pub(crate) id: String,
    pub(crate) left: Option<RequestsLeft>,
}

/// A call that was not.
pub struct Refused {
    /// Why not.
    pub error: Error,
    pub(crate) id: String,
    pub(crate) left: Option<RequestsLeft>,
}

impl Access {
    /// Lets a call in, or says why not; either is written down.
    ///
    /// # Errors
    /// `UNAUTHENTICATED`, `PERMISSION_DENIED`, `QUOTA_EXCEEDED`.
    pub fn enter(&self, asked: &Asked<'_>) -> Result<Entered, Refused> {
        let id = request_id(asked.headers);
        // A line takes the time of day and some memory: it is begun where there is a log to end it in.
        let record = self.audit().map(|audit| (Record::new(&id, asked.path, asked.peer), audit.clone()));
        let known = match self.identify(asked.headers, asked.peer.map(|peer| peer.ip())) {
            Ok(known) => known,
            Err(error) => {
                // An address that fails on and on must not push what matters out of the log.
                write_refused(record.filter(|_| error.retry_after.is_none()), &error);
                return Err(Refused { error, id, left: None });
            }
        };
        let Known { grant, meter, standing } = known;
        let record = record.map(|(record, audit)| (record.of(&grant.id, &grant.name), audit));
        // What is refused counts, too: asking for what one may not is no way round a quota.
        let (begun, left) = (meter.begin(), meter.requests_left());
        let allowed = begun.and_then(|in_use| {
            if grant.has(asked.needed) {
                return Ok(in_use);
            }
            let needed = asked.needed.name();
            let message = format!("{:?} has no scope \"{needed}\", which this call needs", grant.name);
            Err(Error::new(Reason::PermissionDenied, "authorization", message))
        });
        match allowed {
            Ok(in_use) => {
                let caller = Caller::new(grant, Visit::new(record, in_use));
                Ok(Entered { caller, meter, standing, id, left })
            }
            Err(error) => {
                write_refused(record, &error);
                Err(Refused { error, id, left })
            }
        }
    }
}

fn write_refused(record: Option<(Record, Audit)>, error: &Error) {
    if let Some((record, audit)) = record {
        audit.write(&record.ended(&status(error)));
    }
}
