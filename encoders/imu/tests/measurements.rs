//! Measurements of every kind, the windows that they become, and files that are none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

use std::fmt::Write as _;

use npyz::WriterBuilder;
use onespace_core::{
    Deadline, Error, Patience, Prepare, PrepareRequest, Reason, Sample, SampleUse, SegmentWindow, Segments, TensorData,
    Window,
};
use onespace_imu::{ImuPreparer, table::Imu};

const RATE: f64 = 100.0;

fn table(more: serde_json::Value) -> Imu {
    let mut table = serde_json::json!({ "rate": 200, "steps": 100, "max_windows": 4 });
    table.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let table: Imu = serde_json::from_value(table).unwrap();
    table.check().unwrap();
    table
}

/// Row `n` of a ramp: each channel rises with a speed of its own, so that between rows the value is known.
fn row(n: usize) -> [f64; 6] {
    [1, 2, 3, 4, 5, 6].map(|speed| f64::from(speed) * n as f64)
}

fn csv(rows: usize, head: &str, time: bool) -> String {
    let mut text = head.to_owned();
    for n in 0..rows {
        let cells: Vec<String> = row(n).iter().map(ToString::to_string).collect();
        let time = if time { format!("{},", n as f64 / RATE) } else { String::new() };
        writeln!(text, "{time}{}", cells.join(",")).unwrap();
    }
    text
}

fn samples(table: &Imu, file: &[u8], media_type: Option<&str>, segments: Segments) -> Result<Vec<Sample>, Error> {
    let request = PrepareRequest { media_type, segments, ..PrepareRequest::of(file) };
    ImuPreparer::new(table).prepare(&request).map(|prepared| prepared.samples)
}

fn values(sample: &Sample) -> &[f32] {
    let TensorData::F32(values) = &sample.tensors[0].data else { panic!("floats") };
    values
}

fn npy(rows: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let shape = [rows as u64, 6];
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut out).begin_nd().unwrap();
    writer.extend((0..rows).flat_map(row).map(|value| value as f32)).unwrap();
    writer.finish().unwrap();
    out
}

#[test]
fn every_file_gives_the_same_samples() {
    let table = table(serde_json::json!({}));
    let by_name = csv(20, "time,ax,ay,az,gx,gy,gz\n", true);
    let wanted = samples(&table, by_name.as_bytes(), None, Segments::Off).unwrap();
    assert_eq!(wanted.len(), 1);
    assert_eq!(wanted[0].tensors[0].shape, [6, 100]);
    // Twice the rate: every other value lies half way. The last row lasts one step; then zeros.
    let channel = &values(&wanted[0])[300..400];
    assert_eq!(&channel[..4], [0.0, 2.0, 4.0, 6.0]);
    assert_eq!(&channel[37..42], [74.0, 76.0, 76.0, 0.0, 0.0]);
    let span = wanted[0].span.unwrap();
    assert_eq!((span.start_ms, span.end_ms), (0, 200));

    let commented = csv(20, "# rate: 100\n", false);
    assert_eq!(samples(&table, commented.as_bytes(), None, Segments::Off).unwrap(), wanted);
    let bare = csv(20, "", false);
    assert_eq!(samples(&table, bare.as_bytes(), Some("text/csv; rate=100"), Segments::Off).unwrap(), wanted);
    assert_eq!(samples(&table, &npy(20), Some("application/x-npy;rate=100"), Segments::Off).unwrap(), wanted);
}

