//! The two graphs of a transcriber. What one run gives the next is handed over as it is: keys and values are never
//! copied here.

use std::{borrow::Cow, path::Path};

use onespace_core::{Error, Reason, Result};
use onespace_family::check::invalid;
use onespace_speech::SpeechModel;
use ort::{
    session::{Session, SessionInputValue, SessionOutputs},
    value::{DynValue, Outlet, Tensor, TensorRef},
};

use crate::{Runtime, model::Model, onnx::Weights};

const MEL: &str = "mel";
const TOKENS: &str = "tokens";
const LOGITS: &str = "logits";

/// A key, or the values, of one layer: what the encoder calls it, and what the decoder calls those of its own tokens
/// going in and coming out.
#[derive(Debug)]
struct Names {
    sound: String,
    past: String,
    present: String,
}

impl Names {
    fn of(layer: usize) -> [Self; 2] {
        ["key", "value"].map(|part| {
            let sound = format!("{part}_{layer}");
            Self { past: format!("past_{sound}"), present: format!("present_{sound}"), sound }
        })
    }
}

/// What is kept of a window between two runs.
#[derive(Debug)]
struct Kept {
    sound: DynValue,
    past: DynValue,
}

/// The encoder and the decoder.
#[derive(Debug)]
pub(super) struct Graphs {
    encoder: Model,
    decoder: Model,
    names: Vec<Names>,
    kept: Vec<Kept>,
}

impl Graphs {
    /// Loads both.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the graph that is none.
    pub fn load(runtime: &Runtime, encoder: &Path, decoder: &Path) -> Result<Self> {
        let load = |key: &str, path: &Path| {
            Model::load(runtime, path, false).map_err(|error| invalid(key, one_line(error.message())))
        };
        let (encoder, decoder) = (load("speech.encoder", encoder)?, load("speech.decoder", decoder)?);
        let layers = encoder.with(|session| session.outputs().len() / 2);
        let layers = layers.map_err(|error| Error::internal(error.message()))?;
        Ok(Self { encoder, decoder, names: (0..layers).flat_map(Names::of).collect(), kept: Vec::new() })
    }

    /// Whether the graphs take and give what a transcriber's do: so many bands, so many logits.
    ///
    /// # Errors
    /// The key at fault, and why.
    pub fn check(&self, bands: usize, logits: usize) -> Result<(), (&'static str, String)> {
        let sound: Vec<&str> = self.names.iter().map(|names| names.sound.as_str()).collect();
        let past = self.names.iter().map(|names| names.past.as_str());
        let present = self.names.iter().map(|names| names.present.as_str());
        let taken: Vec<&str> = [TOKENS].into_iter().chain(sound.iter().copied()).chain(past).collect();
        let given: Vec<&str> = [LOGITS].into_iter().chain(present).collect();
        let encoder = |session: &mut Session| {
            same("takes", session.inputs(), &[MEL])?;
            same("gives", session.outputs(), &sound)?;
            axis(session.inputs(), MEL, 1, bands)
        };
        let decoder = |session: &mut Session| {
            same("takes", session.inputs(), &taken)?;
            same("gives", session.outputs(), &given)?;
            axis(session.outputs(), LOGITS, 1, logits)
        };
        let lost = |error: ort::Error| Err(error.message().to_owned());
        self.encoder.with(encoder).unwrap_or_else(lost).map_err(|why| ("speech.encoder", why))?;
        self.decoder.with(decoder).unwrap_or_else(lost).map_err(|why| ("speech.decoder", why))
    }
}

impl SpeechModel for Graphs {
    fn encode(&mut self, mel: &[f32], frames: usize) -> Result<()> {
        self.kept.clear();
        let names = &self.names;
        let run = |session: &mut Session| -> ort::Result<Option<Vec<Kept>>> {
            let shape = [1, mel.len() / frames.max(1), frames];
            let mut given = session.run(vec![(MEL, TensorRef::from_array_view((shape, mel))?)])?;
            let sound: Option<Vec<DynValue>> = names.iter().map(|names| given.remove(&names.sound)).collect();
            sound.map(|sound| sound.into_iter().map(keep).collect()).transpose()
        };
        self.kept = outcome(&self.encoder, run)?;
        Ok(())
    }

