//! Certificates of an authority that a test makes for itself.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// An authority in a folder.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    issuer: Issuer<'static, KeyPair>,
    /// Its root, in PEM.
    pub root: PathBuf,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Identity {
    /// As the client crate takes it.
    #[must_use]
    pub fn pair(&self) -> (PathBuf, PathBuf) {
        (self.certificate.clone(), self.key.clone())
    }
}

impl Authority {
    /// Makes one.
    #[must_use]
    pub fn new(folder: &Path, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, format!("{name} root"));
        let key = KeyPair::generate().unwrap();
        let root = folder.join(format!("{name}-root.pem"));
        fs::write(&root, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { folder: folder.to_owned(), issuer: Issuer::new(params, key), root }
    }

    /// A certificate for this machine, in files of this name; what was there is replaced.
    #[must_use]
    pub fn issue(&self, name: &str) -> Identity {
        self.write(name, CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap())
    }

    /// One that has ended long ago.
    #[must_use]
    pub fn issue_ended(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.not_after = date_time_ymd(2020, 1, 1);
        self.write(name, params)
    }

    fn write(&self, name: &str, mut params: CertificateParams) -> Identity {
        params.distinguished_name.push(DnType::CommonName, name);
        let key_pair = KeyPair::generate().unwrap();
        let certificate = self.folder.join(format!("{name}.crt.pem"));
        let key = self.folder.join(format!("{name}.key.pem"));
        fs::write(&key, key_pair.serialize_pem()).unwrap();
        fs::write(&certificate, params.signed_by(&key_pair, &self.issuer).unwrap().pem()).unwrap();
        Identity { certificate, key }
    }
}
