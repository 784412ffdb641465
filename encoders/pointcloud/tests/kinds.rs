//! Files as scanners, cameras and modelling programs write them: each is the thing that it shows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use common::{Random, binary, spec, text, values};
use onespace_core::{Prepare, PrepareRequest, Reason, Result, Sample};
use onespace_pointcloud::PointCloudPreparer;
use onespace_pointcloud::table::{Layout, Normalise, PointCloud, Subsample};

fn prepare(spec: &PointCloud, bytes: &[u8]) -> Result<Sample> {
    PointCloudPreparer::new(spec).prepare(&PrepareRequest::of(bytes)).map(|mut prepared| prepared.samples.remove(0))
}

fn points(spec: &PointCloud, bytes: &[u8]) -> Vec<[f32; 6]> {
    values(&prepare(spec, bytes).unwrap(), 0).chunks(6).map(|point| point.try_into().unwrap()).collect()
}

fn apart(found: &[[f32; 6]], wanted: &[[f32; 6]]) -> f32 {
    assert_eq!(found.len(), wanted.len());
    found.iter().flatten().zip(wanted.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// A file of doubles, little-endian or big-endian.
fn doubles(places: &[[f64; 3]], little: bool) -> Vec<u8> {
    let order = if little { "little" } else { "big" };
    let mut bytes = format!(
        "ply\nformat binary_{order}_endian 1.0\ncomment of a survey\nelement vertex {}\nproperty double x\n\
         property double y\nproperty double z\nend_header\n",
        places.len()
    )
    .into_bytes();
    let number = |value: &f64| if little { value.to_le_bytes() } else { value.to_be_bytes() };
    bytes.extend(places.iter().flatten().flat_map(number));
    bytes
}

#[test]
fn places_far_from_the_origin_keep_their_shape() {
    let near: Vec<[f64; 3]> = Random(2).places(500).iter().map(|place| place.map(f64::from)).collect();
    let wanted = points(&spec(200, 500), &doubles(&near, true));
    for far in [[500_000.0, 5_400_000.0, 300.0], [-2e9, 7.25, 1e7]] {
        let moved: Vec<[f64; 3]> = near.iter().map(|[x, y, z]| [x + far[0], y + far[1], z + far[2]]).collect();
        for little in [true, false] {
            let worst = apart(&points(&spec(200, 500), &doubles(&moved, little)), &wanted);
            assert!(worst < 1e-5, "{far:?}: {worst}");
        }
    }
    // A file that is not moved keeps its places.
    let raw = PointCloud { normalise: Normalise::None, ..spec(1, 1) };
    assert_eq!(points(&raw, &doubles(&[[5000.0, 2.0, -9000.0]], true))[0][..3], [5000.0, 2.0, -9000.0]);
}

#[test]
fn text_says_where_far_places_are() {
    let near: Vec<[f64; 3]> = Random(12).places(500).iter().map(|place| place.map(f64::from)).collect();
    let wanted = points(&spec(200, 500), &doubles(&near, true));
    let far = |[x, y, z]: &[f64; 3]| format!("{:.9} {:.9} {:.9}", x + 500_000.0, y + 5_400_000.0, z - 20_000.0);
    let worst = apart(&points(&spec(200, 500), &vertices("x y z", &near.iter().map(far).collect::<Vec<_>>())), &wanted);
    assert!(worst < 1e-5, "{worst}");
}

#[test]
fn nowhere_is_written_in_many_ways() {
    let places = Random(13).places(60);
    let wanted = points(&spec(30, 60), &vertices("x y z", &lines(&places, "", "")));
    for word in ["nan", "NaN", "-nan", "nan(ind)", "-nan(ind)", "-1.#IND", "1.#QNAN", "inf", "-Infinity", "1.#INF"] {
        let mut organised = lines(&places, "", "");
        organised.insert(20, format!("0 {word} {word}"));
        organised.push(format!("{word} 0 0"));
        assert_eq!(points(&spec(30, 60), &vertices("x y z", &organised)), wanted, "{word}");
    }
}

#[test]
fn a_colour_that_is_no_number_is_none() {
    let places = Random(14).places(20);
    for word in ["nan", "inf"] {
        let mut painted = lines(&places, "", "0.5 0.25 0.75");
        painted[3] = format!("0 0 0 {word} 0.25 0.75");
        let found = points(
            &PointCloud { normalise: Normalise::None, ..spec(20, 20) },
            &vertices("x y z red green blue", &painted),
        );
        assert_eq!((found[3][3..].to_vec(), found[4][3..].to_vec()), (vec![0.4, 0.25, 0.75], vec![0.5, 0.25, 0.75]));
    }
}

#[test]
fn places_near_the_origin_are_those_of_single_precision() {
    let places = Random(4).places(300);
    let double: Vec<[f64; 3]> = places.iter().map(|place| place.map(f64::from)).collect();
    assert_eq!(points(&spec(100, 300), &binary(&places)), points(&spec(100, 300), &doubles(&double, true)));
}

#[test]
fn points_that_are_nowhere_are_left_out() {
    let places = Random(6).places(400);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut organised = Vec::new();
        for (number, place) in places.iter().enumerate() {
            if number % 2 == 0 {
                let mut nowhere = *place;
                nowhere[number / 2 % 3] = bad;
                organised.push(nowhere);
            }
            organised.push(*place);
        }
        for subsample in [Subsample::Fps, Subsample::Stride, Subsample::Random] {
            for count in [50, 400, 500] {
                let spec = PointCloud { subsample, ..spec(count, 450.max(count)) };
                assert_eq!(points(&spec, &binary(&organised)), points(&spec, &binary(&places)), "{bad} {subsample:?}");
            }
        }
    }
}

#[test]
fn a_cloud_that_is_next_to_nowhere_is_refused() {
    let cloud = |somewhere: usize| {
        let mut places = vec![[f32::NAN; 3]; 1000];
        places.iter_mut().zip(Random(1).places(somewhere)).for_each(|(slot, place)| *slot = place);
        prepare(&spec(10, 10), &binary(&places))
    };
    for subsample in [Subsample::Stride, Subsample::Random] {
        let spec = PointCloud { subsample, ..spec(10, 10) };
        assert!(prepare(&spec, &binary(&[[f32::NAN; 3]; 7])).is_err());
    }
    assert!(cloud(10).is_ok());
    for few in [0, 9] {
        let error = cloud(few).unwrap_err();
        assert_eq!((error.reason, error.field.as_str()), (Reason::MediaMalformed, "bytes"));
        assert!(error.message.contains(&format!("{few} of its 1000 points")), "{error}");
    }
}

#[test]
fn a_face_with_a_corner_that_is_nowhere_is_left_out() {
    let square = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]];
    let mut places = square.to_vec();
    places.push([0.5, f32::NAN, 9.0]);
    let raw = PointCloud { normalise: Normalise::None, ..spec(500, 500) };
    let whole = points(&raw, &text(&square, &[], &[&[0, 1, 2, 3]]));
    assert_eq!(points(&raw, &text(&places, &[], &[&[0, 1, 4], &[0, 1, 2, 3], &[4, 2, 3]])), whole);
    // Where no face is left, the points are.
    assert_eq!(points(&raw, &text(&places, &[], &[&[0, 1, 4]])), points(&raw, &text(&square, &[], &[])));
}

