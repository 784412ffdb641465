//! Where the nodes of a glTF are.

use onespace_core::Result;

use super::document::{Document, Index, Node, broken, entry};

/// A matrix of four columns of four.
pub type Matrix = [f64; 16];

const UNMOVED: Matrix = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0];

/// The nodes that are shown, and where every node is.
#[derive(Debug)]
pub struct Scene {
    /// In the order in which they stand in the tree.
    pub shown: Vec<Index>,
    places: Vec<Matrix>,
}

impl Scene {
    /// The scene that a document begins with: the one it names, else its first; without any, all its nodes.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` for nodes that are not there, or in two places.
    pub fn new(document: &Document<'_>) -> Result<Self> {
        let nodes = &document.nodes;
        let mut has_parent = vec![false; nodes.len()];
        for child in nodes.iter().flat_map(|node| &node.children) {
            let slot = has_parent.get_mut(*child as usize);
            *slot.ok_or_else(|| broken(&format!("names node {child}, there are {}", nodes.len())))? = true;
        }
        let roots: Vec<Index> = (0_u32..).zip(&has_parent).filter(|(_, has)| !**has).map(|(root, _)| root).collect();
        let shown = match (document.scene, document.scenes.is_empty()) {
            (None, true) => &roots,
            (number, _) => &entry(&document.scenes, number.unwrap_or_default(), "scene")?.nodes,
        };
        let mut places = vec![UNMOVED; nodes.len()];
        let mut seen = vec![false; nodes.len()];
        let shown = walk(nodes, shown, &mut places, &mut seen)?;
        // Joints may stand beside the scene.
        let unseen: Vec<Index> =
            roots.into_iter().filter(|root| seen.get(*root as usize).is_some_and(|seen| !seen)).collect();
        walk(nodes, &unseen, &mut places, &mut seen)?;
        Ok(Self { shown, places })
    }

    /// Where a node is.
    pub fn place(&self, node: Index) -> Matrix {
        self.places.get(node as usize).copied().unwrap_or(UNMOVED)
    }
}

/// Goes down from some nodes, and answers all that are met.
fn walk(nodes: &[Node], roots: &[Index], places: &mut [Matrix], seen: &mut [bool]) -> Result<Vec<Index>> {
    let mut met = Vec::new();
    let mut open: Vec<(Index, Matrix)> = roots.iter().rev().map(|root| (*root, UNMOVED)).collect();
    while let Some((number, parent)) = open.pop() {
        let node = entry(nodes, number, "node")?;
        let (Some(place), Some(seen)) = (places.get_mut(number as usize), seen.get_mut(number as usize)) else {
            continue;
        };
        if std::mem::replace(seen, true) {
            return Err(broken(&format!("has node {number} in two places")));
        }
        *place = product(&parent, &own(node));
        met.push(number);
        open.extend(node.children.iter().rev().map(|child| (*child, *place)));
    }
    Ok(met)
}

/// Where a node is in its parent.
fn own(node: &Node) -> Matrix {
    if let Some(matrix) = &node.matrix {
        return **matrix;
    }
    let [x, y, z, w] = node.rotation.unwrap_or([0.0, 0.0, 0.0, 1.0]);
    let [sx, sy, sz] = node.scale.unwrap_or([1.0; 3]);
    let [tx, ty, tz] = node.translation.unwrap_or_default();
    let across = [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + z * w), 2.0 * (x * z - y * w)];
    let up = [2.0 * (x * y - z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + x * w)];
    let near = [2.0 * (x * z + y * w), 2.0 * (y * z - x * w), 1.0 - 2.0 * (x * x + y * y)];
    let ([ax, ay, az], [ux, uy, uz]) = (across.map(|value| value * sx), up.map(|value| value * sy));
    let [nx, ny, nz] = near.map(|value| value * sz);
    [ax, ay, az, 0.0, ux, uy, uz, 0.0, nx, ny, nz, 0.0, tx, ty, tz, 1.0]
}

/// First `second`, then `first`.
pub fn product(first: &Matrix, second: &Matrix) -> Matrix {
    let (columns, _) = second.as_chunks::<4>();
    let (firsts, _) = first.as_chunks::<4>();
    let mut product = [0.0; 16];
    for (slots, column) in product.as_chunks_mut::<4>().0.iter_mut().zip(columns) {
        for (factor, column) in column.iter().zip(firsts) {
            slots.iter_mut().zip(column).for_each(|(slot, value)| *slot += factor * value);
        }
    }
    product
}

/// Where a place goes.
pub fn moved(matrix: &Matrix, [x, y, z]: [f64; 3]) -> [f64; 3] {
    let [ax, ay, az, _, ux, uy, uz, _, nx, ny, nz, _, tx, ty, tz, _] = *matrix;
    [ax * x + ux * y + nx * z + tx, ay * x + uy * y + ny * z + ty, az * x + uz * y + nz * z + tz]
}
