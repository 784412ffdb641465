//! Every format of a shape is the shape: what PLY of the same gives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::time::Duration;

use common::{Random, spec, text, values};
use onespace_core::{
    Deadline, Modality, Patience, Prepare, PrepareRequest, Reason, Result, Room, Sample,
    sniff::{Sniffed, sniff},
};
use onespace_pointcloud::PointCloudPreparer;
use onespace_pointcloud::table::{Normalise, PointCloud};

fn prepare(bytes: &[u8]) -> Result<Sample> {
    let spec = PointCloud { normalise: Normalise::None, ..spec(120, 200) };
    PointCloudPreparer::new(&spec).prepare(&PrepareRequest::of(bytes)).map(|mut prepared| prepared.samples.remove(0))
}

fn told(bytes: &[u8]) -> Option<&'static str> {
    match sniff(bytes) {
        Sniffed::Known { modality: Modality::PointCloud, format } => Some(format),
        _ => None,
    }
}

/// A pyramid of a square and four triangles, a colour for each corner.
const PLACES: [[f32; 3]; 5] = [[0.0, 0.0, 0.0], [2.0, 0.0, 0.0], [2.0, 2.0, 0.0], [0.0, 2.0, 0.0], [1.0, 1.0, 1.5]];
const COLOURS: [[u8; 3]; 5] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30], [200, 100, 50]];
const FACES: [&[i64]; 5] = [&[0, 1, 2, 3], &[0, 1, 4], &[1, 2, 4], &[2, 3, 4], &[3, 0, 4]];

fn line(place: &[f32; 3]) -> String {
    place.map(|value| value.to_string()).join(" ")
}

fn triangles() -> Vec<[i64; 3]> {
    FACES.iter().flat_map(|face| face[1..].windows(2).map(|pair| [face[0], pair[0], pair[1]])).collect()
}

fn obj(colours: bool) -> String {
    let mut file = "# a pyramid\nmtllib py\u{e4}.mtl\no pyramid\n".to_owned();
    for (place, colour) in PLACES.iter().zip(COLOURS) {
        let colour = colour.map(|value| (f32::from(value) / 255.0).to_string()).join(" ");
        file += &format!("v {} {}\n", line(place), if colours { colour } else { String::new() });
    }
    file += "vt 0 0\nvn 0 0 1\ns off\n";
    for face in FACES {
        let corners: Vec<String> = face.iter().map(|corner| format!("{}/1/1", corner + 1)).collect();
        file += &format!("f {}\r\n", corners.join(" "));
    }
    file
}

fn off(colours: bool) -> String {
    let mut file = format!("{}OFF\n# a pyramid\n\n5 5 0\n", if colours { "C" } else { "" });
    for (place, colour) in PLACES.iter().zip(COLOURS) {
        let colour = colour.map(|value| value.to_string()).join(" ");
        file += &format!("{} {}\n", line(place), if colours { colour + " 255" } else { String::new() });
    }
    for face in FACES {
        let corners: Vec<String> = face.iter().map(i64::to_string).collect();
        file += &format!("{} {} 255 0 0\n", face.len(), corners.join(" "));
    }
    file
}

fn stl_binary() -> Vec<u8> {
    let mut file = b"solid made by a program that lies".to_vec();
    file.resize(80, b' ');
    file.extend((triangles().len() as u32).to_le_bytes());
    for triangle in triangles() {
        file.extend([0; 12]);
        file.extend(triangle.iter().flat_map(|corner| PLACES[*corner as usize]).flat_map(f32::to_le_bytes));
        file.extend([7, 7]);
    }
    file
}

fn stl_text() -> String {
    let corner = |corner: &i64| format!("   vertex {}\n", line(&PLACES[*corner as usize]));
    let facet = |triangle: &[i64; 3]| {
        let corners: String = triangle.iter().map(corner).collect();
        format!(" facet normal 0 0 0\n  outer loop\n{corners}  endloop\n endfacet\n")
    };
    format!("solid pyramid\n{}endsolid\n", triangles().iter().map(facet).collect::<String>())
}

#[test]
fn meshes_are_what_they_are_in_ply() {
    let plain = prepare(&text(&PLACES, &[], &FACES)).unwrap();
    let painted = prepare(&text(&PLACES, &COLOURS, &FACES)).unwrap();
    for (name, bytes, wanted) in [
        ("OBJ", obj(false).into_bytes(), &plain),
        ("OBJ", obj(true).into_bytes(), &painted),
        ("OFF", off(false).into_bytes(), &plain),
        ("OFF", off(true).into_bytes(), &painted),
        ("OFF", off(false).replace("OFF\n# a pyramid\n\n", "OFF").into_bytes(), &plain),
        ("STL", stl_binary(), &plain),
        ("STL", stl_text().into_bytes(), &plain),
    ] {
        assert_eq!(told(&bytes), Some(name));
        let found = prepare(&bytes).unwrap();
        let apart = values(&found, 0).iter().zip(values(wanted, 0)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-5, "{name}: {apart}");
    }
    // Corners counted from the last one so far.
    let backwards = obj(false).lines().filter(|line| !line.starts_with('f')).collect::<Vec<_>>().join("\n")
        + "\nf -5 -4 -3 -2\nf -5 -4 -1\nf -4 -3 -1\nf -3 -2 -1\nf -2 -5 -1\n";
    assert_eq!(prepare(backwards.as_bytes()).unwrap(), prepare(obj(false).as_bytes()).unwrap());
}

