//! From URLs to encoders: waits until each answers what it serves.

use std::{sync::Arc, time::Duration};

use onespace_client::TlsFiles;
use onespace_core::{Encoder, EncoderInfo, Modality, Result, Transcribe};

use crate::{ear::Ear, remote::RemoteEncoder, remote_transcriber::RemoteTranscriber};

/// Between two questions to an encoder that is still loading.
const PATIENCE: Duration = Duration::from_millis(250);

/// Connects to the encoder of each modality and waits, as long as it takes, until it is ready.
///
/// # Errors
/// `FIELD_INVALID` for a URL that is none.
pub async fn encoders(
    roads: Vec<(Modality, Vec<String>)>,
    tls: &Arc<TlsFiles>,
) -> Result<Vec<(Modality, Arc<dyn Encoder>, EncoderInfo)>> {
    let mut connected: Vec<(Modality, Arc<dyn Encoder>, EncoderInfo)> = Vec::new();
    for (modality, urls) in roads {
        let encoder = RemoteEncoder::new(&urls, tls).await?;
        let info = described(modality.name(), || encoder.describe()).await;
        let encoder = encoder.of_space(info.space.clone());
        connected.push((modality, Arc::new(encoder), info));
    }
    Ok(connected)
}

/// Connects to a transcriber and waits, as long as it takes, until it is ready.
///
/// # Errors
/// `FIELD_INVALID` for a URL that is none.
pub async fn transcriber(urls: &[String], tls: &Arc<TlsFiles>) -> Result<Ear> {
    let transcriber = RemoteTranscriber::new(urls, tls).await?;
    let info = described("speech", || transcriber.describe()).await;
    Ok(Ear::new(Arc::new(transcriber.of_fingerprint(info.fingerprint)), info))
}

async fn described<T, F: Future<Output = Result<T>>>(of: &str, describe: impl Fn() -> F) -> T {
    let mut told = false;
    loop {
        match describe().await {
            Ok(info) => return info,
            Err(error) if !told => tracing::info!(of, %error, "waiting for the encoder"),
            Err(_) => {}
        }
        told = true;
        tokio::time::sleep(PATIENCE).await;
    }
}
