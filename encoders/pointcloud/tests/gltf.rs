//! glTF: every way to write a shape is the shape; what would be read wrongly is refused by name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use common::{
    gltf::{Binary, FACES, PLACES, error, plain, prepare, same},
    golden, spec, text, values,
};
use onespace_core::{Prepare, PrepareRequest, Reason};
use onespace_pointcloud::PointCloudPreparer;
use onespace_pointcloud::table::{Normalise, PointCloud};
use serde_json::{Value, json};

/// The square, and what else is said of its one primitive.
fn square(indices: &[u16], others: &Value) -> Vec<u8> {
    let mut binary = Binary::default();
    let places = binary.places();
    let bytes: Vec<u8> = indices.iter().flat_map(|index| index.to_le_bytes()).collect();
    let indices = binary.numbers(5123, "SCALAR", indices.len(), &bytes);
    let mut primitive = json!({"attributes": {"POSITION": places}, "indices": indices});
    primitive.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    binary.glb(&binary.scene(json!([primitive])))
}

#[test]
fn triangles_strips_and_fans_are_the_same() {
    same(&square(&[0, 1, 2, 1, 2, 3], &json!({})), &plain());
    same(&square(&[0, 1, 2, 3], &json!({"mode": 5})), &plain());
    let fan = text(&PLACES, &[], &[&[1, 0, 2], &[1, 2, 3]]);
    same(&square(&[1, 0, 2, 3], &json!({"mode": 6})), &fan);
    // What is left of a last triangle is none.
    same(&square(&[0, 1, 2, 1, 2, 3, 0, 1], &json!({"mode": 4})), &plain());
    let cloud = text(&PLACES, &[], &[]);
    same(&square(&[0, 1, 2, 3], &json!({"mode": 0})), &cloud);
    assert_eq!(error(&square(&[0, 1, 2, 3], &json!({"mode": 3}))).reason, Reason::MediaEmpty, "lines are no points");
}

#[test]
fn numbers_are_read_in_every_form() {
    // Indices of one and four bytes, and none.
    for (kind, bytes) in [(5121, vec![0, 1, 2, 1, 2, 3]), (5125, [0, 1, 2, 1, 2, 3].map(u32::to_le_bytes).concat())] {
        let mut binary = Binary::default();
        let places = binary.places();
        let indices = binary.numbers(kind, "SCALAR", 6, &bytes);
        let primitives = json!([{"attributes": {"POSITION": places}, "indices": indices}]);
        same(&binary.glb(&binary.scene(primitives)), &plain());
    }
    let mut binary = Binary::default();
    let corners: Vec<f32> = [0, 1, 2, 1, 2, 3].iter().flat_map(|corner| PLACES[*corner]).collect();
    let places = binary.floats("VEC3", 6, &corners);
    same(&binary.glb(&binary.scene(json!([{"attributes": {"POSITION": places}}]))), &plain());

    // Places among other things, 20 bytes apart, from the fourth byte on.
    let mut binary = Binary::default();
    let between: Vec<u8> = PLACES
        .iter()
        .flat_map(|place| [&[7; 4][..], &place.map(f32::to_le_bytes).concat(), &[9; 4]].concat())
        .collect();
    let places = binary.numbers(5126, "VEC3", 4, &between);
    binary.accessors[places]["byteOffset"] = json!(4);
    binary.views[0]["byteStride"] = json!(20);
    let primitives = json!([{"attributes": {"POSITION": places}, "mode": 5}]);
    same(&binary.glb(&binary.scene(primitives)), &plain());

    // Some places instead of those that all are zero, and instead of others.
    for base in [None, Some(())] {
        let mut binary = Binary::default();
        let mut other = PLACES;
        (other[1], other[3]) = ([9.0; 3], [-9.0; 3]);
        let others: Vec<u16> = if base.is_some() { vec![3, 1] } else { vec![1, 2, 3] };
        let given: Vec<[f32; 3]> = others.iter().map(|other| PLACES[usize::from(*other)]).collect();
        let places = binary.floats("VEC3", 4, other.as_flattened());
        if base.is_none() {
            binary.accessors[places].as_object_mut().unwrap().remove("bufferView");
        }
        let numbers = binary.view(&others.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>());
        let given = binary.view(&given.iter().flatten().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>());
        binary.accessors[places]["sparse"] = json!({
            "count": others.len(), "indices": {"bufferView": numbers, "componentType": 5123},
            "values": {"bufferView": given},
        });
        let primitives = json!([{"attributes": {"POSITION": places}, "mode": 5}]);
        same(&binary.glb(&binary.scene(primitives)), &plain());
    }
}