/// A text file whose vertices have the properties that `head` names.
fn vertices(head: &str, lines: &[String]) -> Vec<u8> {
    let properties: String = head.split(' ').map(|name| format!("property float {name}\n")).collect();
    let count = lines.len();
    format!("ply\nformat ascii 1.0\nelement vertex {count}\n{properties}end_header\n{}\n", lines.join("\n"))
        .into_bytes()
}

#[test]
fn what_nobody_reads_refuses_nothing() {
    let places = Random(8).places(60);
    let wanted = points(&spec(30, 60), &vertices("x y z", &lines(&places, "", "")));
    for (before, after) in [("nan", "nan"), ("-nan(ind)", "1.#IND"), ("none", "-"), ("1e999", "\u{fc}")] {
        let bytes = vertices("nx x y z curvature", &lines(&places, before, after));
        assert_eq!(points(&spec(30, 60), &bytes), wanted, "{before} {after}");
    }
    for bad in ["none", "0x10", "--", "1,5"] {
        let mut broken = lines(&places, "", "");
        broken[7] = format!("0 {bad} 0");
        let error = prepare(&spec(30, 60), &vertices("x y z", &broken)).unwrap_err();
        assert_eq!(error.reason, Reason::MediaMalformed);
        assert!(error.message.contains("vertex 7") && error.message.contains("\"y\""), "{error}");
    }
}

fn lines(places: &[[f32; 3]], before: &str, after: &str) -> Vec<String> {
    places.iter().map(|[x, y, z]| format!("{before} {x} {y} {z} {after}")).collect()
}

#[test]
fn splats_have_the_colours_of_their_harmonics() {
    let places = Random(3).places(40);
    let line = |([x, y, z], [r, g, b]): (&[f32; 3], [f32; 3])| format!("{x} {y} {z} {r} {g} {b}");
    let harmonics = places.iter().zip([[0.0, 1.0, -1.0], [9.0, -9.0, 0.5]].into_iter().cycle());
    let bytes = vertices("x y z f_dc_0 f_dc_1 f_dc_2", &harmonics.map(line).collect::<Vec<_>>());
    let raw = PointCloud { normalise: Normalise::None, ..spec(40, 40) };
    for (point, colour) in
        points(&raw, &bytes).iter().zip([[0.5, 0.78209, 0.21791], [1.0, 0.0, 0.64105]].iter().cycle())
    {
        assert!(point[3..].iter().zip(colour).all(|(a, b)| (a - b).abs() < 1e-5), "{point:?}");
    }
    // A colour that is said counts, on whichever side it stands.
    for head in ["x y z f_dc_0 red green blue", "x y z red green blue f_dc_0"] {
        let values = if head.ends_with('0') { "0.25 0.25 0.25 7" } else { "7 0.25 0.25 0.25" };
        let said: Vec<String> = places.iter().map(|[x, y, z]| format!("{x} {y} {z} {values}")).collect();
        assert!(points(&raw, &vertices(head, &said)).iter().all(|point| point[3..] == [0.25; 3]), "{head}");
    }
}