    fn step(&mut self, tokens: &[u32], logits: &mut Vec<f32>) -> Result<()> {
        let ids: Vec<i64> = tokens.iter().copied().map(i64::from).collect();
        let (names, kept) = (&self.names, &self.kept);
        let run = |session: &mut Session| -> ort::Result<Option<Vec<DynValue>>> {
            let mut fed: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = Vec::with_capacity(1 + 2 * names.len());
            fed.push((TOKENS.into(), TensorRef::from_array_view(([1, ids.len()], ids.as_slice()))?.into()));
            for (names, kept) in names.iter().zip(kept) {
                fed.push((names.sound.as_str().into(), (&kept.sound).into()));
                fed.push((names.past.as_str().into(), (&kept.past).into()));
            }
            let mut given = session.run(fed)?;
            read(&given, logits)?;
            Ok(names.iter().map(|names| given.remove(&names.present)).collect())
        };
        let present = outcome(&self.decoder, run)?;
        for (kept, present) in self.kept.iter_mut().zip(present) {
            kept.past = present;
        }
        match logits.iter().position(|logit| !logit.is_finite()) {
            None => Ok(()),
            Some(at) => Err(failed(&self.decoder, &format!("the logit of token {at} is not finite"))),
        }
    }
}

/// Refuses a graph that keeps weights in files which the manifest does not list.
///
/// # Errors
/// `BUNDLE_INVALID` naming the key and the file.
pub(super) fn check_external(key: &str, graph: &Path, listed: &dyn Fn(&Path) -> bool) -> Result<()> {
    let weights = Weights::read(graph).map_err(|error| invalid(key, format!("this is no whole ONNX file: {error}")))?;
    let folder = graph.parent().unwrap_or(Path::new(""));
    match weights.external.iter().find(|name| !listed(&folder.join(name))) {
        None => Ok(()),
        Some(name) => Err(invalid(key, format!("keeps weights in \"{name}\", which is not listed"))),
    }
}

/// What the encoder gave, with no tokens yet beside it.
fn keep(sound: DynValue) -> ort::Result<Kept> {
    let shape = sound.shape();
    let axis = |at: usize| shape.get(at).copied().unwrap_or_default();
    let past = Tensor::from_array(([axis(0), axis(1), 0, axis(3)], Vec::<f32>::new()))?.into_dyn();
    Ok(Kept { sound, past })
}

fn read(given: &SessionOutputs<'_>, logits: &mut Vec<f32>) -> ort::Result<()> {
    logits.clear();
    if let Some(value) = given.get(LOGITS) {
        logits.extend_from_slice(value.try_extract_tensor::<f32>()?.1);
    }
    Ok(())
}

fn outcome<T>(model: &Model, run: impl FnOnce(&mut Session) -> ort::Result<Option<T>>) -> Result<T> {
    let given = model.with(run).and_then(|given| given).map_err(|error| failed(model, error.message()))?;
    given.ok_or_else(|| failed(model, "an output is missing"))
}

fn failed(model: &Model, why: &str) -> Error {
    let name = model.path().file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    Error::new(Reason::ModelFailed, "", format!("the speech graph ({name}): {}", one_line(why)))
}

/// Every name is there, and no other.
fn same(does: &str, found: &[Outlet], wanted: &[&str]) -> Result<(), String> {
    if let Some(name) = wanted.iter().find(|name| !found.iter().any(|outlet| outlet.name() == **name)) {
        return Err(format!("the graph {does} no \"{name}\""));
    }
    match found.iter().find(|outlet| !wanted.contains(&outlet.name())) {
        Some(odd) => Err(format!("the graph also {does} \"{}\"", odd.name())),
        None => Ok(()),
    }
}

/// An axis has the size that it must have.
fn axis(found: &[Outlet], name: &str, at: usize, size: usize) -> Result<(), String> {
    let outlet = found.iter().find(|outlet| outlet.name() == name);
    let shape = outlet.and_then(|outlet| outlet.dtype().tensor_shape());
    let length = shape.and_then(|shape| shape.get(at)).copied().unwrap_or(-1);
    if usize::try_from(length) == Ok(size) {
        return Ok(());
    }
    Err(format!("axis {at} of \"{name}\" has {length} values, {size} are needed"))
}

/// ONNX Runtime's words may stand on several lines.
fn one_line(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}
