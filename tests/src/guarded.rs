//! A server that asks who calls, over TLS where its arguments say so.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use onespace_client::{Client, Config, TlsFiles};
use tempfile::TempDir;

use crate::{
    bundle,
    process::{Process, command},
};

/// A running `onespace up` with further arguments, in a folder that was prepared for it.
#[derive(Debug)]
pub struct Guarded {
    // The process ends before its folder goes.
    process: Process,
    folder: TempDir,
    /// Where gRPC is spoken.
    pub grpc: String,
    /// Where HTTP is spoken.
    pub http: String,
}

impl Guarded {
    /// Starts it and waits until it is ready.
    pub async fn start(folder: TempDir, arguments: &[&str]) -> Self {
        let (data, bundle) = (folder.path().join("data").display().to_string(), bundle().display().to_string());
        let own = ["up", "--bundle", &bundle, "--data", &data, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"];
        let all: Vec<_> = own.iter().chain(arguments).map(|word| (*word).to_owned()).collect();
        let mut process = Process::spawn(&all, folder.path());
        let line = process.line("listening ").await;
        let of = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)).unwrap().to_owned();
        let (grpc, http) = (of("grpc="), of("http="));
        process.line("ready ").await;
        Self { process, folder, grpc, http }
    }

    /// A client that shows a key, or none.
    pub async fn client(&self, key: Option<&str>) -> Client {
        self.client_as(key, None).await
    }

    /// A client that shows a key and names a tenant.
    pub async fn client_as(&self, key: Option<&str>, tenant: Option<&str>) -> Client {
        let config = Config {
            key: key.map(Into::into),
            tenant: tenant.map(ToOwned::to_owned),
            patience: std::time::Duration::ZERO,
            ..Config::new(format!("http://{}", self.grpc))
        };
        Client::connect(config).await.unwrap()
    }

    /// A client over TLS.
    ///
    /// # Errors
    /// When the two do not agree.
    pub async fn tls_client(&self, tls: TlsFiles) -> onespace_client::Result<Client> {
        Client::connect(Config { tls, ..Config::new(format!("https://{}", self.grpc)) }).await
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// A folder for a server.
#[must_use]
pub fn folder() -> TempDir {
    tempfile::Builder::new().prefix("onespace-guarded-").tempdir().unwrap()
}

/// The file of keys in a folder.
#[must_use]
pub fn key_file(folder: &Path) -> PathBuf {
    folder.join("keys.toml")
}

/// Makes a key on the command line, as an operator does.
#[must_use]
pub fn create_key(folder: &Path, arguments: &[&str]) -> String {
    let made = key_command(folder, "create", arguments);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// Runs `onespace key` on the file of a folder.
#[must_use]
pub fn key_command(folder: &Path, action: &str, arguments: &[&str]) -> Output {
    let mut command = command();
    command.args(["key", action, "--keys"]).arg(key_file(folder)).args(arguments);
    command.output().unwrap()
}
