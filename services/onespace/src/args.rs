//! The command line. Every flag of a server has an environment variable; nothing else reads the environment.

mod access;
mod bundle;
mod decoders;
mod ingest;
mod model;
mod store;
mod stored;
#[cfg(feature = "tools")]
mod tools;

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use clap::{Args, CommandFactory, Parser, Subcommand, error::ErrorKind};
use onespace_client::Secret;
use onespace_core::{Language, Modality};
use onespace_proto::v1::Filter;

pub use access::{AccessArgs, ClientTlsArgs, EncoderTlsArgs, KeyCommand, TlsArgs};
pub use bundle::BundleCommand;
pub use decoders::{DECODE_WORKER, DecodeWorkerArgs, DecodersArg, loader_environment};
pub use ingest::{FileArgs, IngestArgs, SyncArgs};
pub use model::{ModelArgs, RuntimeArgs};
pub use store::StoreCommand;
pub use stored::{CollectionCommand, ItemCommand};
#[cfg(feature = "tools")]
pub use tools::{ExpectArgs, PullArgs, ToolCommand};

/// Where a server listens unless it is told otherwise.
pub const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:50051";

/// How this program was called, so that what it advises works when it is pasted.
pub fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "onespace".to_owned())
}

/// One embedding space for text, images, audio, video and point clouds, served.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print JSON lines instead of tables.
    #[arg(long, global = true)]
    pub json: bool,
    /// The server that client commands talk to.
    #[arg(
        long,
        global = true,
        env = "ONESPACE_ENDPOINT",
        default_value = DEFAULT_ENDPOINT,
        value_name = "URL"
    )]
    pub endpoint: String,
    /// The key, or the token of an identity provider, that client commands show.
    #[arg(long, global = true, env = "ONESPACE_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub api_key: Option<Secret>,
    #[command(flatten)]
    pub tls: ClientTlsArgs,
    /// Whose collections client commands mean. Default: the key's own tenant.
    #[arg(long, global = true, env = "ONESPACE_TENANT", value_name = "TENANT")]
    pub tenant: Option<String>,
    /// The modality of the files of a client command, where their content does not tell: depth, thermal, imu.
    #[arg(long = "as", global = true, value_name = "MODALITY")]
    pub file_modality: Option<Modality>,
    /// The media type of the files of a client command, such as "text/csv; rate=100".
    #[arg(long, global = true, value_name = "TYPE")]
    pub media_type: Option<String>,
    /// The language that is spoken in the recordings of a client command, such as "de". Default: told from the sound.
    #[arg(long, global = true, value_name = "TAG", conflicts_with = "no_speech")]
    pub language: Option<Language>,
    /// Take recordings of a client command by how they sound, whatever is said in them.
    #[arg(long, global = true)]
    pub no_speech: bool,
    /// How long a client command waits for a busy server that does nothing else for it; 0: it never tries again.
    #[arg(long, global = true, env = "ONESPACE_PATIENCE", default_value_t = 120, value_name = "SECONDS")]
    pub patience: u64,
    /// What is logged on stderr: error, warn, info, debug, or a tracing directive.
    #[arg(
        long,
        global = true,
        env = "ONESPACE_LOG",
        default_value = "warn,onespace=info,qdrant_edge=error",
        value_name = "FILTER"
    )]
    pub log: String,
    /// Log in JSON.
    #[arg(long, global = true, env = "ONESPACE_LOG_JSON")]
    pub log_json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve everything in one process.
    Up(UpArgs),
    /// Serve one encoder.
    Encoder(EncoderArgs),
    /// Serve a transcriber, which turns speech into text.
    Transcriber(TranscriberArgs),
    /// Serve the public API over encoders elsewhere.
    Gateway(GatewayArgs),
    /// Make, print and take away the keys that a server lets in.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Look into a bundle on disk.
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Verify, repair, back up and restore a data directory.
    #[command(subcommand)]
    Store(StoreCommand),
    #[command(flatten)]
    Client(ClientCommand),
}

/// Where vectors are kept.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct StoreArgs {
    /// Keep vectors in this directory, with the engine in this process.
    #[arg(long, env = "ONESPACE_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Keep vectors in a Qdrant server (its gRPC port); several are nodes of one cluster, of which one that answers is
    /// used.
    #[arg(long, env = "ONESPACE_QDRANT", value_delimiter = ',', value_name = "URL")]
    pub qdrant: Vec<String>,
}