#[test]
fn channels_and_numbers_are_as_the_table_says() {
    let table = table(serde_json::json!({
        "rate": 100, "channels": ["gyro_z", "gyro_y", "gyro_x", "accel_z", "accel_y", "accel_x"],
        "mean": [6.0, 0.0, 0.0, 0.0, 0.0, 0.0], "std": [2.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    }));
    let found = samples(&table, csv(3, "# rate: 100\n", false).as_bytes(), None, Segments::Off).unwrap();
    let values = values(&found[0]);
    assert_eq!(&values[..4], [-3.0, 0.0, 3.0, 0.0], "what is not there is zero, not normalised");
    assert_eq!(&values[500..503], [0.0, 1.0, 2.0]);
}

#[test]
fn long_measurements_become_windows() {
    let table = table(serde_json::json!({ "rate": 100 }));
    let first = |rows: usize| -> Vec<f32> {
        let file = csv(rows, "# rate: 100\n", false);
        let found = samples(&table, file.as_bytes(), None, Segments::Off).unwrap();
        found.iter().map(|sample| values(sample)[0]).collect()
    };
    assert_eq!(first(100), [0.0]);
    assert_eq!(first(101), [0.0, 1.0], "the last window ends with them");
    assert_eq!(first(250), [0.0, 100.0, 150.0]);
    assert_eq!(first(1000), [0.0, 300.0, 600.0, 900.0], "four are spread evenly");
}

#[test]
fn segments_of_the_callers_choice_come_beside_the_whole() {
    let table = table(serde_json::json!({ "rate": 100 }));
    let file = csv(250, "# rate: 100\n", false);
    let window = SegmentWindow { milliseconds: Some(Window::of_milliseconds(1000, 0).unwrap()), tokens: None };
    let found = samples(&table, file.as_bytes(), None, Segments::Window(window)).unwrap();
    let plain = samples(&table, file.as_bytes(), None, Segments::Off).unwrap();
    let (wholes, parts): (Vec<_>, Vec<_>) = found.iter().partition(|sample| sample.used_for == SampleUse::Whole);
    assert_eq!(wholes.len(), 3);
    assert!(wholes.iter().zip(&plain).all(|(one, other)| one.tensors == other.tensors), "the whole stays as it is");
    let spans: Vec<_> = parts.iter().map(|part| (part.span.unwrap().start_ms, part.span.unwrap().end_ms)).collect();
    assert_eq!(spans, [(0, 1000), (1000, 2000), (2000, 2500)]);
    assert_eq!(values(parts[1])[0], 100.0);
}

#[test]
fn what_cannot_be_read_is_named() {
    let table = table(serde_json::json!({}));
    let error = |file: &[u8]| samples(&table, file, None, Segments::Off).unwrap_err();
    assert_eq!(error(b"").reason, Reason::MediaEmpty);
    assert_eq!(error(b"# rate: 100\n").reason, Reason::MediaEmpty);
    let unstated = error(csv(20, "", false).as_bytes());
    assert_eq!((unstated.reason, unstated.field.as_str()), (Reason::MediaUnsupported, "bytes"));
    assert!(unstated.message.contains("rate=100"), "{unstated}");
    assert_eq!(error(&[0xff, 0xfe, 0, 1]).reason, Reason::MediaUnsupported);
    assert_eq!(error("a text about motion".as_bytes()).reason, Reason::MediaMalformed);
    let array = npy(20);
    for cut in 0..array.len() {
        let outcome = samples(&table, &array[..cut], Some("application/x-npy; rate=100"), Segments::Off);
        assert!(outcome.is_err_and(|error| error.reason != Reason::Panicked), "{cut} bytes");
    }
    let huge = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 6), }";
    let mut huge = huge.to_vec();
    huge.resize(127, b' ');
    huge.push(b'\n');
    let outcome = samples(&table, &huge, Some("application/x-npy; rate=100"), Segments::Off).unwrap_err();
    assert_eq!(outcome.reason, Reason::MediaTooLarge, "{outcome}");
}

#[test]
fn nobody_waits_for_what_nobody_wants() {
    let file = csv(20, "# rate: 100\n", false);
    let over = Patience::until(Deadline::after(std::time::Duration::ZERO));
    let request = PrepareRequest::of(file.as_bytes()).within(&over);
    let error = ImuPreparer::new(&table(serde_json::json!({}))).prepare(&request).unwrap_err();
    assert_eq!(error.reason, Reason::DeadlineExceeded);
}
