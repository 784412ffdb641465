//! The whole road: a real server process, asked over gRPC with the media themselves.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use onespace_proto::v1::{self, embedding_service_client::EmbeddingServiceClient};
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::{
    measure::{CONCURRENCY, millis, rate},
    report::{Served, quantile},
    subject::Subject,
};

/// A server of our own, ended with its handle.
pub struct Server {
    process: Child,
    address: String,
    _data: TempDir,
}

impl Server {
    /// Starts `onespace up` on free ports and waits until it is ready.
    pub fn start(binary: &Path, bundle: &Path, onnxruntime: &Path) -> Result<Self> {
        let data = TempDir::new()?;
        let mut process = Command::new(binary)
            .args(["up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--log", "error"])
            .arg("--bundle")
            .arg(bundle)
            .arg("--onnxruntime")
            .arg(onnxruntime)
            .arg("--data")
            .arg(data.path())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let output = process.stdout.take().context("no output")?;
        let mut address = None;
        for line in BufReader::new(output).lines() {
            let line = line?;
            if let Some(rest) = line.strip_prefix("listening grpc=") {
                address = rest.split_whitespace().next().map(ToOwned::to_owned);
            }
            if line.starts_with("ready ") {
                let address = address.context("the server did not say where it listens")?;
                return Ok(Self { process, address: format!("http://{address}"), _data: data });
            }
        }
        bail!("the server ended before it was ready")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Measures one modality through the server.
pub async fn subject(server: &Server, subject: &Subject, seconds: f64) -> Result<Served> {
    let channel = Channel::from_shared(server.address.clone())?.tcp_nodelay(true).connect().await?;
    let media: Arc<[Bytes]> = subject.media.clone().into();
    let time = Duration::from_secs_f64(seconds);
    load(&channel, &media, CONCURRENCY, time / 4).await?;
    let (_, alone) = load(&channel, &media, 1, time).await?;
    let (items_per_s, together) = load(&channel, &media, CONCURRENCY, time).await?;
    Ok(Served {
        items_per_s,
        p50_ms: quantile(&alone, 0.5),
        p99_ms: quantile(&alone, 0.99),
        p50_ms_at_16: quantile(&together, 0.5),
        p99_ms_at_16: quantile(&together, 0.99),
        ..Served::default()
    })
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