#[test]
fn quantised_places_are_parts_of_their_nodes_scale() {
    let mut binary = Binary::default();
    let part = |value: f32| ((value / 2.0 * 32_767.0).round() as i16).to_le_bytes();
    let bytes: Vec<u8> = PLACES.iter().flat_map(|place| [place.map(part).concat(), vec![0; 2]].concat()).collect();
    let places = binary.numbers(5122, "VEC3", 4, &bytes);
    binary.accessors[places]["normalized"] = json!(true);
    binary.views[0]["byteStride"] = json!(8);
    let mut document = binary.scene(json!([{"attributes": {"POSITION": places}, "mode": 5}]));
    document["nodes"][0]["scale"] = json!([2, 2, 2]);
    document["extensionsRequired"] = json!(["KHR_mesh_quantization"]);
    same(&binary.glb(&document), &plain());
}

#[test]
fn nodes_move_what_they_show() {
    let mut binary = Binary::default();
    let places = binary.places();
    let mut document = binary.scene(json!([{"attributes": {"POSITION": places}, "mode": 5}]));
    // A quarter turn about z, twice as large along x, then moved; below that, a matrix that moves and mirrors.
    let half = std::f64::consts::FRAC_1_SQRT_2;
    document["nodes"] = json!([
        {"mesh": 0, "matrix": [-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 5, 1]},
        {"children": [0], "translation": [10, 20, 30], "rotation": [0, 0, half, half], "scale": [2, 1, 1]},
        {"mesh": 0},
    ]);
    document["scenes"] = json!([{"nodes": [2]}, {"nodes": [1]}]);
    document["scene"] = json!(1);
    let moved = PLACES.map(|[x, y, z]| [-x, y, z + 5.0]).map(|[x, y, z]| [-y + 10.0, 2.0 * x + 20.0, z + 30.0]);
    let alone = text(&moved, &[], &FACES);
    same(&binary.glb(&document), &alone);
    // Without a scene, all that are nobody's children.
    document.as_object_mut().unwrap().remove("scene");
    document["scenes"] = json!([]);
    let both = text(&[PLACES, moved].concat(), &[], &[&[0, 1, 2], &[1, 2, 3], &[4, 5, 6], &[5, 6, 7]]);
    document["nodes"].as_array_mut().unwrap().swap(0, 2);
    document["nodes"][1]["children"] = json!([2]);
    same(&binary.glb(&document), &both);
}

#[test]
fn skins_and_shapes_that_are_turned_into_stand_as_they_begin() {
    let mut binary = Binary::default();
    let places = binary.places();
    let joints = binary.numbers(5121, "VEC4", 4, &[0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]);
    let weights = binary.floats("VEC4", 4, &[0.5, 0.5, 0.0, 0.0].repeat(4));
    let unbound: Vec<f32> =
        [[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 4, 0, 0, 1]]
            .as_flattened()
            .iter()
            .map(|value: &i32| *value as f32)
            .collect();
    let unbound = binary.floats("MAT4", 2, &unbound);
    let by = binary.floats("VEC3", 4, &[0.0, 0.0, 8.0].repeat(4));
    let mut document = binary.scene(json!([{
        "attributes": {"POSITION": places, "JOINTS_0": joints, "WEIGHTS_0": weights}, "mode": 5,
        "targets": [{"POSITION": by}, {"POSITION": by}],
    }]));
    document["meshes"][0]["weights"] = json!([0.25, 0]);
    document["skins"] = json!([{"joints": [1, 2], "inverseBindMatrices": unbound}]);
    // The node's own place does not count, those of its joints do.
    document["nodes"] = json!([
        {"mesh": 0, "skin": 0, "translation": [100, 0, 0]}, {"translation": [0, 2, 0]}, {"translation": [0, 0, 6]},
    ]);
    let moved = PLACES.map(|[x, y, z]| [x + 2.0, y + 1.0, z + 2.0 + 3.0]);
    same(&binary.glb(&document), &text(&moved, &[], &FACES));
}

