//! Pictures of clouds and meshes, against NumPy (`tools/everyday/everyday/views.py`) and against what one sees.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::time::{Duration, Instant};

use common::{Expected, Random, binary, golden, text, values};
use onespace_core::{
    Deadline, Error, Modality, Patience, Prepare, PrepareRequest, Reason, Sample, SampleUse, Tensor, TensorData,
};
use onespace_image::table::Image;
use onespace_pointcloud::{ViewsPreparer, table::Views};

const ONE: &str = "count = 1\nup = \"z\"\nelevations = [0.0]";

/// Nothing of this colour is ever seen of a shape.
const WHITE: &str = "background = [[255, 255, 255], [255, 255, 255]]";

/// What an image tower takes that sees bytes as they are, 0 to 1.
fn image(width: u32, height: u32) -> Image {
    toml::from_str(&format!(
        "width = {width}\nheight = {height}\nresize = \"shortest-edge\"\nresize_to = {}\nfilter = \"bicubic\"\n\
         mean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]",
        width.max(height) + 8
    ))
    .unwrap()
}

fn views(table: &str) -> Views {
    toml::from_str(table).unwrap()
}

fn samples(table: &str, size: (u32, u32), bytes: &[u8]) -> Result<Vec<Sample>, Error> {
    let preparer = ViewsPreparer::new(&views(table), &image(size.0, size.1));
    Ok(preparer.prepare(&PrepareRequest::of(bytes))?.samples)
}

/// Red, green and blue of each pixel, 0 to 255, of each picture.
fn pictures(table: &str, size: (u32, u32), bytes: &[u8]) -> Vec<Vec<[f32; 3]>> {
    let table = if table.contains("background") { table.to_owned() } else { format!("{table}\n{WHITE}") };
    let picture = |sample: Sample| {
        assert_eq!(sample.tensors[0].shape, [3, size.1 as usize, size.0 as usize]);
        let planes: Vec<Vec<f32>> =
            values(&sample, 0).chunks((size.0 * size.1) as usize).map(<[f32]>::to_vec).collect();
        (0..planes[0].len()).map(|at| [0, 1, 2].map(|channel| (planes[channel][at] * 255.0).round())).collect()
    };
    samples(&table, size, bytes).unwrap().into_iter().map(picture).collect()
}

/// How many pixels are not white.
fn covered(picture: &[[f32; 3]]) -> usize {
    picture.iter().filter(|pixel| **pixel != [255.0; 3]).count()
}

/// The corners of a box, and its six sides.
const SIDES: [&[i64]; 6] = [&[0, 1, 3, 2], &[4, 5, 7, 6], &[0, 1, 5, 4], &[2, 3, 7, 6], &[0, 2, 6, 4], &[1, 3, 7, 5]];

fn corners(size: [f32; 3]) -> Vec<[f32; 3]> {
    (0..8).map(|corner| [0, 1, 2].map(|axis| if corner >> axis & 1 == 1 { size[axis] } else { 0.0 })).collect()
}

fn tall_box() -> Vec<u8> {
    text(&corners([1.0, 1.0, 4.0]), &[], &SIDES)
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    table: Views,
    width: u32,
    height: u32,
    pictures: usize,
}

#[test]
fn pictures_are_numpys() {
    let cases: Vec<Case> = serde_json::from_slice(&golden("views/cases.json")).unwrap();
    assert!(cases.len() >= 6);
    let expected = Expected::open("views/expected.safetensors");
    for case in cases {
        let Case { name, table, width, height, pictures } = case;
        let file = expected.bytes(&format!("{name}.ply"));
        let preparer = ViewsPreparer::new(&table, &image(width, height));
        let samples = preparer.prepare(&PrepareRequest::of(&file)).unwrap().samples;
        assert_eq!(samples.len(), pictures, "{name}");
        let theirs = expected.bytes(&format!("{name}.pictures"));
        let area = (width * height) as usize;
        let mut apart: Vec<f32> = Vec::new();
        for (sample, picture) in samples.iter().zip(theirs.chunks(3 * area)) {
            for (channel, plane) in values(sample, 0).chunks(area).enumerate() {
                let theirs = picture.iter().skip(channel).step_by(3);
                apart.extend(plane.iter().zip(theirs).map(|(own, their)| (own * 255.0 - f32::from(*their)).abs()));
            }
        }
        assert_eq!(apart.len(), theirs.len(), "{name}");
        let mean = apart.iter().sum::<f32>() / apart.len() as f32;
        let most = apart.iter().copied().fold(0.0, f32::max);
        println!("{name}: {most:.2} at most, {mean:.4} in the mean");
        // Rounding may turn a value over to the next, and where two faces meet one of four pixels to the other face.
        assert!(mean < 0.02 && most < 64.0, "{name}: {most} at most, {mean} in the mean");
        let far = apart.iter().filter(|apart| **apart > 1.5).count();
        assert!(far * 500 <= apart.len(), "{name}: {far} of {} values", apart.len());
    }
}