/// The key of a Qdrant server, if it wants one.
#[derive(Debug, Args)]
pub struct StoreKeyArgs {
    /// API key of the Qdrant server.
    #[arg(long, env = "ONESPACE_QDRANT_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub qdrant_api_key: Option<String>,
    /// Replicas of each collection that is made on the Qdrant server.
    #[arg(long, env = "ONESPACE_QDRANT_REPLICATION", default_value_t = 1, value_name = "N")]
    pub qdrant_replication: u32,
}

/// Where the public API listens.
#[derive(Debug, Args)]
pub struct ListenArgs {
    /// gRPC; port 0 takes a free one.
    #[arg(long, env = "ONESPACE_LISTEN", default_value = "127.0.0.1:50051", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// HTTP: the doors of docs/HTTP.md, health, metrics; port 0 takes a free one.
    #[arg(long, env = "ONESPACE_HTTP", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    pub http: SocketAddr,
    /// Refuse requests over HTTP that name another model than the one that is served.
    #[arg(long, env = "ONESPACE_STRICT_MODEL")]
    pub strict_model: bool,
    /// A site whose pages may call over HTTP, such as https://example.org; * allows every site.
    #[arg(long, env = "ONESPACE_HTTP_ORIGIN", value_delimiter = ',', value_name = "ORIGIN")]
    pub http_origin: Vec<String>,
}

/// The public door: where it listens, over what, and who is let in.
#[derive(Debug, Args)]
pub struct DoorArgs {
    #[command(flatten)]
    pub listen: ListenArgs,
    #[command(flatten)]
    pub tls: TlsArgs,
    #[command(flatten)]
    pub access: AccessArgs,
}

/// `onespace up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub key: StoreKeyArgs,
    /// What turns speech into text: a directory that `make speech` or `everyday.whisper` has written. Without it,
    /// recordings are known by their sound alone.
    #[arg(long, env = "ONESPACE_TRANSCRIBER", value_name = "DIR")]
    pub transcriber: Option<PathBuf>,
    #[command(flatten)]
    pub door: DoorArgs,
    /// Store the media of this directory and ask a question of each modality, then serve on.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["tls_cert", "keys", "keys_inline", "jwt_secret", "jwt_jwks"])]
    pub demo: Option<PathBuf>,
}

/// `onespace encoder`.
#[derive(Debug, Args)]
pub struct EncoderArgs {
    #[command(flatten)]
    pub model: ModelArgs,
    /// What to encode.
    #[arg(long, env = "ONESPACE_MODALITY", required = true, value_delimiter = ',', value_name = "MODALITY")]
    pub modality: Vec<Modality>,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "ONESPACE_LISTEN", default_value = "127.0.0.1:50052", value_name = "ADDR")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub tls: TlsArgs,
}

/// `onespace transcriber`.
#[derive(Debug, Args)]
pub struct TranscriberArgs {
    /// The transcriber's directory.
    #[arg(long, env = "ONESPACE_TRANSCRIBER", value_name = "DIR")]
    pub transcriber: PathBuf,
    #[command(flatten)]
    pub runtime: RuntimeArgs,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, env = "ONESPACE_LISTEN", default_value = "127.0.0.1:50058", value_name = "ADDR")]
    pub listen: SocketAddr,
    #[command(flatten)]
    pub tls: TlsArgs,
}

/// `onespace gateway`.
#[derive(Debug, Args)]
pub struct GatewayArgs {
    /// An encoder, once for each replica or name: image=http://127.0.0.1:50053.
    #[arg(long, env = "ONESPACE_ENCODER", required = true, value_delimiter = ',', value_name = "MODALITY=URL")]
    pub encoder: Vec<Road>,
    /// A transcriber, once for each replica or name. Without one, recordings are known by their sound alone.
    #[arg(long, env = "ONESPACE_TRANSCRIBER", value_delimiter = ',', value_name = "URL")]
    pub transcriber: Vec<String>,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub key: StoreKeyArgs,
    #[command(flatten)]
    pub tls: EncoderTlsArgs,
    #[command(flatten)]
    pub door: DoorArgs,
}

/// A modality and where it is encoded.
#[derive(Clone, Debug)]
pub struct Road {
    /// What is encoded there.
    pub modality: Modality,
    /// Where.
    pub url: String,
}

