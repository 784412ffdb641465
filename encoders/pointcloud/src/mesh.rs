//! Points spread evenly over the faces of a mesh.

use std::{collections::HashMap, sync::Arc};

use onespace_core::{Patience, Result, random::SplitMix64};

use crate::{
    points::{Origin, Point, all},
    source::{MESH_VERTICES, Source},
    texture::Textures,
};

/// What the spread begins with ("onespace"): the same file gives the same points, always.
const SEED: u64 = 0x6f6e_6573_7061_6365;

/// Whether a file has faces that are looked at.
pub fn is_mesh(source: &dyn Source) -> bool {
    source.vertices() <= MESH_VERTICES && source.has_faces()
}

/// Every vertex of a mesh. One without a colour has the mean of those that it shares triangles with, if others have
/// one: of some corners programs know none, and write NaN.
///
/// # Errors
/// As [`all`].
pub fn corners(source: &dyn Source, origin: Origin, patience: &Patience) -> Result<Vec<Point>> {
    let mut corners = all(source, origin, patience)?;
    let is_bare = |corner: &Point| corner.colour.iter().any(|value| value.is_nan());
    let bare = corners.iter().filter(|corner| is_bare(corner)).count();
    if bare == 0 || bare == corners.len() {
        return Ok(corners);
    }
    let mut beside: HashMap<u32, [f32; 4]> = HashMap::new();
    source.each_triangle(patience, &mut |numbers| {
        let at = |number: u32| corners.get(number as usize).filter(|corner| corner.is_somewhere());
        let known = || numbers.into_iter().filter_map(at).filter(|corner| !is_bare(corner));
        for number in numbers.into_iter().filter(|number| at(*number).is_some_and(is_bare)) {
            let sum = beside.entry(number).or_default();
            for [red, green, blue] in known().map(|corner| corner.colour) {
                sum.iter_mut().zip([red, green, blue, 1.0]).for_each(|(sum, value)| *sum += value);
            }
        }
    })?;
    for (number, [red, green, blue, count]) in beside {
        if let Some(corner) = corners.get_mut(number as usize).filter(|_| count > 0.0) {
            corner.colour = [red, green, blue].map(|sum| sum / count);
        }
    }
    Ok(corners)
}

/// `count` points on the faces of a file, as many on each as its area's share; none if its faces have no area.
///
/// A triangle with a corner that is nowhere is left out. Colours are mixed as places are. The faces are read twice:
/// once for the whole area and once to place the points, so that none is kept.
///
/// # Errors
/// As [`Source::each_triangle`].
pub fn spread(source: &dyn Source, vertices: &[Point], count: usize, patience: &Patience) -> Result<Vec<Point>> {
    let mut whole = 0.0;
    let corners = |numbers: [u32; 3]| {
        let [a, b, c] = numbers.map(|number| vertices.get(number as usize).filter(|point| point.is_somewhere()));
        a.zip(b).zip(c).map(|((a, b), c)| [a, b, c])
    };
    source.each_triangle(patience, &mut |numbers| whole += corners(numbers).map_or(0.0, area))?;
    let mut points = Vec::with_capacity(count);
    if !(whole.is_finite() && whole > 0.0) {
        return Ok(points);
    }
    // The whole area in `count` equal parts, one point at a random place of each: even, and in order.
    let mut random = SplitMix64::new(SEED);
    let mut passed = 0.0;
    let mut next = random.unit() * whole / count as f64;
    let textures = source.textures().map(Arc::as_ref);
    let mut triangles = 0..;
    source.each_triangle(patience, &mut |numbers| {
        let number = triangles.next().unwrap_or_default();
        let Some(corners) = corners(numbers) else { return };
        passed += area(corners);
        while next < passed && points.len() < count {
            points.push(between(corners, number, textures, &mut random));
            next = (points.len() as f64 + random.unit()) * whole / count as f64;
        }
    })?;
    // Rounding may leave the very last part out.
    while let Some(last) = points.last().copied().filter(|_| points.len() < count) {
        points.push(last);
    }
    Ok(points)
}

fn area([a, b, c]: [&Point; 3]) -> f64 {
    let side = |to: &Point| {
        let ([x, y, z], [ox, oy, oz]) = (to.place.map(f64::from), a.place.map(f64::from));
        [x - ox, y - oy, z - oz]
    };
    let ([ux, uy, uz], [vx, vy, vz]) = (side(b), side(c));
    let normal = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
    normal.iter().map(|value| value * value).sum::<f64>().sqrt() / 2.0
}

/// A random point of a triangle, all of it equally likely.
fn between([a, b, c]: [&Point; 3], triangle: usize, textures: Option<&Textures>, random: &mut SplitMix64) -> Point {
    let (u, v) = (random.unit(), random.unit());
    let (u, v) = if u + v > 1.0 { (1.0 - u, 1.0 - v) } else { (u, v) };
    let weights = [1.0 - u - v, u, v];
    let mixed = |part: fn(&Point) -> [f32; 3]| {
        let mut sum = [0.0_f64; 3];
        for (weight, corner) in weights.iter().zip([a, b, c]) {
            sum.iter_mut().zip(part(corner)).for_each(|(sum, value)| *sum += weight * f64::from(value));
        }
        sum.map(|value| value as f32)
    };
    let colour = mixed(|point| point.colour);
    let colour = textures.map_or(colour, |textures| textures.tinted(triangle, weights, colour));
    Point { place: mixed(|point| point.place), colour }
}
