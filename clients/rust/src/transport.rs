//! How a connection is set up: its windows, and TLS where the URL says https.
//!
//! Windows are fixed. A window that adapts begins at 64 KiB, and a hundred and thirty messages of twenty bytes that
//! nobody has read yet are then taken for an attack: the HTTP/2 library ends the connection with
//! `too_many_data_frames`.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hyper_util::rt::TokioIo;
use onespace_core::limits::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES, TLS_HANDSHAKE_MS};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

/// What gRPC is inside TLS (RFC 7301).
const HTTP2: &[u8] = b"h2";

/// How two ends of a connection prove who they are. Files are read at every connection, so that those that are replaced
/// hold from the next one on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// Roots, in PEM, of which a server's certificate must come; absent: those that the system trusts.
    pub ca: Option<PathBuf>,
    /// The client's own certificate and private key, in PEM, where the server asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// An endpoint that reads with the windows of the servers, and sends small messages at once.
#[must_use]
pub fn channel_settings(endpoint: Endpoint) -> Endpoint {
    endpoint
        .tcp_nodelay(true)
        .initial_stream_window_size(window(STREAM_WINDOW_BYTES))
        .initial_connection_window_size(window(CONNECTION_WINDOW_BYTES))
}

/// A window as the builder takes it.
fn window(bytes: usize) -> Option<u32> {
    u32::try_from(bytes).ok()
}

/// A place to connect to.
#[derive(Clone, Debug)]
pub enum Road {
    /// In the clear.
    Plain(Endpoint),
    /// Over TLS, to a server of this name.
    Tls {
        /// The place.
        endpoint: Endpoint,
        /// What its certificate must be for.
        name: ServerName<'static>,
        /// What is trusted and shown.
        files: Arc<TlsFiles>,
    },
}

impl Road {
    /// The road that a URL names. `address` is where its host was found, where that is looked up by somebody else.
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn new(url: &Uri, address: Option<&str>, files: &Arc<TlsFiles>) -> Result<Self, String> {
        let host = url.host().ok_or("no host")?;
        let secure = match url.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("neither http:// nor https://".to_owned()),
        };
        // TLS is ours, so the library underneath is told of a plain connection; what it sends says https.
        let here = format!("{host}:{}", url.port_u16().unwrap_or(if secure { 443 } else { 80 }));
        let place = format!("http://{}", address.unwrap_or(&here));
        let endpoint = Endpoint::from_shared(place).map_err(|error| error.to_string())?;
        let endpoint = channel_settings(endpoint).origin(url.clone());
        if !secure {
            return Ok(Self::Plain(endpoint));
        }
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|error| error.to_string())?;
        Ok(Self::Tls { endpoint, name, files: files.clone() })
    }

    /// The same road, whose endpoint is set up further.
    #[must_use]
    pub fn with(self, set: impl FnOnce(Endpoint) -> Endpoint) -> Self {
        match self {
            Self::Plain(endpoint) => Self::Plain(set(endpoint)),
            Self::Tls { endpoint, name, files } => Self::Tls { endpoint: set(endpoint), name, files },
        }
    }

    /// Connects now.
    ///
    /// # Errors
    /// When nobody answers there, or not as expected.
    pub async fn connect(self) -> Result<Channel, tonic::transport::Error> {
        match self {
            Self::Plain(endpoint) => endpoint.connect().await,
            Self::Tls { endpoint, name, files } => {
                let agree = move |uri: Uri| agree(uri, name.clone(), files.clone());
                endpoint.connect_with_connector(service_fn(agree)).await
            }
        }
    }

    /// Connects when it is first used, and again whenever the connection is lost.
    #[must_use]
    pub fn connect_lazy(self) -> Channel {
        match self {
            Self::Plain(endpoint) => endpoint.connect_lazy(),
            Self::Tls { endpoint, name, files } => {
                let agree = move |uri: Uri| agree(uri, name.clone(), files.clone());
                endpoint.connect_with_connector_lazy(service_fn(agree))
            }
        }
    }
}

async fn agree(uri: Uri, name: ServerName<'static>, files: Arc<TlsFiles>) -> io::Result<TokioIo<TlsStream<TcpStream>>> {
    let config = Arc::new(client_config(&files)?);
    let (host, port) = (uri.host().unwrap_or_default().trim_matches(['[', ']']), uri.port_u16().unwrap_or(443));
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    // A port that accepts and says nothing would be waited for without end.
    let limit = Duration::from_millis(TLS_HANDSHAKE_MS as u64);
    let agreed = timeout(limit, TlsConnector::from(config).connect(name, stream)).await.map_err(io::Error::other)??;
    if agreed.get_ref().1.alpn_protocol() != Some(HTTP2) {
        return Err(io::Error::other("the server speaks TLS, but no HTTP/2 in it: is this its gRPC port?"));
    }
    Ok(TokioIo::new(agreed))
}

fn client_config(files: &TlsFiles) -> io::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match &files.ca {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| named(path, &error))?;
            }
        }
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if roots.is_empty() {
        return Err(io::Error::other("this system trusts no roots: name the file of those that are to be trusted"));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let mut config = match &files.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let der = PrivateKeyDer::from_pem_file(key).map_err(|error| named(key, &error))?;
            let chain = certificates(certificate)?;
            builder.with_client_auth_cert(chain, der).map_err(|error| named(certificate, &error))?
        }
    };
    config.alpn_protocols = vec![HTTP2.to_vec()];
    Ok(config)
}

fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| named(path, &error))?;
    if certificates.is_empty() {
        return Err(named(path, &"no certificate in PEM"));
    }
    Ok(certificates)
}

fn named(path: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_road() {
        let road = |url: &str| Road::new(&url.parse().unwrap(), None, &Arc::default());
        assert!(matches!(road("http://127.0.0.1:1"), Ok(Road::Plain(_))));
        let Ok(Road::Tls { name, .. }) = road("https://example.org:1") else { panic!("https is TLS") };
        assert_eq!(name.to_str(), "example.org");
        assert!(matches!(road("https://[::1]:1"), Ok(Road::Tls { .. })));
        for wrong in ["ftp://example.org", "/path"] {
            assert!(road(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let files = TlsFiles { ca: Some("/nowhere/ca.pem".into()), identity: None };
        assert!(client_config(&files).unwrap_err().to_string().contains("/nowhere/ca.pem"));
    }
}