#[test]
fn every_side_is_a_sample_of_the_whole() {
    let table = "count = 3\nelevations = [10.0, 40.0]\nup = \"y\"";
    let found = samples(table, (24, 20), &golden("box.ply")).unwrap();
    assert_eq!(found.len(), 6);
    for sample in &found {
        assert_eq!((sample.tower, sample.used_for, sample.span), (Modality::PointCloud, SampleUse::Whole, None));
    }
    assert!(found.windows(2).all(|pair| pair[0] != pair[1]), "each from another side");
    assert_eq!(found, samples(table, (24, 20), &golden("box.ply")).unwrap(), "bit for bit");
    assert_eq!(samples("", (24, 20), &golden("box.ply")).unwrap().len(), 8);
}

#[test]
fn the_image_towers_mean_and_deviation_are_taken() {
    let mut tower = image(16, 16);
    (tower.mean, tower.std) = ([0.5, 0.25, 0.0], [0.5, 0.25, 0.125]);
    let table = views(&format!("{ONE}\nbackground = [[0, 255, 51], [0, 255, 51]]"));
    let found = ViewsPreparer::new(&table, &tower).prepare(&PrepareRequest::of(&tall_box())).unwrap().samples;
    let pixels = values(&found[0], 0);
    assert_eq!([pixels[0], pixels[256], pixels[512]], [-1.0, 3.0, 1.6]);
}

#[test]
fn patches_are_those_of_a_square() {
    let tower: Image = toml::from_str(
        "resize = \"multiple-of\"\nfilter = \"bicubic\"\nmean = [0.0, 0.0, 0.0]\nstd = [1.0, 1.0, 1.0]\n[patches]\n\
         size = 4\nmax_patches = 40\npool = 3",
    )
    .unwrap();
    let found = ViewsPreparer::new(&views(ONE), &tower).prepare(&PrepareRequest::of(&tall_box())).unwrap().samples;
    let [Tensor { shape: pixels, .. }, Tensor { shape: places, data: TensorData::I64(at) }] = &found[0].tensors[..]
    else {
        panic!("{found:?}")
    };
    assert_eq!((pixels.as_slice(), places.as_slice()), ([40, 48].as_slice(), [40, 2].as_slice()));
    // 6 by 6 patches, the rest nowhere.
    assert_eq!((&at[70..72], &at[72..74]), ([5, 5].as_slice(), [-1, -1].as_slice()));
}

#[test]
fn up_is_where_the_table_says() {
    let extent = |up: &str| {
        let table = format!("count = 1\nelevations = [0.0]\nup = \"{up}\"");
        let picture = pictures(&table, (40, 40), &tall_box()).remove(0);
        let row = |at: usize| covered(&picture[at * 40..][..40]) > 0;
        let column = |at: usize| (0..40).any(|y| picture[y * 40 + at] != [255.0; 3]);
        ((0..40).filter(|at| column(*at)).count(), (0..40).filter(|at| row(*at)).count())
    };
    // Nine tenths of the picture, and a quarter of that.
    assert_eq!(extent("z"), (10, 36));
    // With x up the eye is on the axis of y, and z is to the right.
    assert_eq!(extent("x"), (36, 10));
    let in_turn = pictures("count = 4", (32, 32), &tall_box());
    for (number, up) in ["y", "z", "y", "z"].into_iter().enumerate() {
        assert!(in_turn[number] == pictures(&format!("count = 4\nup = \"{up}\""), (32, 32), &tall_box())[number]);
    }
}

