//! A transcriber that is loaded: speech in, text out.

mod graphs;

use std::path::Path;

use onespace_bundle::transcriber::TranscriberBundle;
use onespace_core::{Patience, Result};
use onespace_family::check::invalid;
use onespace_speech::{Ask, Listener, Transcript};

use crate::Runtime;

use graphs::Graphs;

/// Turns speech into text, one recording at a time, on the thread that calls it.
///
/// # Memory
///
/// The weights lie in memory once, as the graphs' own packed matrices; beside them a run holds the keys and values of
/// one window, 25 KiB for each frame of Whisper base's encoder and each token of its decoder.
#[derive(Debug)]
pub struct Transcriber {
    listener: Listener,
    graphs: Graphs,
}

impl Transcriber {
    /// Opens a directory that holds a transcriber, checks its files, loads its graphs and looks whether they are those
    /// that it describes.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the directory, file or key at fault.
    pub fn open(runtime: &Runtime, directory: &Path) -> Result<Self> {
        let bundle = TranscriberBundle::open(directory)?;
        let speech = &bundle.manifest().speech;
        let listener =
            Listener::new(speech, &bundle.read(&speech.tokenizer)?).map_err(|error| error.under("speech"))?;
        let listed = |path: &Path| bundle.manifest().files.keys().any(|file| bundle.path(file) == path);
        let files =
            [("speech.encoder", bundle.path(&speech.encoder)), ("speech.decoder", bundle.path(&speech.decoder))];
        for (key, file) in &files {
            graphs::check_external(key, file, &listed)?;
        }
        let [(_, encoder), (_, decoder)] = &files;
        let graphs = Graphs::load(runtime, encoder, decoder)?;
        graphs.check(speech.bands, listener.logits()).map_err(|(key, message)| invalid(key, message))?;
        Ok(Self { listener, graphs })
    }

    /// The languages that may be heard.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.listener.languages()
    }

    /// What is said in a sound of one channel at 16 kHz.
    ///
    /// # Errors
    /// As [`Listener::transcribe`].
    pub fn transcribe(&mut self, sound: &[f32], ask: &Ask, patience: &Patience) -> Result<Transcript> {
        self.listener.transcribe(&mut self.graphs, sound, ask, patience)
    }
}
