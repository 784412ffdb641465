//! A real server process, whose wire is asked.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tonic::transport::Channel;

/// Ticks a second of the times that Linux tells, on every machine of today.
const TICKS: f64 = 100.0;

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

    /// A connection of its own.
    pub async fn connect(&self) -> Result<Channel> {
        Ok(Channel::from_shared(self.address.clone())?.tcp_nodelay(true).connect().await?)
    }

    /// What it holds in memory now, in MiB.
    pub fn memory(&self) -> Result<u64> {
        self.status("VmRSS:")
    }

    /// What it has held at most since that was last forgotten, in MiB.
    pub fn peak(&self) -> Result<u64> {
        self.status("VmHWM:")
    }

    /// From now on only what comes counts as its peak.
    pub fn forget_peak(&self) -> Result<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5")?)
    }

    /// The seconds of processor time that it has taken.
    pub fn processor_seconds(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let (_, behind_name) = stat.rsplit_once(')').context("no name in its status")?;
        let ticks: Result<Vec<f64>, _> = behind_name.split_whitespace().skip(11).take(2).map(str::parse).collect();
        Ok(ticks?.iter().sum::<f64>() / TICKS)
    }

    fn status(&self, name: &str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("no such line of its status")?;
        let kib: u64 = line.split_whitespace().next().context("an empty line of its status")?.parse()?;
        Ok(kib / 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