/// As pictures have a linear part of a colour.
fn shown(linear: f64) -> u8 {
    let value = if linear <= 0.0031308 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (value * 255.0).round() as u8
}

#[test]
fn colours_are_those_of_vertices_and_materials() {
    let mut binary = Binary::default();
    let places = binary.places();
    let colours = binary.numbers(5121, "VEC4", 4, &[255, 0, 51, 255].repeat(4));
    let attributes = json!({"POSITION": places, "COLOR_0": colours});
    let mut document = binary.scene(json!([{"attributes": attributes, "mode": 5}]));
    let own = [shown(1.0), shown(0.0), shown(0.2)];
    let painted = |colour: [u8; 3]| text(&PLACES, &[colour; 4], &FACES);
    let close = |bytes: &[u8], ply: &[u8]| {
        let (found, wanted) = (prepare(bytes).unwrap(), prepare(ply).unwrap());
        let apart = values(&found, 0).iter().zip(values(&wanted, 0)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 0.5 / 255.0 + 1e-5, "{apart}");
    };
    close(&binary.glb(&document), &painted(own));
    document["meshes"][0]["primitives"][0]["material"] = json!(0);
    document["materials"] = json!([{"pbrMetallicRoughness": {"baseColorFactor": [0.5, 1, 0.5, 1]}}]);
    close(&binary.glb(&document), &painted([shown(0.5), shown(0.0), shown(0.1)]));
    document["materials"] =
        json!([{"extensions": {"KHR_materials_pbrSpecularGlossiness": {"diffuseFactor": [0, 0, 1, 1]}}}]);
    document["meshes"][0]["primitives"][0]["attributes"] = json!({"POSITION": places});
    close(&binary.glb(&document), &painted([0, 0, 255]));
    document["materials"] = json!([{}]);
    close(&binary.glb(&document), &painted([255; 3]));
}

/// Two pixels by two as BMP, its rows from below: red, green; blue, white.
fn picture() -> Vec<u8> {
    let mut bytes = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\x18\0".to_vec();
    bytes.resize(54, 0);
    bytes.extend([255, 0, 0, 255, 255, 255, 0, 0]);
    bytes.extend([0, 0, 255, 0, 255, 0, 0, 0]);
    bytes
}

