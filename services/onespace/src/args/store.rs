//! The flags of `onespace store`.

use std::path::PathBuf;

use clap::Subcommand;

/// `onespace store`.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Look at every file and every point of a data directory that no server has open; tells each fault on a line.
    /// Exit 1: there are faults.
    Verify {
        /// The data directory (--data of a server).
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
    /// Make damaged collections whole again, of what is sound in them. Tells which items are gone, to be ingested
    /// again. What was there before is put aside, in quarantine/ of the directory; nothing is deleted.
    Repair {
        /// The data directory. No server has it open.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// This collection alone.
        #[arg(long, short, value_name = "C")]
        collection: Option<String>,
    },
    /// Write a backup, also of a data directory that a server of this machine has open: it goes on reading and writing,
    /// and everything that it acknowledged before is in the backup.
    Backup {
        /// The data directory.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// A folder that is not there yet. The server writes it, where one has the directory open.
        #[arg(value_name = "TO")]
        to: PathBuf,
    },
    /// Make a data directory of a backup.
    Restore {
        /// The backup.
        #[arg(value_name = "FROM")]
        from: PathBuf,
        /// A folder that is not there yet, or empty.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}
