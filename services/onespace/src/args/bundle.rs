//! The flags of `onespace bundle`.

use std::path::PathBuf;

use clap::Subcommand;

use super::ModelArgs;

/// `onespace bundle`.
#[derive(Debug, Subcommand)]
pub enum BundleCommand {
    /// Print what a bundle is made of.
    Inspect {
        /// The bundle.
        #[arg(default_value = "bundles/diorama", value_name = "DIR")]
        directory: PathBuf,
    },
    /// Check the manifest and every digest, and run every tower on its golden input; tells each fault on a line.
    Verify {
        #[command(flatten)]
        model: ModelArgs,
    },
    /// What makes bundles.
    #[cfg(feature = "tools")]
    #[command(flatten)]
    Tool(super::ToolCommand),
    /// Print the JSON Schema of bundle.toml.
    Schema,
}