#[test]
fn textures_lie_where_their_coordinates_say() {
    let mut binary = Binary::default();
    let places = binary.places();
    // The left of the square is at the left of the picture, its top at the bottom.
    let on = binary.floats("VEC2", 4, &[0.25, 0.75, 0.25, 0.75, 0.25, 0.75, 0.25, 0.75]);
    let image = binary.view(&picture());
    let mut document =
        binary.scene(json!([{"attributes": {"POSITION": places, "TEXCOORD_1": on}, "mode": 5, "material": 0}]));
    document["images"] = json!([{"bufferView": image, "mimeType": "image/bmp"}]);
    document["textures"] = json!([{"source": 0, "sampler": 0}]);
    document["samplers"] = json!([{}]);
    let texture = json!({"index": 0, "texCoord": 1});
    document["materials"] = json!([{"pbrMetallicRoughness": {"baseColorTexture": texture}}]);
    let colour = |bytes: &[u8]| {
        let sample = prepare(bytes).unwrap();
        let point = &values(&sample, 0)[..6];
        [point[3], point[4], point[5]].map(|value| (value * 255.0).round() as u8)
    };
    assert_eq!(colour(&binary.glb(&document)), [0, 0, 255], "below at the left");
    let transform = |by: Value| json!({"index": 0, "texCoord": 1, "extensions": {"KHR_texture_transform": by}});
    let mut with = |texture: Value, sampler: Value| {
        document["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"] = texture;
        document["samplers"][0] = sampler;
        binary.glb(&document)
    };
    assert_eq!(colour(&with(transform(json!({"offset": [0.5, 0]})), json!({}))), [255; 3], "at the right");
    assert_eq!(colour(&with(transform(json!({"offset": [0, 0.5]})), json!({}))), [255, 0, 0], "again from above");
    assert_eq!(
        colour(&with(transform(json!({"offset": [0, 0.5]})), json!({"wrapT": 33_071}))),
        [0, 0, 255],
        "the edge"
    );
    assert_eq!(colour(&with(transform(json!({"scale": [3, 1]})), json!({}))), [255; 3]);
    // A quarter turn takes (.25, .75) to (.75, −.25), which is (.75, .75).
    let turned = json!({"rotation": std::f64::consts::FRAC_PI_2});
    assert_eq!(colour(&with(transform(turned), json!({}))), [255; 3]);
    // Half of the light.
    document["materials"][0]["pbrMetallicRoughness"] =
        json!({"baseColorTexture": texture, "baseColorFactor": [1, 1, 0.5, 1]});
    assert_eq!(colour(&binary.glb(&document)), [0, 0, shown(0.5)]);
    // The same picture in the JSON itself.
    let bytes = picture();
    document["images"] = json!([{"uri": format!("data:image/bmp;base64,{}", base64(&bytes))}]);
    assert_eq!(colour(&binary.glb(&document)), [0, 0, shown(0.5)]);
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |three: &[u8]| {
        let value = three.iter().fold(0_u32, |value, byte| value << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        (0..=three.len()).map(move |digit| char::from(DIGITS[(value >> (18 - 6 * digit)) as usize & 63]))
    };
    bytes.chunks(3).flat_map(|three| digits(three).collect::<Vec<_>>()).collect()
}

#[test]
fn json_holds_its_buffers_or_names_what_it_lacks() {
    let mut binary = Binary::default();
    let places = binary.places();
    let mut document = binary.scene(json!([{"attributes": {"POSITION": places}, "mode": 5}]));
    document["buffers"][0]["uri"] = json!(format!("data:application/octet-stream;base64,{}", base64(&binary.bytes)));
    same(document.to_string().as_bytes(), &plain());
    same(serde_json::to_string_pretty(&document).unwrap().as_bytes(), &plain());
    document["buffers"][0]["uri"] = json!("house.bin");
    let refused = error(document.to_string().as_bytes());
    assert_eq!(refused.reason, Reason::MediaUnsupported);
    assert!(refused.message.contains("house.bin"), "{refused}");
}

/// A file that the reference wrote, and what it makes of it: `golden/shapes/make.py`.
#[test]
fn a_scene_is_what_the_reference_sees() {
    let expected: Value = serde_json::from_slice(&golden("shapes/expected.json")).unwrap();
    let spec = PointCloud { normalise: Normalise::None, ..spec(20_000, 20_000) };
    for name in ["scene.glb", "textured.glb"] {
        let bytes = golden(&format!("shapes/{name}"));
        let sample = PointCloudPreparer::new(&spec).prepare(&PrepareRequest::of(&bytes)).unwrap().samples.remove(0);
        let points: Vec<&[f32]> = values(&sample, 0).chunks(6).collect();
        for axis in 0..6 {
            let mean = points.iter().map(|point| f64::from(point[axis])).sum::<f64>() / points.len() as f64;
            let wanted = expected[name]["mean"][axis].as_f64().unwrap();
            assert!((mean - wanted).abs() < 0.02, "{name}: {axis}: {mean}, {wanted} is what the reference sees");
        }
    }
}
