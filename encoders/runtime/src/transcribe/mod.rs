//! A transcriber that is loaded: speech in, text out.

mod graphs;

use std::{path::Path, sync::Arc};

use onespace_bundle::transcriber::TranscriberBundle;
use onespace_core::{Language, Patience, Result, TranscriberInfo, Transcript};
use onespace_family::check::invalid;
use onespace_speech::{Lend, Listener, SpeechModel};
use tokio::sync::Mutex;

use crate::Runtime;

use graphs::Graphs;

/// Turns speech into text, on the threads that call it: several recordings take turns, window by window. Clones share
/// the model.
///
/// # Memory
///
/// The weights lie in memory once, as the graphs' own packed matrices; beside them a run holds the keys and values of
/// one window, 25 KiB for each frame of Whisper base's encoder and each token of its decoder.
#[derive(Clone, Debug)]
pub struct Transcriber {
    info: TranscriberInfo,
    listener: Arc<Listener>,
    /// First come, first served, a window at a time: its turns are fair.
    graphs: Arc<Mutex<Graphs>>,
}

/// The graphs for whoever's turn it is.
struct Turns<'a>(&'a Mutex<Graphs>);

impl Lend for Turns<'_> {
    fn lend(&mut self, window: &mut dyn FnMut(&mut dyn SpeechModel) -> Result<()>) -> Result<()> {
        window(&mut *self.0.blocking_lock())
    }
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
        let info = bundle.manifest().info();
        Ok(Self { info, listener: Arc::new(listener), graphs: Arc::new(Mutex::new(graphs)) })
    }

    /// What it is.
    #[must_use]
    pub const fn info(&self) -> &TranscriberInfo {
        &self.info
    }

    /// What is said in a sound of one channel at 16 kHz. Blocks: not for threads of an asynchronous runtime.
    ///
    /// # Errors
    /// As [`Listener::transcribe`].
    pub fn transcribe(&self, sound: &[f32], language: Option<Language>, patience: &Patience) -> Result<Transcript> {
        self.listener.transcribe(&mut Turns(&self.graphs), sound, language, patience)
    }
}
