//! What is measured: the media of one modality, and the samples they become.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use onespace_bundle::Bundle;
use onespace_core::{
    Modality, PrepareRequest, Sample,
    sniff::{Sniffed, sniff},
};

/// The media of one modality.
pub struct Subject {
    /// Which.
    pub modality: Modality,
    /// The files.
    pub media: Vec<Bytes>,
    /// Samples for the modality's own tower, all of the shape that is most frequent.
    pub samples: Vec<Sample>,
}

/// Reads every file below a folder and prepares it.
pub fn all(bundle: &Bundle, folder: &Path) -> Result<Vec<Subject>> {
    let mut media: BTreeMap<Modality, Vec<Bytes>> = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut entries = fs::read_dir(&folder)
            .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
            .with_context(|| folder.display().to_string())?;
        entries.sort_by_key(fs::DirEntry::path);
        for path in entries.into_iter().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = Bytes::from(fs::read(&path).with_context(|| path.display().to_string())?);
            if let Sniffed::Known { modality, .. } = sniff(&bytes) {
                media.entry(modality).or_default().push(bytes);
            }
        }
    }
    // What the bundle has no tower for is not measured.
    let served = media.into_iter().filter(|(modality, _)| bundle.manifest().towers.head(*modality).is_some());
    served.map(|(modality, media)| subject(bundle, modality, media)).collect()
}

fn subject(bundle: &Bundle, modality: Modality, media: Vec<Bytes>) -> Result<Subject> {
    let preparer = bundle.preparer(modality)?;
    let mut by_shape: BTreeMap<Vec<Vec<usize>>, Vec<Sample>> = BTreeMap::new();
    for bytes in &media {
        for sample in preparer.prepare(&PrepareRequest::of(bytes))?.samples {
            if sample.tower == modality {
                let shape = sample.tensors.iter().map(|tensor| tensor.shape.clone()).collect();
                by_shape.entry(shape).or_default().push(sample);
            }
        }
    }
    let samples = by_shape.into_values().max_by_key(Vec::len).unwrap_or_default();
    ensure!(!samples.is_empty(), "no sample of {modality}");
    Ok(Subject { modality, media, samples })
}
