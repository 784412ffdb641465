//! Laser scans and lists of points are what their references read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use common::{golden, values};
use onespace_core::{
    Error, Media, Modality, Prepare, PrepareRequest, Reason, limits,
    sniff::{Sniffed, sniff},
};
use onespace_pointcloud::PointCloudPreparer;
use serde_json::Value;

/// All points of a file in its order, moved and scaled into the unit sphere, with colours.
fn points(bytes: &[u8], count: usize) -> Result<Vec<[f32; 6]>, Error> {
    let spec = format!(
        "points = {count}\npresample = {count}\nsubsample = \"stride\"\nlayout = \"xyzrgb\"\ncolour_default = 0.5"
    );
    let preparer = PointCloudPreparer::new(&toml::from_str(&spec).unwrap());
    let sample = preparer.prepare(&PrepareRequest::of(bytes))?.samples.remove(0);
    Ok(values(&sample, 0).as_chunks::<6>().0.to_vec())
}

/// The same of points as they are expected.
fn normalised(rows: &[[f64; 6]]) -> Vec<[f64; 6]> {
    let count = rows.len() as f64;
    let mean = [0, 1, 2].map(|axis| rows.iter().map(|row| row[axis]).sum::<f64>() / count);
    let moved = |row: &[f64; 6]| [0, 1, 2].map(|axis| row[axis] - mean[axis]);
    let length = |place: [f64; 3]| place.iter().map(|value| value * value).sum::<f64>().sqrt();
    let radius = rows.iter().map(|row| length(moved(row))).fold(0.0, f64::max);
    rows.iter()
        .map(|row| {
            let [x, y, z] = moved(row).map(|value| value / radius);
            [x, y, z, row[3], row[4], row[5]]
        })
        .collect()
}

fn same(found: &[[f32; 6]], rows: &[[f64; 6]], name: &str) {
    assert_eq!(found.len(), rows.len(), "{name}");
    for (number, (found, wanted)) in found.iter().zip(normalised(rows)).enumerate() {
        for axis in 0..6 {
            let wanted = if axis >= 3 && wanted[axis] < 0.0 { 0.5 } else { wanted[axis] };
            assert!(
                (f64::from(found[axis]) - wanted).abs() < 2e-5,
                "{name}, point {number}: {found:?}, {wanted} at {axis}"
            );
        }
    }
}

fn told(bytes: &[u8]) -> Option<&'static str> {
    match sniff(bytes) {
        Sniffed::Known { modality: Modality::PointCloud, format } => Some(format),
        _ => None,
    }
}

fn expected(name: &str) -> Vec<[f64; 6]> {
    let all: Value = serde_json::from_slice(&golden("shapes/expected.json")).unwrap();
    serde_json::from_value(all[name].clone()).unwrap()
}

/// `golden/shapes/make.py`: by laspy and pye57.
#[test]
fn scans_are_what_the_references_read() {
    for (name, format) in
        [("bytes.las", "LAS/LAZ"), ("colours.laz", "LAS/LAZ"), ("grey.laz", "LAS/LAZ"), ("scans.e57", "E57")]
    {
        let (bytes, rows) = (golden(&format!("shapes/{name}")), expected(name));
        assert_eq!(told(&bytes), Some(format));
        same(&points(&bytes, rows.len()).unwrap(), &rows, name);
    }
}

