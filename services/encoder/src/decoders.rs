//! Where hostile bytes are decoded.

use std::{collections::BTreeMap, fmt, sync::Arc};

use onespace_core::{Modality, Prepare};
use onespace_sandbox::{Confinement, Program, Sandbox};

/// Where media are decoded by code that the compiler does not check.
#[derive(Clone, Debug, Default)]
pub enum Decoders {
    /// In this process: for tools and tests, whose media are their own.
    #[default]
    InProcess,
    /// In processes of their own, copies of this program, which is told by `--modality` what it is to decode.
    Sandboxed(Program),
}

/// Where they are decoded then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoding {
    /// In this process: no such code meets them.
    Safe,
    /// In this process.
    InProcess,
    /// In processes that are confined so.
    Sandboxed(Confinement),
}

impl fmt::Display for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Safe => f.write_str("safe: no native code meets media here"),
            Self::InProcess => f.write_str("in-process: native code meets media in this process"),
            Self::Sandboxed(confinement) => write!(f, "sandboxed: a process for each media, held by {confinement}"),
        }
    }
}

impl Decoders {
    /// Puts workers in the place of those preparers that need them. Where the kernel refuses, they stay.
    pub(crate) fn confine(&self, preparers: &mut BTreeMap<Modality, Arc<dyn Prepare>>) -> Decoding {
        let native = preparers.iter().filter(|(_, preparer)| preparer.is_native());
        let native: Vec<Modality> = native.map(|(modality, _)| *modality).collect();
        if native.is_empty() {
            return Decoding::Safe;
        }
        let Self::Sandboxed(program) = self else { return Decoding::InProcess };
        let names: Vec<&str> = native.iter().map(|modality| modality.name()).collect();
        let mut program = program.clone();
        program.arguments.extend(["--modality".into(), names.join(",").into()]);
        match Sandbox::start(program) {
            Ok(sandbox) => {
                preparers.extend(native.into_iter().map(|modality| (modality, sandbox.preparer(modality))));
                Decoding::Sandboxed(sandbox.confinement())
            }
            Err(error) => {
                tracing::warn!(%error, "media are decoded in this process: no process can be confined to do it");
                Decoding::InProcess
            }
        }
    }
}
