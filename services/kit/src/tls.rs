//! TLS of a server, with certificates that are read again when they change, without a restart: those of Kubernetes and
//! of ACME live for weeks.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use onespace_access::files::{self, Watched};
use onespace_core::limits::TLS_HANDSHAKE_MS;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
    },
    server::TlsStream,
};

/// What a port speaks inside TLS (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC.
    Http2,
    /// Pages and probes.
    Http1,
}

/// The files of a server's TLS, in PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, and those between it and its root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The roots of the certificates that every client must show; absent: none needs to.
    pub client_ca: Option<PathBuf>,
}

impl TlsFiles {
    fn all(&self) -> Vec<PathBuf> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_ca).cloned().collect()
    }

    fn read(&self, protocol: Protocol) -> io::Result<ServerConfig> {
        let pem = |path: &PathBuf| {
            let read = move |bytes: Vec<u8>| {
                let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
                let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
                certificates.ok_or_else(|| io::Error::other(format!("{}: no certificate in PEM", path.display())))
            };
            files::read(path).and_then(read)
        };
        let named =
            |path: &PathBuf, error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
        let key = PrivateKeyDer::from_pem_slice(&files::read(&self.key)?)
            .map_err(|_| named(&self.key, &"no private key in PEM"))?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in pem(path)? {
                    roots.add(certificate).map_err(|error| named(path, &error))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| named(path, &error))?)
            }
        };
        let certified = builder.with_single_cert(pem(&self.certificate)?, key);
        let mut config = certified.map_err(|error| named(&self.certificate, &error))?;
        config.alpn_protocols = match protocol {
            Protocol::Http2 => vec![b"h2".to_vec()],
            Protocol::Http1 => vec![b"http/1.1".to_vec()],
        };
        Ok(config)
    }
}

/// TLS of one port.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    watched: Watched,
    protocol: Protocol,
    config: watch::Sender<Arc<ServerConfig>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn read(files: TlsFiles, protocol: Protocol) -> io::Result<Arc<Self>> {
        let watched = Watched::new(files.all());
        let config = watch::Sender::new(Arc::new(files.read(protocol)?));
        Ok(Arc::new(Self { files, watched, protocol, config }))
    }

    /// Reads the files again whenever they change, for ever. Connections that are open stay as they are; files that
    /// cannot be read, or do not fit each other because only one has been replaced yet, change nothing.
    async fn keep_current(&self) {
        let read = || self.files.read(self.protocol).map(|config| drop(self.config.send_replace(Arc::new(config))));
        self.watched.clone().follow("certificates", read).await;
    }

    /// The same of a port that may have no TLS: then it waits for ever.
    pub async fn keep_any_current(tls: Option<&Self>) {
        match tls {
            Some(tls) => tls.keep_current().await,
            None => std::future::pending().await,
        }
    }

    /// Agrees with a client on a connection, in bounded time.
    ///
    /// # Errors
    /// When the client speaks no TLS, shows no certificate that is asked for, or takes too long.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        let config = self.config.borrow().clone();
        let limit = Duration::from_millis(TLS_HANDSHAKE_MS as u64);
        timeout(limit, TlsAcceptor::from(config).accept(stream)).await.map_err(io::Error::other)?
    }
}
