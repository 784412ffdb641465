//! The primitives of a glTF that are shown, each where its node is.

use onespace_core::{Error, Result, limits};

use super::{
    accessor::Elements,
    buffers::{Buffers, unpacked_bytes},
    coats::Coat,
    document::{Document, Index, Node, Primitive, Target, broken, entry, without},
    scene::{Matrix, Scene, moved, product},
};
use crate::{
    source::Vertex,
    texture::{Patch, TEXTURE_PIXELS},
};

/// What the corners of a primitive are joined to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Points,
    Triangles,
    Strip,
    Fan,
}

/// A primitive at a node.
#[derive(Debug)]
pub struct Piece<'d> {
    pub primitive: &'d Primitive,
    pub mode: Mode,
    number: Index,
    node: &'d Node,
    /// What the mesh turns into by default, and how much of it.
    targets: Vec<(&'d Target, f64)>,
}

/// All that are shown. Lines are left out.
///
/// # Errors
/// `MEDIA_MALFORMED`; `MEDIA_UNSUPPORTED` for what is compressed or stands in many places, by name.
pub fn of<'d>(document: &'d Document<'_>, scene: &Scene) -> Result<Vec<Piece<'d>>> {
    let mut pieces = Vec::new();
    for number in &scene.shown {
        let node = entry(&document.nodes, *number, "node")?;
        let Some(mesh) = node.mesh else { continue };
        if node.extensions.instancing.is_some() {
            return Err(without("EXT_mesh_gpu_instancing"));
        }
        let mesh = entry(&document.meshes, mesh, "mesh")?;
        let weights = node.weights.as_ref().or(mesh.weights.as_ref());
        for primitive in &mesh.primitives {
            let mode = match primitive.mode.unwrap_or(4) {
                0 => Mode::Points,
                1..=3 => continue,
                4 => Mode::Triangles,
                5 => Mode::Strip,
                6 => Mode::Fan,
                other => return Err(broken(&format!("has a primitive of mode {other}"))),
            };
            if primitive.extensions.draco.is_some() {
                return Err(without("KHR_draco_mesh_compression"));
            }
            let turned = primitive.targets.iter().zip(weights.into_iter().flatten().copied());
            let targets = turned.filter(|(_, weight)| *weight != 0.0).collect();
            pieces.push(Piece { primitive, mode, number: *number, node, targets });
        }
    }
    Ok(pieces)
}

/// The bytes that it takes to read them.
///
/// # Errors
/// `MEDIA_TOO_LARGE` for more vertices than may be; `MEDIA_MALFORMED`.
pub fn weight(document: &Document<'_>, pieces: &[Piece<'_>]) -> Result<u64> {
    let mut corners = 0_usize;
    for Piece { primitive, .. } in pieces {
        let count = primitive.indices.or(primitive.attributes.position);
        let count = count.map(|accessor| entry(&document.accessors, accessor, "accessor")).transpose()?;
        corners = corners.saturating_add(count.map_or(0, |accessor| accessor.count));
    }
    // A triangle has a corner at least in a strip.
    let limit = 3 * limits::SHAPE_ENTRIES;
    if corners > limit {
        return Err(Error::too_large("bytes", "the number of corners in the glTF", corners, limit));
    }
    let materials = || pieces.iter().filter_map(|piece| piece.primitive.material);
    let textures = if materials().next().is_some() { document.images.len().min(limits::TEXTURES) } else { 0 };
    // A vertex, its number, and what of it is looked at once more.
    let vertices = corners.min(limits::SHAPE_ENTRIES) * (size_of::<(Vertex, [u32; 4], [f32; 6])>());
    let faces = corners.min(limits::SHAPE_ENTRIES) * (size_of::<[[u32; 3]; 2]>());
    let patches = if textures > 0 { corners.min(limits::SHAPE_ENTRIES) * size_of::<Patch>() } else { 0 };
    let pictures = textures * 3 * TEXTURE_PIXELS + if textures > 0 { 3 * limits::IMAGE_PIXELS } else { 0 };
    Ok((vertices + faces + patches + pictures + unpacked_bytes(document)) as u64)
}

/// The vertices of a piece.
#[derive(Debug)]
pub struct Vertices<'a> {
    pub coat: Option<Coat>,
    place: Matrix,
    positions: Elements<'a>,
    colours: Option<Elements<'a>>,
    texture_places: Option<Elements<'a>>,
    indices: Option<Elements<'a>>,
    targets: Vec<(Elements<'a>, f64)>,
    bones: Option<Bones<'a>>,
}

/// What a vertex hangs on: up to four or eight joints, and where each of them moves it.
#[derive(Debug)]
struct Bones<'a> {
    sets: Vec<(Elements<'a>, Elements<'a>)>,
    joints: Vec<Matrix>,
}

