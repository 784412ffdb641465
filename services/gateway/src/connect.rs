//! From URLs to encoders: waits until each answers what it serves.

use std::{sync::Arc, time::Duration};

use onespace_core::{Encoder, EncoderInfo, Modality, Result};

use crate::remote::RemoteEncoder;

/// Between two questions to an encoder that is still loading.
const PATIENCE: Duration = Duration::from_millis(250);

/// Connects to the encoder of each modality and waits, as long as it takes, until it is ready.
///
/// # Errors
/// `FIELD_INVALID` for a URL that is none.
pub async fn encoders(roads: Vec<(Modality, Vec<String>)>) -> Result<Vec<(Modality, Arc<dyn Encoder>, EncoderInfo)>> {
    let mut connected: Vec<(Modality, Arc<dyn Encoder>, EncoderInfo)> = Vec::new();
    for (modality, urls) in roads {
        let encoder = RemoteEncoder::new(&urls).await?;
        let info = described(&encoder, modality).await;
        let encoder = encoder.of_space(info.space.clone());
        connected.push((modality, Arc::new(encoder), info));
    }
    Ok(connected)
}

async fn described(encoder: &RemoteEncoder, modality: Modality) -> EncoderInfo {
    let mut told = false;
    loop {
        match encoder.describe().await {
            Ok(info) => return info,
            Err(error) if !told => tracing::info!(%modality, %error, "waiting for the encoder"),
            Err(_) => {}
        }
        told = true;
        tokio::time::sleep(PATIENCE).await;
    }
}
