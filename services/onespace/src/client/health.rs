//! `onespace health`: a probe for containers that have no other.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use onespace_client::{Config, Road};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::output::{Outcome, print_line};

/// How long a server may take to say how it is.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Asks, prints, and fails unless the answer is SERVING.
pub async fn run(server: Config, service: String) -> Result<Outcome> {
    let endpoint = &server.endpoint;
    let road =
        Road::new(&endpoint.parse()?, None, &Arc::new(server.tls)).map_err(|error| anyhow!("{endpoint}: {error}"))?;
    let channel = road
        .with(|endpoint| endpoint.connect_timeout(TIMEOUT).timeout(TIMEOUT))
        .connect()
        .await
        .with_context(|| format!("no server answers at {endpoint}"))?;
    let answer = HealthClient::new(channel).check(HealthCheckRequest { service }).await;
    let status = answer.map_err(|status| anyhow!("{}: {}", status.code(), status.message()))?.into_inner().status();
    print_line(status.as_str_name());
    if status != ServingStatus::Serving {
        bail!("the server at {endpoint} is not serving");
    }
    Ok(Outcome::AllWell)
}
