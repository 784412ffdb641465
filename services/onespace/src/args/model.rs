//! Flags of every command that runs models.

use std::path::PathBuf;

use clap::Args;

use super::decoders::DecodersArg;

/// Where models come from and how they run.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// The bundle that defines the space.
    #[arg(long, env = "ONESPACE_BUNDLE", default_value = "bundles/diorama", value_name = "DIR")]
    pub bundle: PathBuf,
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}

/// How graphs are run.
#[derive(Debug, Args)]
pub struct RuntimeArgs {
    /// The ONNX Runtime shared library.
    #[arg(long, env = "ONESPACE_ONNXRUNTIME", value_name = "FILE", default_value_os_t = beside_executable())]
    pub onnxruntime: PathBuf,
    /// Threads that one run of a graph may use; 0: all cores.
    #[arg(long, env = "ONESPACE_THREADS", default_value_t = 0, value_name = "N")]
    pub threads: usize,
    /// Where media are decoded by code that the compiler does not check, such as FFmpeg. Where the kernel has no
    /// sandbox, in-process, and the log says so.
    #[arg(long, env = "ONESPACE_DECODERS", value_enum, default_value_t = DecodersArg::Sandboxed, value_name = "WHERE")]
    pub decoders: DecodersArg,
}

/// Where the setup puts ONNX Runtime: `target/onnxruntime/`, beside the folder of the executable.
fn beside_executable() -> PathBuf {
    const NAME: &str = "libonnxruntime.so";
    let near =
        std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.join("onnxruntime").join(NAME)));
    near.filter(|path| path.exists()).unwrap_or_else(|| PathBuf::from(NAME))
}