#[test]
fn colours_are_the_files_or_the_tables() {
    let brightest = |table: &str, colours: &[[u8; 3]]| {
        let file = text(&corners([1.0; 3]), colours, &SIDES);
        let picture = pictures(&format!("{ONE}\n{table}"), (32, 32), &file).remove(0);
        picture[16 * 32 + 16]
    };
    let [red, green, blue] = brightest("", &[[200, 0, 0]; 8]);
    assert!(red > 60.0 && green == 0.0 && blue == 0.0, "{red} {green} {blue}");
    let [red, green, blue] = brightest("colour = [0, 200, 100]", &[]);
    assert!(red == 0.0 && green > 60.0 && (green / 2.0 - blue).abs() <= 1.0, "{red} {green} {blue}");
    // Red at the bottom, green at the top: in the middle both.
    let mixed: Vec<[u8; 3]> = (0..8).map(|corner| if corner < 4 { [200, 0, 0] } else { [0, 200, 0] }).collect();
    let [red, green, _] = brightest("", &mixed);
    assert!((red - green).abs() < red / 4.0, "{red} {green}");
    // Points in colour, without faces.
    let mut cloud = Random(5).places(4000);
    cloud.iter_mut().for_each(|place| place[0] *= 0.01);
    let file = text(&cloud, &vec![[0, 0, 250]; cloud.len()], &[]);
    let [red, green, blue] = pictures(ONE, (32, 32), &file).remove(0)[16 * 32 + 16];
    assert!(red == 0.0 && green == 0.0 && blue > 60.0, "{red} {green} {blue}");
}

#[test]
fn the_nearer_side_hides_the_farther() {
    // Two squares, the one towards the eye red, the other blue and larger.
    let square = |x: f32, half: f32| [[x, -half, -half], [x, half, -half], [x, half, half], [x, -half, half]];
    let places = [square(1.0, 1.0), square(-1.0, 2.0)].concat();
    let colours = [[[250, 0, 0]; 4], [[0, 0, 250]; 4]].concat();
    let file = text(&places, &colours, &[&[0, 1, 2, 3], &[4, 5, 6, 7]]);
    let picture = pictures(ONE, (40, 40), &file).remove(0);
    let [red, _, blue] = picture[20 * 40 + 20];
    assert!(red > 60.0 && blue == 0.0, "{red} {blue}");
    let [red, _, blue] = picture[20 * 40 + 5];
    assert!(red == 0.0 && blue > 60.0, "{red} {blue}");
    // From behind it is the other way, whichever way round the corners go.
    let behind = pictures("count = 2\nup = \"z\"\nelevations = [0.0]", (40, 40), &file).remove(1);
    assert!(behind[20 * 40 + 20][2] > 60.0 && covered(&behind) > 1000);
}

#[test]
fn discs_close_what_points_leave_open() {
    // 20,000 points of a sphere: no hole in the middle of the picture.
    let places: Vec<[f32; 3]> = Random(3)
        .places(40_000)
        .into_iter()
        .filter_map(|place| {
            let norm = place.iter().map(|value| value * value).sum::<f32>().sqrt();
            (norm > 0.1 && norm < 1.0).then(|| place.map(|value| value / norm))
        })
        .collect();
    let file = text(&places, &[], &[]);
    let picture = pictures(ONE, (64, 64), &file).remove(0);
    let disc = |radius: i32| {
        (0..64 * 64).filter(move |at: &i32| (at % 64 - 32).pow(2) + (at / 64 - 32).pow(2) < radius.pow(2))
    };
    assert!(disc(26).all(|at| picture[at as usize] != [255.0; 3]));
    assert!(covered(&picture) < disc(32).count() + 64);
    // Lit from above the left shoulder: the upper left is brighter than the lower right.
    let light = |x: usize, y: usize| picture[y * 64 + x].iter().sum::<f32>();
    assert!(light(22, 22) > 1.5 * light(44, 44), "{} {}", light(22, 22), light(44, 44));
}