impl<'a> Vertices<'a> {
    /// Those of a piece.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED`, `MEDIA_TOO_LARGE`, `MEDIA_UNSUPPORTED`.
    pub fn new(
        document: &Document<'_>,
        buffers: &'a Buffers<'_>,
        scene: &Scene,
        piece: &Piece<'_>,
        coat: Option<Coat>,
    ) -> Result<Self> {
        let attributes = &piece.primitive.attributes;
        let elements = |accessor: Index| Elements::new(document, buffers, accessor);
        let positions = attributes.position.ok_or_else(|| broken("has a primitive without places"))?;
        let set = coat.and_then(|coat| coat.picture).and_then(|picture| attributes.texture_set(picture.set));
        let targets = piece.targets.iter().filter_map(|(target, weight)| target.position.zip(Some(*weight)));
        let vertices = Self {
            coat,
            place: scene.place(piece.number),
            positions: elements(positions)?,
            colours: attributes.color_0.map(elements).transpose()?.map(Elements::as_parts),
            texture_places: set.map(elements).transpose()?,
            indices: piece.primitive.indices.map(elements).transpose()?,
            targets: targets.map(|(target, weight)| Ok((elements(target)?, weight))).collect::<Result<_>>()?,
            bones: Bones::new(document, buffers, scene, piece)?,
        };
        if vertices.positions.components != 3 {
            return Err(broken(&format!("has places of {} numbers", vertices.positions.components)));
        }
        Ok(vertices)
    }

    /// How many corners it has.
    pub const fn corners(&self) -> usize {
        match &self.indices {
            Some(indices) => indices.count,
            None => self.positions.count,
        }
    }

    /// The number of the vertex at a corner.
    ///
    /// # Errors
    /// `MEDIA_MALFORMED` where there is none.
    pub fn corner(&self, place: usize) -> Result<u32> {
        let number = self.indices.as_ref().map_or(place as u32, |indices| {
            let [number] = indices.get(place);
            number as u32
        });
        if (number as usize) < self.positions.count {
            return Ok(number);
        }
        Err(broken(&format!("names vertex {number}, there are {}", self.positions.count)))
    }

    /// Where a vertex is.
    pub fn place(&self, number: u32) -> [f64; 3] {
        let mut place: [f64; 3] = self.positions.get(number as usize);
        for (target, weight) in &self.targets {
            let by: [f64; 3] = target.get(number as usize);
            place.iter_mut().zip(by).for_each(|(value, by)| *value += weight * by);
        }
        match &self.bones {
            Some(bones) => bones.moved(number, place),
            None => moved(&self.place, place),
        }
    }

    /// Its own colour, linear.
    pub fn colour(&self, number: u32) -> Option<[f32; 3]> {
        self.colours.as_ref().map(|colours| colours.get(number as usize).map(|value| value as f32))
    }

    /// Whether its places in a picture are said.
    pub const fn has_texture_places(&self) -> bool {
        self.texture_places.is_some()
    }

    /// Its place in a picture.
    pub fn texture_place(&self, number: u32) -> [f64; 2] {
        self.texture_places.as_ref().map_or([0.0; 2], |places| places.get(number as usize))
    }
}

impl<'a> Bones<'a> {
    fn new(
        document: &Document<'_>,
        buffers: &'a Buffers<'_>,
        scene: &Scene,
        piece: &Piece<'_>,
    ) -> Result<Option<Self>> {
        let attributes = &piece.primitive.attributes;
        let elements = |accessor: Index| Elements::new(document, buffers, accessor);
        let Some(skin) = piece.node.skin else { return Ok(None) };
        let skin = entry(&document.skins, skin, "skin")?;
        let unbound = skin.inverse_bind_matrices.map(elements).transpose()?;
        let joints = (0..).zip(&skin.joints).map(|(number, joint): (usize, _)| {
            let place = scene.place(*joint);
            unbound.as_ref().map_or(place, |unbound| product(&place, &unbound.get(number)))
        });
        let sets = [(attributes.joints_0, attributes.weights_0), (attributes.joints_1, attributes.weights_1)];
        let sets = sets.into_iter().filter_map(|(joints, weights)| joints.zip(weights));
        let sets: Vec<_> =
            sets.map(|(joints, weights)| Ok((elements(joints)?, elements(weights)?))).collect::<Result<_>>()?;
        Ok((!sets.is_empty()).then(|| Self { sets, joints: joints.collect() }))
    }

    fn moved(&self, number: u32, place: [f64; 3]) -> [f64; 3] {
        let mut sum = [0.0; 3];
        for (joints, weights) in &self.sets {
            let (joints, weights): ([f64; 4], [f64; 4]) = (joints.get(number as usize), weights.get(number as usize));
            for (joint, weight) in joints.into_iter().zip(weights).filter(|(_, weight)| *weight != 0.0) {
                let Some(joint) = self.joints.get(joint as usize) else { continue };
                sum.iter_mut().zip(moved(joint, place)).for_each(|(sum, value)| *sum += weight * value);
            }
        }
        sum
    }
}