/// A cloud as PCD, with a field nobody reads, colours as bits of a float or of an integer.
fn pcd(places: &[[f32; 3]], data: &str, kind: char) -> Vec<u8> {
    let mut file = format!(
        "# .PCD v0.7 - Point Cloud Data file format\nVERSION 0.7\nFIELDS x y z normal rgb\nSIZE 4 4 4 4 4\n\
         TYPE F F F F {kind}\nCOUNT 1 1 1 2 1\nWIDTH {0}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {0}\nDATA {data}\n",
        places.len()
    )
    .into_bytes();
    for (number, place) in places.iter().enumerate() {
        // An opacity makes an integer of both signs negative, and is not looked at.
        let opacity = if kind == 'I' { 255 } else { 0 };
        let bits = u32::from_be_bytes([opacity, number as u8, 100, 200]);
        let [x, y, z] = place;
        if data == "ascii" {
            let colour = match kind {
                'F' => format!("{:e}", f32::from_bits(bits)),
                'I' => (bits as i32).to_string(),
                _ => bits.to_string(),
            };
            file.extend(format!("{x} {y} {z} nan nan {colour}\n").bytes());
        } else {
            file.extend([*x, *y, *z, f32::NAN, f32::NAN].iter().flat_map(|value| value.to_le_bytes()));
            file.extend(bits.to_le_bytes());
        }
    }
    file
}

#[test]
fn clouds_are_what_they_are_in_ply() {
    let mut places = Random(5).places(150);
    let colours: Vec<[u8; 3]> = (0..150).map(|number| [number as u8, 100, 200]).collect();
    let wanted = prepare(&text(&places, &colours, &[])).unwrap();
    for data in ["ascii", "binary"] {
        for kind in ['F', 'U', 'I'] {
            let bytes = pcd(&places, data, kind);
            assert_eq!(told(&bytes), Some("PCD"));
            assert_eq!(prepare(&bytes).unwrap(), wanted, "{data} {kind}");
        }
    }
    let vertices: String = places.iter().map(|place| format!("v {}\n", line(place))).collect();
    assert_eq!(told(vertices.as_bytes()), Some("OBJ"));
    assert_eq!(prepare(vertices.as_bytes()).unwrap(), prepare(&text(&places, &[], &[])).unwrap());
    // Depth cameras write NaN.
    let whole = prepare(&pcd(&places, "binary", 'U')).unwrap();
    places.push([f32::NAN; 3]);
    assert_eq!(prepare(&pcd(&places, "binary", 'U')).unwrap(), whole);
    assert_eq!(prepare(&pcd(&places, "ascii", 'U')).unwrap(), whole);
}

#[test]
fn what_is_not_read_is_refused_by_name() {
    let refusal = |bytes: &[u8]| prepare(bytes).unwrap_err();
    let compressed = pcd(&PLACES, "binary_compressed", 'U');
    let named = refusal(&compressed);
    assert!(named.reason == Reason::MediaUnsupported && named.message.contains("binary_compressed"), "{named}");
    let homogeneous = refusal(off(false).replace("OFF", "NOFF").as_bytes());
    assert!(homogeneous.reason == Reason::MediaUnsupported && homogeneous.message.contains("NOFF"), "{homogeneous}");
    for (bytes, reason) in [
        (obj(false).replace("f 1/1/1", "f 9/1/1"), Reason::MediaMalformed),
        (obj(false).replace("f 1/1/1", "f 0/1/1"), Reason::MediaMalformed),
        (obj(false).replace("v 2 ", "v two "), Reason::MediaMalformed),
        (obj(false).replace("f 1/1/1 2/1/1", "f 1/1/1 \\\n2/1/1"), Reason::MediaUnsupported),
        ("mtllib a.mtl\n".to_owned(), Reason::MediaEmpty),
        (off(false).replace("5 5 0", "5 500000000 0"), Reason::MediaMalformed),
        (off(false).replace("5 5 0", "99999999999 5 0"), Reason::MediaMalformed),
        (off(false).replace("4 0 1 2 3", "4294967296 0 1 2 3"), Reason::MediaTooLarge),
        (off(false).replace("4 0 1 2 3", "4 0 1 2 5"), Reason::MediaMalformed),
        (stl_text().replace("  endloop", "vertex 1 1 1\n  endloop"), Reason::MediaMalformed),
    ] {
        let error = refusal(bytes.as_bytes());
        assert_eq!((error.reason, error.field.as_str()), (reason, "bytes"), "{bytes}: {error}");
    }
}