#[test]
fn a_mesh_that_repeats_its_corners_for_each_face_is_as_round() {
    let (places, faces) = ball(12);
    let corners: Vec<[f32; 3]> = faces.iter().flatten().map(|corner| places[*corner as usize]).collect();
    let own: Vec<[u32; 3]> = (0..faces.len() as u32).map(|face| [3 * face, 3 * face + 1, 3 * face + 2]).collect();
    let (ball, apart) = (binary_mesh(&places, &faces), binary_mesh(&corners, &own));
    let (one, other) = (pictures(ONE, (32, 32), &ball).remove(0), pictures(ONE, (32, 32), &apart).remove(0));
    let most = one.iter().flatten().zip(other.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(most <= 1.0, "{most}");
}

/// What becomes of a file: how many pictures, and that each shows something.
fn shown(bytes: &[u8]) -> usize {
    let pictures = pictures("count = 4\nup = \"z\"", (32, 32), bytes);
    assert!(pictures.iter().all(|picture| covered(picture) > 0));
    pictures.len()
}

#[test]
fn little_and_flat_things_are_seen_from_where_they_are_seen() {
    let triangle = [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    // From its edge there is nothing of a triangle to see.
    assert_eq!(shown(&text(&triangle, &[], &[&[0, 1, 2]])), 2);
    assert_eq!(shown(&text(&triangle, &[], &[])), 4);
    let line: Vec<[f32; 3]> = (0..100).map(|at| [at as f32, 2.0 * at as f32, 0.5 * at as f32]).collect();
    assert_eq!(shown(&text(&line, &[], &[])), 4);
    assert_eq!(shown(&text(&[[0.0; 3], [1e-30, 0.0, 0.0]], &[], &[])), 4);
    assert_eq!(shown(&text(&[[-3e38; 3], [3e38; 3]], &[], &[])), 4);
    // A thousand points in each of two places.
    let heaps: Vec<[f32; 3]> = (0..2000).map(|at| [(at % 2) as f32; 3]).collect();
    assert_eq!(shown(&text(&heaps, &[], &[])), 4);
    // Faces of no area, of too few corners, of corners that are the same: the points are drawn.
    assert_eq!(shown(&text(&line, &[], &[&[0, 1, 2], &[3], &[], &[4, 5], &[6, 6, 7]])), 4);
    // Faces of no area among others are passed over, and so are vertices without a face.
    let mut places = corners([1.0; 3]);
    places.push([100.0; 3]);
    let mut faces = SIDES.to_vec();
    faces.push(&[0, 0, 1]);
    assert!(
        pictures(ONE, (32, 32), &text(&places, &[], &faces))
            == pictures(ONE, (32, 32), &text(&places[..8], &[], &SIDES))
    );
}

#[test]
fn what_cannot_be_drawn_is_named() {
    let refused = |bytes: &[u8]| samples(ONE, (16, 16), bytes).map(|_| ()).unwrap_err();
    let empty = refused(&text(&[[1.0, 2.0, 3.0]], &[], &[]));
    assert_eq!((empty.reason, empty.field.as_str()), (Reason::MediaEmpty, "bytes"));
    assert!(empty.message.contains("in one place"), "{empty}");
    assert_eq!(refused(&text(&[[7.0; 3]; 50], &[], &[&[0, 1, 2]])).reason, Reason::MediaEmpty);
    assert_eq!(refused(&text(&[], &[], &[])).reason, Reason::MediaEmpty);
    let places = corners([1.0; 3]);
    for face in [&[0, 1, 8][..], &[0, -1, 2]] {
        let error = refused(&text(&places, &[], &[&[0, 1, 2], face]));
        assert_eq!((error.reason, error.field.as_str()), (Reason::MediaMalformed, "bytes"));
        assert!(error.message.contains("face 1 names vertex"), "{error}");
    }
    // A sheet that is seen from its edge alone.
    let sheet = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 1.0]];
    let error = refused(&text(&sheet, &[], &[&[0, 1, 2]]));
    assert!(error.reason == Reason::MediaEmpty && error.message.contains("none of its sides"), "{error}");
}

#[test]
fn broken_files_break_nothing() {
    for name in ["box.ply", "box_ascii.ply", "lists.ply", "ascii.ply"] {
        let original = golden(name);
        let mut random = Random(11);
        for round in 0..300 {
            let mut bytes = original.clone();
            if round % 3 == 0 {
                bytes.truncate(random.below(original.len()));
            } else {
                for _ in 0..=random.below(4) {
                    let at = random.below(bytes.len());
                    bytes[at] = random.below(256) as u8;
                }
            }
            match samples("count = 2", (12, 12), &bytes) {
                Ok(samples) => assert!(samples.iter().all(|one| values(one, 0).iter().all(|value| value.is_finite()))),
                Err(error) => assert!(error.reason.name().starts_with("MEDIA_") && error.field == "bytes", "{error:?}"),
            }
        }
    }
}

