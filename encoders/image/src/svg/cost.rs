//! What drawing costs, told before anything is drawn: a small file may use one shape a billion times.

use std::collections::HashMap;

use onespace_core::{Error, Result, limits};
use resvg::usvg::roxmltree::{Document, Node, NodeId};

/// What an element costs that is drawn apart and then laid over the others, in plain elements; and one that each pixel
/// of it is worked on.
const LAYER: usize = 100;
const FILTER: usize = 1000;

const XLINK: &str = "http://www.w3.org/1999/xlink";

/// What a drawing costs, and how deep elements lie in each other, used ones included.
#[derive(Clone, Copy)]
struct Cost {
    elements: usize,
    depth: usize,
}

/// # Errors
/// `MEDIA_TOO_LARGE`, `MEDIA_MALFORMED` where elements use each other.
pub fn check(document: &Document<'_>) -> Result<()> {
    let named = |node: Node<'_, '_>| Some((node.attribute("id")?.to_owned(), node.id()));
    let names: HashMap<String, NodeId> = document.descendants().filter_map(named).collect();
    let mut costs: HashMap<NodeId, Cost> = HashMap::new();
    let used = |node: Node<'_, '_>| {
        let link = node.attribute("href").or_else(|| node.attribute((XLINK, "href")))?;
        node.has_tag_name("use").then_some(())?;
        document.get_node(*names.get(link.strip_prefix('#')?)?)
    };
    // Whom a style sheet means is for the reader to tell.
    let mut sheets = document.descendants().filter(|node| node.has_tag_name("style"));
    let least = if sheets.any(|sheet| sheet.text().is_some_and(|text| text.contains("filter"))) { LAYER } else { 1 };
    // A stack in place of calls: what is written deep must not end the process.
    let mut ahead = vec![(document.root(), false)];
    let mut inside: Vec<NodeId> = Vec::new();
    while let Some((node, seen)) = ahead.pop() {
        let parts = || node.children().filter(Node::is_element).chain(used(node));
        if seen {
            inside.pop();
            let mut cost = Cost { elements: weight(node).max(least), depth: 0 };
            for part in parts().filter_map(|part| costs.get(&part.id())) {
                cost.elements = cost.elements.saturating_add(part.elements);
                cost.depth = cost.depth.max(part.depth);
            }
            costs.insert(node.id(), Cost { depth: cost.depth + 1, ..cost });
        } else if !costs.contains_key(&node.id()) {
            // One that is inside of itself is drawn by nobody, and left out by the reader.
            if inside.contains(&node.id()) {
                continue;
            }
            if inside.len() > limits::SVG_DEPTH {
                return Err(too_large("depth in elements", inside.len(), limits::SVG_DEPTH));
            }
            inside.push(node.id());
            ahead.push((node, true));
            ahead.extend(parts().map(|part| (part, false)));
        }
    }
    let whole = costs.get(&document.root().id()).copied().unwrap_or(Cost { elements: 0, depth: 0 });
    if whole.depth > limits::SVG_DEPTH {
        return Err(too_large("depth in elements", whole.depth, limits::SVG_DEPTH));
    }
    if whole.elements > limits::SVG_ELEMENTS {
        return Err(too_large("drawing in elements", whole.elements, limits::SVG_ELEMENTS));
    }
    Ok(())
}

fn too_large(what: &str, found: usize, limit: usize) -> Error {
    Error::too_large("bytes", &format!("the SVG's {what}"), found, limit)
}

fn weight(node: Node<'_, '_>) -> usize {
    let says =
        |name: &str| node.has_attribute(name) || node.attribute("style").is_some_and(|style| style.contains(name));
    if says("filter") {
        FILTER
    } else if ["mask", "clip-path", "opacity", "mix-blend-mode"].into_iter().any(says) {
        LAYER
    } else {
        1
    }
}
