//! Flags of where media are decoded.

use std::{
    env,
    ffi::{OsStr, OsString},
    path::PathBuf,
};

use clap::{Parser, ValueEnum};
use onespace_core::Modality;

/// Where media are decoded by code that the compiler does not check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DecodersArg {
    /// In a process of its own for each media, which can reach nothing.
    Sandboxed,
    /// In the process that serves.
    InProcess,
}

/// What this program is called as to decode, by itself alone.
pub const DECODE_WORKER: &str = "decode-worker";

/// `onespace decode-worker`: what processes that decode are copies of.
#[derive(Debug, Parser)]
#[command(name = DECODE_WORKER)]
pub struct DecodeWorkerArgs {
    /// The bundle that says how media become samples; without one, they become sound for a transcriber.
    #[arg(long, value_name = "DIR")]
    pub bundle: Option<PathBuf>,
    /// What is decoded.
    #[arg(long, required = true, value_delimiter = ',', value_name = "MODALITY")]
    pub modality: Vec<Modality>,
}

impl DecodeWorkerArgs {
    /// Those of this process, where it was called to decode.
    pub fn of_this_process() -> Option<Self> {
        let is_worker = env::args_os().nth(1).is_some_and(|command| command == OsStr::new(DECODE_WORKER));
        is_worker.then(|| Self::parse_from(env::args_os().skip(1)))
    }
}

/// All that a process that decodes needs of this one's environment: where its libraries lie, if they lie elsewhere.
pub fn loader_environment() -> Vec<(OsString, OsString)> {
    const NAME: &str = "LD_LIBRARY_PATH";
    env::var_os(NAME).map(|path| (NAME.into(), path)).into_iter().collect()
}