/// A ball of so many rings and as many corners on each.
fn ball(rings: u32) -> (Vec<[f32; 3]>, Vec<[u32; 3]>) {
    let place = |at: u32| {
        let (v, u) = ((at / rings) as f32 / (rings - 1) as f32 * 3.1, (at % rings) as f32 / rings as f32 * 6.3);
        [v.sin() * u.cos(), v.sin() * u.sin(), v.cos()]
    };
    let quads = (0..rings * (rings - 1)).map(|at| (at, at / rings * rings + (at + 1) % rings));
    let faces = quads.flat_map(|(a, b)| [[a, b, b + rings], [a, b + rings, a + rings]]);
    ((0..rings * rings).map(place).collect(), faces.collect())
}

fn binary_mesh(places: &[[f32; 3]], faces: &[[u32; 3]]) -> Vec<u8> {
    let mut bytes = String::from_utf8_lossy(&binary(&[])).replace("vertex 0\n", &format!("vertex {}\n", places.len()));
    bytes = bytes.replace(
        "end_header\n",
        &format!("element face {}\nproperty list uchar uint vertex_indices\nend_header\n", faces.len()),
    );
    let mut bytes = bytes.into_bytes();
    bytes.extend(places.iter().flatten().flat_map(|value| value.to_le_bytes()));
    for face in faces {
        bytes.push(3);
        bytes.extend(face.iter().flat_map(|corner| corner.to_le_bytes()));
    }
    bytes
}

#[test]
fn twenty_thousand_points_or_corners_are_drawn_in_milliseconds() {
    let (places, faces) = ball(142);
    let table = views("");
    for (name, bytes) in [("mesh", binary_mesh(&places, &faces)), ("cloud", binary(&places))] {
        let preparer = ViewsPreparer::new(&table, &image(260, 260));
        let fastest = (0..10)
            .map(|_| {
                let start = Instant::now();
                assert_eq!(preparer.prepare(&PrepareRequest::of(&bytes)).unwrap().samples.len(), 8);
                start.elapsed()
            })
            .min()
            .unwrap();
        println!("a {name} of {} points, {} faces, 8 pictures: {fastest:?}", places.len(), faces.len());
        // A ball fills more of its pictures than most things. The machine may be busy.
        assert!(fastest < Duration::from_secs(2), "{name}: {fastest:?}");
    }
}

#[test]
fn drawing_ends_with_the_deadline_and_with_the_caller() {
    let (places, faces) = ball(900);
    let bytes = binary_mesh(&places, &faces);
    let preparer = ViewsPreparer::new(&views("count = 64"), &image(260, 260));
    let end = |patience: &Patience| preparer.prepare(&PrepareRequest::of(&bytes).within(patience)).unwrap_err().reason;
    let begun = Instant::now();
    assert_eq!(end(&Patience::until(Deadline::after(Duration::from_millis(300)))), Reason::DeadlineExceeded);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let gone = Patience::endless();
    gone.leave();
    assert_eq!(end(&gone), Reason::Cancelled);
}

#[test]
fn more_than_is_kept_is_drawn_as_points() {
    // 1,050,625 corners: more than are kept of a mesh.
    let (places, faces) = ball(1025);
    let found =
        pictures("count = 1\nup = \"z\"\nelevations = [0.0]", (48, 48), &binary_mesh(&places, &faces)).remove(0);
    let (places, faces) = ball(64);
    let like = pictures("count = 1\nup = \"z\"\nelevations = [0.0]", (48, 48), &binary_mesh(&places, &faces)).remove(0);
    let (found, like) = (covered(&found), covered(&like));
    assert!(found.abs_diff(like) < like / 8, "{found} {like}");
    // Few corners, more faces than are kept.
    let (places, mut faces) = ball(64);
    faces = faces.iter().cycle().take((1 << 21) + 1 + 2 * 64).copied().collect();
    let found = covered(&pictures(ONE, (48, 48), &binary_mesh(&places, &faces)).remove(0));
    assert!(found.abs_diff(like) < like / 8, "{found} {like}");
}
