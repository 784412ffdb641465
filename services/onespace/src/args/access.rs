//! Flags of who is let in, over what, and of `onespace key`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use onespace_access::{
    grant::{Pattern, Scope},
    quota::Quota,
};

/// Who is let in.
#[derive(Debug, Args)]
pub struct AccessArgs {
    /// Let in only who shows a key of this file, which `onespace key` makes. Read again when it changes.
    #[arg(long, env = "ONESPACE_KEYS", value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// The text of such a file, for where secrets come as variables.
    #[arg(long, env = "ONESPACE_KEYS_INLINE", hide_env_values = true, value_name = "TOML")]
    pub keys_inline: Option<String>,
    /// Let in who shows a token signed with the secret in this file (HS256).
    #[arg(long, env = "ONESPACE_JWT_SECRET", value_name = "FILE", requires = "jwt_audience")]
    pub jwt_secret: Option<PathBuf>,
    /// Let in who shows a token signed with a key of this JSON Web Key Set (RS256, EdDSA).
    #[arg(long, env = "ONESPACE_JWT_JWKS", value_name = "FILE", requires = "jwt_audience")]
    pub jwt_jwks: Option<PathBuf>,
    /// For whom a token must be: its "aud".
    #[arg(long, env = "ONESPACE_JWT_AUDIENCE", value_name = "NAME")]
    pub jwt_audience: Option<String>,
    /// Of whom a token must be: its "iss". Default: of anybody who has the key.
    #[arg(long, env = "ONESPACE_JWT_ISSUER", value_name = "NAME")]
    pub jwt_issuer: Option<String>,
    /// How much each subject of a token may take, such as requests=50,concurrency=8,bytes=1048576,items=1000.
    #[arg(long, env = "ONESPACE_JWT_QUOTA", value_name = "QUOTA", default_value = "", hide_default_value = true)]
    pub jwt_quota: Quota,
    /// Write down who did what in this file, as JSON lines.
    #[arg(long, env = "ONESPACE_AUDIT", value_name = "FILE")]
    pub audit: Option<PathBuf>,
}

/// TLS of a server, and what it takes to do without beyond this machine.
#[derive(Clone, Debug, Args)]
pub struct TlsArgs {
    /// The server's certificate in PEM, with those between it and its root. Read again when it changes.
    #[arg(long, env = "ONESPACE_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Its private key in PEM.
    #[arg(long, env = "ONESPACE_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Let in only who shows a certificate of these roots, in PEM.
    #[arg(long, env = "ONESPACE_TLS_CLIENT_CA", value_name = "FILE", requires = "tls_cert")]
    pub tls_client_ca: Option<PathBuf>,
    /// Listen beyond this machine without TLS: something in front of this server encrypts.
    #[arg(long, env = "ONESPACE_ALLOW_PLAINTEXT")]
    pub allow_plaintext: bool,
    /// Listen beyond this machine and let everybody in: something in front of this server knows who calls.
    #[arg(long, env = "ONESPACE_ALLOW_ANONYMOUS")]
    pub allow_anonymous: bool,
}

/// How a gateway proves itself to encoders over https, and whom it trusts.
#[derive(Debug, Args)]
pub struct EncoderTlsArgs {
    /// Roots of the encoders' certificates in PEM. Default: those that the system trusts.
    #[arg(long, env = "ONESPACE_ENCODER_CA", value_name = "FILE")]
    pub encoder_ca: Option<PathBuf>,
    /// The certificate in PEM that encoders are shown.
    #[arg(long, env = "ONESPACE_ENCODER_CERT", value_name = "FILE", requires = "encoder_key")]
    pub encoder_cert: Option<PathBuf>,
    /// Its private key in PEM.
    #[arg(long, env = "ONESPACE_ENCODER_KEY", value_name = "FILE", requires = "encoder_cert")]
    pub encoder_key: Option<PathBuf>,
}

/// What a client command shows, and whom it trusts.
#[derive(Debug, Args)]
pub struct ClientTlsArgs {
    /// Roots of the server's certificate in PEM, for an https endpoint. Default: those that the system trusts.
    #[arg(long, global = true, env = "ONESPACE_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// A certificate in PEM, where the server asks for one.
    #[arg(long, global = true, env = "ONESPACE_CLIENT_CERT", value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// Its private key in PEM.
    #[arg(long, global = true, env = "ONESPACE_CLIENT_KEY", value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
}

/// A file of keys.
#[derive(Debug, Args)]
pub struct KeyFileArgs {
    /// The file of keys.
    #[arg(long, env = "ONESPACE_KEYS", value_name = "FILE")]
    pub keys: PathBuf,
}

/// `onespace key`: works on the file, whether a server reads it or not.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key, and the file if it is not there. Prints the key, which cannot be read again. `--tenant` says whose
    /// collections it is for.
    Create {
        #[command(flatten)]
        file: KeyFileArgs,
        /// What people call it.
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What it allows: read, write, metrics, admin; may be repeated.
        #[arg(long, value_name = "SCOPE", value_delimiter = ',', default_value = "read")]
        scope: Vec<Scope>,
        /// Which collections it reaches, * for any characters; may be repeated. Default: all of its tenant.
        #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
        collection: Vec<Pattern>,
        /// How long it is good for, such as 90d or 12h. Default: until it is revoked.
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        expires: Option<Duration>,
        /// How much it allows, such as requests=50,concurrency=8,bytes=1048576,items=1000.
        #[arg(long, value_name = "QUOTA", default_value = "", hide_default_value = true)]
        quota: Quota,
    },
    /// Print the keys of a file, without their secrets.
    List {
        #[command(flatten)]
        file: KeyFileArgs,
    },
    /// Take a key away; servers that read the file let it in no more.
    Revoke {
        #[command(flatten)]
        file: KeyFileArgs,
        /// Its id.
        #[arg(value_name = "ID")]
        id: String,
    },
}