#[test]
fn scans_that_are_cut_or_lie_are_refused() {
    for name in ["bytes.las", "colours.laz", "scans.e57"] {
        let bytes = golden(&format!("shapes/{name}"));
        for length in (5..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
            // What lies behind the last point is nobody's.
            if let Err(error) = points(&bytes[..length], 60) {
                let reason = error.reason;
                assert!(matches!(reason, Reason::MediaMalformed | Reason::MediaEmpty), "{name} {length}: {error}");
            } else {
                assert!(length * 100 > bytes.len() * 80, "{name} {length}");
            }
        }
        // Any byte of the head may be another: an error, or other points, and nothing that takes memory or time.
        for place in 4..400.min(bytes.len()) {
            for value in [0, 0x7f, 0xff] {
                let mut broken = bytes.clone();
                broken[place] = value;
                let _ = points(&broken, 60);
            }
        }
    }
    // As many points as numbers hold, and more than may be.
    let mut many = golden("shapes/bytes.las");
    many[107..111].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(points(&many, 60).unwrap_err().reason, Reason::MediaTooLarge);
    many[107..111].copy_from_slice(&(limits::POINTS as u32).to_le_bytes());
    assert_eq!(points(&many, 60).unwrap_err().reason, Reason::MediaMalformed);
    many[107..111].copy_from_slice(&0_u32.to_le_bytes());
    assert_eq!(points(&many, 60).unwrap_err().reason, Reason::MediaEmpty);
    // A record behind the points that claims to be endless is not read.
    let mut records = golden("shapes/colours.laz");
    let behind = records.len() as u64;
    records[235..243].copy_from_slice(&behind.to_le_bytes());
    records[243..247].copy_from_slice(&1_u32.to_le_bytes());
    records.extend([&[0; 20][..], &u64::MAX.to_le_bytes(), &[0; 32]].concat());
    same(&points(&records, 60).unwrap(), &expected("colours.laz"), "records");
    let mut xml = golden("shapes/scans.e57");
    xml[32..40].copy_from_slice(&(u64::MAX / 2).to_le_bytes());
    assert_eq!(points(&xml, 80).unwrap_err().reason, Reason::MediaTooLarge);
}

/// Rows of random points, with a colour of bytes for each.
fn rows(count: usize) -> Vec<[f64; 6]> {
    let mut random = common::Random(5);
    let mut part = |bound: usize| random.below(bound) as f64;
    (0..count)
        .map(|_| [part(9_000) / 64.0 + 0.125, part(9_000) / 64.0, part(9_000) / 64.0, part(256), part(256), part(256)])
        .collect()
}

fn list(rows: &[[f64; 6]], line: impl Fn(&[f64; 6]) -> String) -> String {
    rows.iter().map(|row| line(row) + "\n").collect()
}

#[test]
fn lists_of_points_are_read_as_programs_write_them() {
    let rows = rows(70);
    let coloured: Vec<[f64; 6]> =
        rows.iter().map(|[x, y, z, r, g, b]| [*x, *y, *z, r / 255.0, g / 255.0, b / 255.0]).collect();
    let bare: Vec<[f64; 6]> = rows.iter().map(|[x, y, z, ..]| [*x, *y, *z, -1.0, -1.0, -1.0]).collect();
    let comma = |value: &f64| value.to_string().replace('.', ",");
    for (name, text, wanted) in [
        ("places", list(&rows, |[x, y, z, ..]| format!("{x} {y} {z}")), &bare),
        ("an intensity", list(&rows, |[x, y, z, r, ..]| format!("{x}\t{y}\t{z}\t{r}")), &bare),
        ("bytes", list(&rows, |[x, y, z, r, g, b]| format!("{x} {y} {z} {r} {g} {b}")), &coloured),
        (
            "bytes with points",
            list(&rows, |[x, y, z, r, g, b]| format!("{x},{y},{z},{r}.0,{g}.0,{b}.0,255.0")),
            &coloured,
        ),
        ("parts", list(&coloured, |[x, y, z, r, g, b]| format!("{x} {y} {z} {r} {g} {b}")), &coloured),
        ("normals", list(&rows, |[x, y, z, ..]| format!("{x} {y} {z} 0.6 0 0.8")), &bare),
        (
            "colours and normals",
            list(&rows, |[x, y, z, r, g, b]| format!("{x} {y} {z} {r} {g} {b} -0.6 0 0.8")),
            &coloured,
        ),
        (
            "normals and colours",
            list(&rows, |[x, y, z, r, g, b]| format!("{x} {y} {z} -0.6 0 0.8 {r} {g} {b}")),
            &coloured,
        ),
        ("comments", format!("# made\n\n{}", list(&rows, |[x, y, z, ..]| format!("  {x}  {y}  {z}  "))), &bare),
        (
            "PTS",
            format!("70\n{}", list(&rows, |[x, y, z, r, g, b]| format!("{x} {y} {z} -700 {r} {g} {b}"))),
            &coloured,
        ),
        (
            "names",
            format!(
                "\"X\",\"Y\",\"Z\",\"Intensity\",\"R\",\"G\",\"B\"\r\n{}",
                list(&rows, |[x, y, z, r, g, b]| format!("{x},{y},{z},7,{r},{g},{b}"))
            ),
            &coloured,
        ),
        (
            "other order",
            format!("//blue green red z y x\n{}", list(&rows, |[x, y, z, r, g, b]| format!("{b} {g} {r} {z} {y} {x}"))),
            &coloured,
        ),
        ("decimal commas", list(&rows, |[x, y, z, ..]| format!("{};{};{}", comma(x), comma(y), comma(z))), &bare),
    ] {
        assert_eq!(told(text.as_bytes()), Some("XYZ"), "{name}");
        same(&points(text.as_bytes(), rows.len()).unwrap_or_else(|error| panic!("{name}: {error}")), wanted, name);
    }
}

