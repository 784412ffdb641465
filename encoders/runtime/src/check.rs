//! Whether a loaded graph is the one that the manifest describes.

use std::path::{Path, PathBuf};

use onespace_bundle::graph::Stage;
use onespace_core::Result;
use ort::{session::Session, value::Outlet};

use crate::{batch::Kind, graph::Graph};

/// What a graph is fed, in order: the names of its inputs and what numbers they take.
pub(crate) type Inputs = Vec<(String, Kind)>;

/// The stage of a number: every input but the mask is a sample's, the output is floats.
pub(crate) fn stage(
    graph: &Graph,
    index: usize,
    (model, stage): &(PathBuf, Stage),
    session: &Session,
) -> Result<Inputs> {
    let found = session.outputs().iter().find(|outlet| outlet.name() == stage.output);
    if !found.and_then(Kind::from_outlet).is_some_and(Kind::is_float) {
        let message = format!("no output \"{}\" of floats, the graph gives {}", stage.output, names(session.outputs()));
        return Err(graph.invalid(&format!("stages[{index}].output"), model, message));
    }
    let batched: Vec<&str> = stage.inputs.iter().map(String::as_str).collect();
    let mask: Vec<&str> = stage.mask.iter().map(String::as_str).collect();
    inputs(graph, (&format!("stages[{index}].inputs"), model), &batched, &mask, session.inputs())
}

/// The last graph: a sample's own inputs, what the stages give, what stays empty, the tokens; and a vector from each
/// head.
pub(crate) fn last(graph: &Graph, session: &Session) -> Result<Inputs> {
    let batched: Vec<&str> = graph.inputs.iter().map(String::as_str).collect();
    let stages = graph.stages.iter().map(|(_, stage)| stage.feeds());
    let empty = graph.empty.iter().map(|empty| empty.name.as_str());
    let tokens = graph.tokens.iter().flat_map(|tokens| [tokens.ids.as_str(), tokens.mask.as_str()]);
    let made: Vec<&str> = stages.chain(empty).chain(tokens).collect();
    let inputs = inputs(graph, ("inputs", &graph.model), &batched, &made, session.inputs())?;
    output(graph, "output", &graph.output, session.outputs())?;
    graph
        .heads
        .iter()
        .try_for_each(|(target, name)| output(graph, &format!("heads.{target}"), name, session.outputs()))?;
    Ok(inputs)
}

/// Every input that is fed is there, and no other. `batched` ones have samples along their first axis.
fn inputs(
    graph: &Graph,
    (key, model): (&str, &Path),
    batched: &[&str],
    made: &[&str],
    found: &[Outlet],
) -> Result<Inputs> {
    let mut inputs = Vec::with_capacity(found.len());
    for name in batched.iter().chain(made) {
        let Some(outlet) = found.iter().find(|outlet| outlet.name() == *name) else {
            let message = format!("no input \"{name}\", the graph takes {}", names(found));
            return Err(graph.invalid(key, model, message));
        };
        let Some(kind) = Kind::from_outlet(outlet) else {
            let message = format!(
                "input \"{name}\" is {}, floats, integers of 32 or 64 bits and booleans are fed",
                outlet.dtype()
            );
            return Err(graph.invalid(key, model, message));
        };
        inputs.push(((*name).to_owned(), kind));
    }
    for outlet in found {
        if !inputs.iter().any(|(name, _)| name == outlet.name()) {
            return Err(graph.invalid(key, model, format!("the graph also takes \"{}\"", outlet.name())));
        }
        let fixed = outlet.dtype().tensor_shape().and_then(|shape| shape.first()).filter(|size| **size >= 0);
        // Samples of a tower with tokens run one at a time.
        let alone = graph.tokens.is_some() && fixed == Some(&1);
        if let Some(size) = fixed.filter(|_| batched.contains(&outlet.name()) && !alone) {
            let message =
                format!("input \"{}\" has a batch axis of fixed size {size}, it must be dynamic", outlet.name());
            return Err(graph.invalid(key, model, message));
        }
    }
    Ok(inputs)
}

fn output(graph: &Graph, key: &str, name: &str, found: &[Outlet]) -> Result<()> {
    let Some(outlet) = found.iter().find(|outlet| outlet.name() == name) else {
        let message = format!("no output \"{name}\", the graph gives {}", names(found));
        return Err(graph.invalid(key, &graph.model, message));
    };
    let shape = outlet.dtype().tensor_shape();
    let fits = shape.is_some_and(|shape| match shape.iter().as_slice() {
        [_, length] => *length < 0 || usize::try_from(*length) == Ok(graph.dimension),
        _ => false,
    });
    if fits && Kind::from_outlet(outlet).is_some_and(Kind::is_float) {
        return Ok(());
    }
    let message = format!("output \"{name}\" is {}, floats [batch, {}] are expected", outlet.dtype(), graph.dimension);
    Err(graph.invalid(key, &graph.model, message))
}

fn names(outlets: &[Outlet]) -> String {
    outlets.iter().map(|outlet| format!("\"{}\"", outlet.name())).collect::<Vec<_>>().join(", ")
}