#[test]
fn what_stands_behind_the_counts_of_an_off_is_a_comment() {
    let file = off(false).replace("5 5 0", "5 5 0 # counts");
    assert_eq!(told(file.as_bytes()), Some("OFF"));
    assert_eq!(prepare(file.as_bytes()).unwrap(), prepare(off(false).as_bytes()).unwrap());
    let binary = prepare(b"OFF BINARY\n\0\0\0\x05\0\0\0\x05\0\0\0\0").unwrap_err();
    assert!(binary.reason == Reason::MediaUnsupported && binary.message.contains("binary OFF"), "{binary}");
}

#[test]
fn a_header_is_not_looked_for_without_end() {
    let header = |space: usize| {
        let file = String::from_utf8(pcd(&PLACES, "ascii", 'U')).unwrap();
        file.replace("DATA ascii", &format!("DATA ascii{}", " ".repeat(space))).into_bytes()
    };
    assert!(prepare(&header(1000)).is_ok());
    let error = prepare(&header(100_000)).map(drop).unwrap_err();
    assert!(error.reason == Reason::MediaMalformed && error.message.contains("end of its header"), "{error}");
}

/// A sheet of squares of two triangles, the left half of which are a hundredth as wide as the right's.
#[test]
fn a_mesh_of_half_a_million_triangles_is_its_surface() {
    let side = 500_u32;
    let place = |x: u32, y: u32| {
        let x = if x <= side / 2 { x as f32 / 100.0 } else { 2.5 + (x - side / 2) as f32 };
        [x, y as f32, 0.0_f32]
    };
    let mut triangles = Vec::new();
    for at in 0..side * side {
        let (x, y) = (at % side, at / side);
        let [a, b, c, d] = [place(x, y), place(x + 1, y), place(x, y + 1), place(x + 1, y + 1)];
        triangles.extend([[a, b, c], [b, d, c]]);
    }
    let mut file = vec![b' '; 80];
    file.extend((triangles.len() as u32).to_le_bytes());
    for triangle in &triangles {
        file.extend([0; 12]);
        file.extend(triangle.iter().flatten().flat_map(|value| value.to_le_bytes()));
        file.extend([0; 2]);
    }
    assert!(triangles.len() > 349_525);
    let sample = prepare(&file).unwrap();
    let right = values(&sample, 0).chunks(6).filter(|point| point[0] > 2.5).count();
    assert!(right > 110, "{right} of 120 points are on the half that is nearly all of the surface");
}

/// What is kept whole waits for room.
#[test]
fn a_file_that_is_kept_waits_for_room() {
    let room = Room::new(1000);
    let spec = PointCloud { normalise: Normalise::None, ..spec(120, 200) };
    let outcome = |bytes: &[u8]| {
        let late = Patience::until(Deadline::after(Duration::from_millis(200))).within(room.clone());
        PointCloudPreparer::new(&spec).prepare(&PrepareRequest::of(bytes).within(&late)).map(drop)
    };
    let files = [
        obj(false).into_bytes(),
        off(false).into_bytes(),
        stl_binary(),
        stl_text().into_bytes(),
        pcd(&PLACES, "ascii", 'U'),
    ];
    let others = room.hold(900, || Ok(())).unwrap();
    for file in &files {
        assert_eq!(outcome(file).unwrap_err().reason, Reason::DeadlineExceeded);
    }
    assert!(outcome(&text(&PLACES, &[], &FACES)).is_ok(), "of a PLY file nothing is kept");
    drop(others);
    assert!(files.iter().all(|file| outcome(file).is_ok()));
}

#[test]
fn prose_is_no_shape() {
    for prose in [
        "v is a letter\n",
        "OFF we go\n",
        "OFFICE\n12\n",
        "solid ground and many facets\n",
        "v 1 2\n",
        "f 1 2 3\n",
        "# a heading\ng 1\n",
        "VERSION 2\n",
        "OFF\n\n",
        "v 1 2 3\nand so on\n",
    ] {
        assert_eq!(told(prose.as_bytes()), None, "{prose}");
    }
}

#[test]
fn broken_files_are_an_error_that_blames_them() {
    let cloud = Random(1).places(60);
    for original in [
        obj(true).into_bytes(),
        off(true).into_bytes(),
        stl_binary(),
        stl_text().into_bytes(),
        pcd(&cloud, "ascii", 'F'),
        pcd(&cloud, "binary", 'U'),
    ] {
        let mut random = Random(3);
        for round in 0..2000 {
            let mut bytes = original.clone();
            if round % 4 == 0 {
                bytes.truncate(random.below(original.len()));
            } else {
                for _ in 0..=random.below(5) {
                    let at = random.below(bytes.len());
                    bytes[at] =
                        if random.below(2) == 0 { b'0' + random.below(10) as u8 } else { random.below(256) as u8 };
                }
            }
            match prepare(&bytes) {
                Ok(sample) => assert!(values(&sample, 0).iter().all(|value| value.is_finite())),
                Err(error) => assert!(error.reason.name().starts_with("MEDIA_") && error.field == "bytes", "{error:?}"),
            }
        }
    }
}
