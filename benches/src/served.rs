//! The whole road: a real server process, asked over gRPC with the media themselves.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use bytes::Bytes;
use onespace_proto::v1::{self, embedding_service_client::EmbeddingServiceClient};
use tonic::transport::Channel;

use crate::{
    clock::{CONCURRENCY, millis, rate},
    report::{Served, median, quantile},
    server::Server,
    subject::Subject,
};

/// One modality through the server, in rounds beside those of the engine.
pub struct ServedRounds {
    channel: Channel,
    media: Arc<[Bytes]>,
    rates: Vec<f64>,
    of_engine: Vec<f64>,
    of_allowed: Vec<f64>,
    alone: Vec<f64>,
    together: Vec<f64>,
}

impl ServedRounds {
    /// Connects and warms up.
    pub async fn start(server: &Server, subject: &Subject) -> Result<Self> {
        let channel = server.connect().await?;
        let media: Arc<[Bytes]> = subject.media.clone().into();
        load(&channel, &media, CONCURRENCY, Duration::from_millis(300)).await?;
        let (rates, of_engine, of_allowed) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { channel, media, rates, of_engine, of_allowed, alone: Vec::new(), together: Vec::new() })
    }

    /// One round, beside what the engine and the preparation just did, each with all cores to itself.
    pub async fn round(&mut self, engine: f64, prepared: f64, time: Duration) -> Result<()> {
        let (rate, together) = load(&self.channel, &self.media, CONCURRENCY, time).await?;
        let (_, alone) = load(&self.channel, &self.media, 1, time).await?;
        // An item keeps all cores busy for 1 / engine seconds, then for 1 / prepared seconds.
        let allowed = 1.0 / (1.0 / engine + 1.0 / prepared);
        self.rates.push(rate);
        self.of_engine.push(rate / engine);
        self.of_allowed.push(rate / allowed);
        self.together.extend(together);
        self.alone.extend(alone);
        Ok(())
    }

    /// The medians, beside those of the plain loop.
    pub fn finish(self, raw_items_per_s: f64, raw_p50_ms: f64) -> Served {
        let (items_per_s, p50_ms) = (median(&self.rates), quantile(&self.alone, 0.5));
        Served {
            items_per_s,
            throughput_ratio: items_per_s / raw_items_per_s,
            of_engine: median(&self.of_engine),
            of_allowed: median(&self.of_allowed),
            p50_ms,
            p99_ms: quantile(&self.alone, 0.99),
            p50_ratio: p50_ms / raw_p50_ms,
            p50_ms_at_16: quantile(&self.together, 0.5),
            p99_ms_at_16: quantile(&self.together, 0.99),
        }
    }
}

async fn load(channel: &Channel, media: &Arc<[Bytes]>, concurrency: usize, time: Duration) -> Result<(f64, Vec<f64>)> {
    let started = Instant::now();
    let tasks: Vec<_> = (0..concurrency)
        .map(|first| {
            let (mut client, media) = (EmbeddingServiceClient::new(channel.clone()), media.clone());
            tokio::spawn(async move {
                let mut waits = Vec::new();
                for bytes in media.iter().cycle().skip(first) {
                    if started.elapsed() >= time {
                        break;
                    }
                    let item =
                        v1::Media { content: Some(v1::media::Content::Data(bytes.clone())), ..Default::default() };
                    let asked = Instant::now();
                    let answer =
                        client.embed(v1::EmbedRequest { items: vec![item], ..Default::default() }).await?.into_inner();
                    waits.push(millis(asked));
                    let outcome = answer.results.into_iter().next().and_then(|result| result.outcome);
                    if let Some(v1::embed_result::Outcome::Error(error)) = outcome {
                        bail!("{}: {}", error.reason, error.message);
                    }
                }
                anyhow::Ok(waits)
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    Ok((rate(waits.len(), started), waits))
}
