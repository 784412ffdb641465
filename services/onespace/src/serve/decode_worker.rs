//! `onespace decode-worker`: what processes that decode are copies of. A server starts it, nobody else.

use std::{path::Path, process::ExitCode};

use onespace_bundle::{Bundle, listeners};
use onespace_core::{Modality, PrepareRequest, Result};
use onespace_sandbox::{Preparers, serve};

use crate::{args::DecodeWorkerArgs, output::print_error};

/// Serves the server that has started it.
pub fn run(args: &DecodeWorkerArgs) -> ExitCode {
    let preparers = match &args.bundle {
        Some(bundle) => preparers(bundle, &args.modality),
        None => Ok(listeners()),
    };
    let served = preparers.map_err(anyhow::Error::from).and_then(|preparers| Ok(serve(&preparers)?));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&format!("error: {DECODING}: {error}"));
            ExitCode::FAILURE
        }
    }
}

const DECODING: &str = "the program that decodes";

/// What prepares these modalities. Each has prepared the bundle's golden input once, so that tables and filters that
/// are made at first use are there in every copy.
fn preparers(directory: &Path, modalities: &[Modality]) -> Result<Preparers> {
    let bundle = Bundle::reopened(directory)?;
    let mut preparers = Preparers::new();
    for modality in modalities {
        let preparer = bundle.preparer(*modality)?;
        if let Some(head) = bundle.manifest().towers.head(*modality) {
            // Whether it can be prepared is for the golden check to tell.
            let _ = preparer.prepare(&PrepareRequest::of(&bundle.read(&head.golden.input)?));
        }
        preparers.insert(*modality, preparer);
    }
    Ok(preparers)
}