impl FromStr for Road {
    type Err = onespace_core::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (modality, url) = text.split_once('=').ok_or_else(|| {
            onespace_core::Error::new(
                onespace_core::Reason::FieldInvalid,
                "encoder",
                format!("\"{text}\" is not of the form MODALITY=URL"),
            )
        })?;
        Ok(Self { modality: modality.parse()?, url: url.to_owned() })
    }
}

/// Commands that talk to a server.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Print embeddings of texts and files.
    Embed {
        /// A text; may be repeated.
        #[arg(long, value_name = "T")]
        text: Vec<String>,
        /// Files of any modality.
        #[arg(value_name = "FILE", required_unless_present = "text")]
        files: Vec<PathBuf>,
        /// Also the segments of long media.
        #[arg(long)]
        segments: bool,
        /// Vectors of this many values, one of the lengths that `onespace space` lists. Default: whole ones.
        #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "N")]
        dimension: u32,
    },
    /// Store files and folders in a collection; what is there already is not embedded again.
    Ingest(IngestArgs),
    /// Make a collection hold what a folder holds: store what is new, delete what left.
    Sync(SyncArgs),
    /// Find stored items with a query of any modality.
    Search(SearchArgs),
    /// Order files by a query; nothing is stored.
    Rank {
        #[command(flatten)]
        query: QueryArgs,
        /// The candidates.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Order by the plain cosine, even where the space is calibrated.
        #[arg(long)]
        no_calibrate: bool,
    },
    /// Tell which label fits, without training.
    Classify {
        /// A text to classify.
        #[arg(long, value_name = "T", conflicts_with = "file")]
        text: Option<String>,
        /// A file to classify.
        #[arg(value_name = "FILE", required_unless_present = "text")]
        file: Option<PathBuf>,
        /// A label: a text, or @FILE for a label shown by an image, a sound, a video, a shape.
        #[arg(long, required = true, value_name = "L")]
        label: Vec<String>,
        /// A prompt in which {} stands for the label's text; several are averaged.
        #[arg(long, value_name = "PROMPT")]
        template: Vec<String>,
    },
    /// Collections.
    #[command(subcommand)]
    Collection(CollectionCommand),
    /// Stored items.
    #[command(subcommand)]
    Item(ItemCommand),
    /// The server's space, towers, limits and formats.
    Space,
    /// Exit 0 if the server is ready to serve.
    Health {
        /// A service name; empty: the whole server.
        #[arg(long, default_value = "", value_name = "NAME")]
        service: String,
    },
}

/// The parts of a query. Weights belong to the parts in the order in which both are written.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// A text part.
    #[arg(long, value_name = "T")]
    pub text: Vec<String>,
    /// A part from a file of any modality.
    #[arg(long, value_name = "F")]
    pub file: Vec<PathBuf>,
    /// The weight of the part written before it; negative weights push away. Default 1.
    #[arg(long, value_name = "W", allow_negative_numbers = true)]
    pub weight: Vec<f32>,
}

/// `onespace search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    #[command(flatten)]
    pub query: QueryArgs,
    /// A stored item as a part of the query.
    #[arg(long, value_name = "ITEM")]
    pub item: Vec<String>,
    /// The collection.
    #[arg(long, short, value_name = "C")]
    pub collection: String,
    /// Modalities of the answers; may be repeated. Default: all.
    #[arg(long, value_name = "MODALITY", value_delimiter = ',')]
    pub to: Vec<Modality>,
    /// Conditions: colour = red and (price < 5 or kind in (mug, cup)) and not sold exists and .title = "salt and
    /// pepper".
    #[arg(long, value_name = "EXPR", value_parser = crate::filter::parse)]
    pub filter: Option<Filter>,
    /// Answers.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub limit: u32,
    /// So many answers of each modality, instead of the best of all.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub each: u32,
    /// Leave out answers whose cosine is less.
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    pub min_score: Option<f32>,
    /// Leave out answers whose calibrated score is less: 2 keeps what stands out from unrelated pairs.
    #[arg(long, value_name = "SIGMAS", allow_negative_numbers = true, conflicts_with = "no_calibrate")]
    pub min_calibrated_score: Option<f32>,
    /// Order by the plain cosine, even where the space is calibrated.
    #[arg(long)]
    pub no_calibrate: bool,
}

/// Wrong usage that shows only when flags are seen together; it ends the process as every wrong usage does.
pub fn usage(message: &str) -> anyhow::Error {
    Cli::command().error(ErrorKind::ArgumentConflict, message).into()
}