/// A cylinder's two ends as one face each, or as fans of triangles, and its sides.
fn cylinder(corners: i64, ends: bool) -> Vec<u8> {
    let angle = |number: i64| number as f32 / corners as f32 * std::f32::consts::TAU;
    let ring = |z: f32| (0..corners).map(move |number| [angle(number).cos(), angle(number).sin(), z]);
    let places: Vec<[f32; 3]> = ring(0.0).chain(ring(2.0)).collect();
    let mut faces: Vec<Vec<i64>> =
        (0..corners).map(|a| vec![a, (a + 1) % corners, (a + 1) % corners + corners, a + corners]).collect();
    for first in [0, corners] {
        if ends {
            faces.push((first..first + corners).collect());
        } else {
            faces.extend((1..corners - 1).map(|number| vec![first, first + number, first + number + 1]));
        }
    }
    text(&places, &[], &faces.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

#[test]
fn a_face_of_many_corners_is_its_triangles() {
    for corners in [65, 128, 1000] {
        let spec = spec(400, 400);
        assert_eq!(points(&spec, &cylinder(corners, true)), points(&spec, &cylinder(corners, false)), "{corners}");
    }
}

/// A square of two triangles beside one of `cells` squared: as large, and with far more vertices.
fn uneven(cells: i64) -> Vec<u8> {
    let side = cells + 1;
    let mut places: Vec<[f32; 3]> = (0..side * side)
        .map(|at| [(at % side) as f32 / cells as f32, (at / side) as f32 / cells as f32, 0.0])
        .collect();
    let mut faces: Vec<Vec<i64>> = (0..cells * cells)
        .map(|at| at / cells * side + at % cells)
        .map(|at| vec![at, at + 1, at + side + 1, at + side])
        .collect();
    let first = places.len() as i64;
    places.extend([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 1.0, 0.0], [1.0, 1.0, 0.0]]);
    faces.push((first..first + 4).collect());
    text(&places, &[], &faces.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

#[test]
fn a_mesh_is_its_surface_however_its_vertices_crowd() {
    let raw = PointCloud { normalise: Normalise::None, layout: Layout::Xyz, ..spec(64, 256) };
    for subsample in [Subsample::Fps, Subsample::Stride, Subsample::Random] {
        let raw = PointCloud { subsample, ..raw.clone() };
        let sample = prepare(&raw, &uneven(30)).unwrap();
        assert_eq!(sample, prepare(&raw, &uneven(30)).unwrap());
        let right = values(&sample, 0).chunks(3).filter(|place| place[0] > 1.0).count();
        assert!(right.abs_diff(32) <= 4, "{subsample:?}: {right} of 64 on the half with four vertices");
    }
}

#[test]
fn strips_and_lists_of_other_names_are_faces() {
    let square = "0 0 0\n1 0 0\n0 1 0\n1 1 0\n";
    let file = |elements: &str, lines: &str| {
        format!(
            "ply\nformat ascii 1.0\nobj_info num_cols 2\nelement vertex 4\nproperty float x\nproperty float y\n\
             property float z\nproperty uchar alpha\n{elements}\nend_header\n{}{lines}\n",
            square.replace('\n', " 255\n")
        )
        .into_bytes()
    };
    let raw = PointCloud { normalise: Normalise::None, ..spec(300, 300) };
    let wanted = points(&raw, &file("element face 2\nproperty list uchar int vertex_indices", "3 0 1 2\n3 1 2 3"));
    assert!(wanted.iter().any(|point| point[0] > 0.2 && point[0] < 0.8 && point[1] > 0.2 && point[1] < 0.8));
    for (elements, lines) in [
        ("element face 2\nproperty list uchar uint vertex_index", "3 0 1 2\n3 1 2 3"),
        (
            "element face 2\nproperty list uchar float texcoord\nproperty list int short vertex_indices\n\
             property int flags",
            "2 0.5 nan 3 0 1 2 x\n0 3 1 2 3",
        ),
        ("element tristrips 1\nproperty list int int vertex_indices", "4 0 1 2 3"),
        ("element tristrips 1\nproperty list int int vertex_indices", "7 0 1 2 -1 1 2 3"),
    ] {
        assert_eq!(points(&raw, &file(elements, lines)), wanted, "{elements}");
    }
    let error = prepare(&raw, &file("element tristrips 1\nproperty list int int vertex_indices", "3 0 1 4"));
    assert!(error.unwrap_err().message.contains("names vertex 4"));
}