#[test]
fn numbers_that_may_be_anything_are_for_their_sender_to_say() {
    let few = "1.5 2 3\n4 5 6\n7 8 9\n10 11 12\n";
    let times: String = (0..200).map(|k| format!("{},{},{}\n", f64::from(k) / 100.0, (k * 7) % 13, 0.5)).collect();
    let wide: String = (0..200).map(|k| format!("{}.5 1 2 3 4\n", k * 7 % 13)).collect();
    let clock = format!("time,x,y,z\n{}", "0.5,1,2,3\n".repeat(80));
    for text in [few, &times, &wide, &clock] {
        let media = |modality| Media { modality, ..Media::bytes(text.as_bytes().to_vec()) };
        let error = media(None).resolve().unwrap_err();
        assert_eq!(error.reason, Reason::ModalityUnknown, "{text:.40}");
        for said in [Modality::Text, Modality::PointCloud, Modality::Imu] {
            assert_eq!(media(Some(said)).resolve().unwrap().1, said);
        }
    }
    let bare = [[1.5, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [10.0, 11.0, 12.0]]
        .map(|[x, y, z]| [x, y, z, -1.0, -1.0, -1.0]);
    same(&points(few.as_bytes(), 4).unwrap(), &bare, "a stated list");
    // Prose and other tables stay texts.
    for text in [
        "1.5 2 3\n4 5 6\n7 8 9\nten\n",
        "1 2\n3 4\n5.5 6\n7 8\n",
        "in 1999, 3.5 of 4\n",
        "1.5 2 3\n4 5 6\n",
        "1 2 3\n4 5 6\n7 8 9\n1 2 3\n",
    ] {
        assert_eq!(Media::bytes(text.as_bytes().to_vec()).resolve().unwrap().1, Modality::Text, "{text}");
    }
}

#[test]
fn lists_that_break_off_are_refused_by_line() {
    let rows = rows(70);
    let text = list(&rows, |[x, y, z, ..]| format!("{x} {y} {z}"));
    for (end, line) in [("1 2\n", "71"), ("one two three\n", "71"), ("1 2 \u{e4}\n", "71")] {
        let error = points(format!("{text}{end}").as_bytes(), 70).unwrap_err();
        assert_eq!(error.reason, Reason::MediaMalformed);
        assert!(error.message.contains(line), "{error}");
    }
    let nowhere = points(format!("{text}nan nan nan\n").as_bytes(), 70).unwrap();
    assert_eq!(nowhere.len(), 70);
}

/// An array of NumPy: the text of its head, and its bytes.
fn npy(kind: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let mut head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    while (head.len() + 11) % 64 != 0 {
        head.push(' ');
    }
    head.push('\n');
    [b"\x93NUMPY\x01\0".as_slice(), &(head.len() as u16).to_le_bytes(), head.as_bytes(), bytes].concat()
}

#[test]
fn arrays_are_lists_of_points() {
    let rows = rows(70);
    let coloured: Vec<[f64; 6]> =
        rows.iter().map(|[x, y, z, r, g, b]| [*x, *y, *z, r / 255.0, g / 255.0, b / 255.0]).collect();
    let bare: Vec<[f64; 6]> = rows.iter().map(|[x, y, z, ..]| [*x, *y, *z, -1.0, -1.0, -1.0]).collect();
    let places: Vec<u8> = rows.iter().flat_map(|row| row[..3].to_vec()).flat_map(f64::to_le_bytes).collect();
    let all: Vec<u8> = rows.iter().flatten().flat_map(|value| (*value as f32).to_le_bytes()).collect();
    let (three, six) = (npy("<f8", "(70, 3)", &places), npy("<f4", "(70, 6)", &all));
    assert_eq!(told(&three), Some("NPY of points"));
    same(&points(&three, 70).unwrap(), &bare, "three");
    same(&points(&six, 70).unwrap(), &coloured, "six");
    // Six numbers a row are measurements, unless their sender says that they are points.
    let media = |modality| Media { modality, ..Media::bytes(six.clone()) };
    assert_eq!(media(None).resolve().unwrap().1, Modality::Imu);
    assert_eq!(media(Some(Modality::PointCloud)).resolve().unwrap().1, Modality::PointCloud);
    for (broken, reason) in [
        (npy("<f8", "(71, 3)", &places), Reason::MediaTooLarge),
        (npy("<f8", "(9223372036854775807, 3)", &places), Reason::MediaTooLarge),
        (npy("<f8", "(210,)", &places), Reason::MediaMalformed),
        (npy("<f8", "(105, 2)", &places), Reason::MediaMalformed),
        (npy("<c8", "(70, 3)", &places), Reason::MediaUnsupported),
    ] {
        assert_eq!(points(&broken, 70).unwrap_err().reason, reason);
    }
}

#[test]
fn splats_are_told_by_their_sender_alone() {
    let rows: Vec<[f64; 6]> =
        rows(40).iter().map(|[x, y, z, r, g, b]| [*x, *y, *z, r / 255.0, g / 255.0, b / 255.0]).collect();
    let splat = |row: &[f64; 6]| {
        let place = [row[0], row[1], row[2]].map(|value| (value as f32).to_le_bytes()).concat();
        let colour = [row[3], row[4], row[5]].map(|value| (value * 255.0).round() as u8);
        [place, [0.1_f32; 3].map(f32::to_le_bytes).concat(), colour.to_vec(), vec![200, 255, 128, 128, 128]].concat()
    };
    let bytes: Vec<u8> = rows.iter().flat_map(splat).collect();
    assert_eq!(Media::bytes(bytes.clone()).resolve().unwrap_err().reason, Reason::ModalityUnknown);
    let said = Media { modality: Some(Modality::PointCloud), ..Media::bytes(bytes.clone()) };
    assert_eq!(said.resolve().unwrap().1, Modality::PointCloud);
    same(&points(&bytes, rows.len()).unwrap(), &rows, "splats");
    let mut broken = bytes.clone();
    broken[32 + 12..32 + 16].copy_from_slice(&(-1.0_f32).to_le_bytes());
    for no_splats in [&bytes[..bytes.len() - 1], &broken] {
        assert_eq!(points(no_splats, 40).unwrap_err().reason, Reason::MediaMalformed);
    }
}
