//! An image is worked on while somebody waits for it and no longer.
#![allow(clippy::unwrap_used, clippy::panic, reason = "this is how a test fails")]

use std::{fs, path::Path, thread, time::Duration};

use onespace_core::{Deadline, Patience, Prepare, PrepareRequest, Reason};
use onespace_image::ImagePreparer;
use onespace_image::table::Image;

fn preparer(resample: &str, filter: &str) -> ImagePreparer {
    let spec: Image = serde_json::from_value(serde_json::json!({
        "width": 512, "height": 512, "resize": "squash", "filter": filter, "resample": resample,
        "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
    }))
    .unwrap();
    ImagePreparer::new(&spec)
}

#[test]
fn what_nobody_waits_for_is_not_decoded() {
    let preparer = preparer("u8", "bicubic");
    for file in ["rgb.jpg", "progressive.jpg", "rgb.png", "lossless.webp", "moving.gif", "rgb.bmp", "rgb.tiff"] {
        let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file)).unwrap();
        let request = PrepareRequest::of(&bytes);
        let late = Patience::until(Deadline::after(Duration::ZERO));
        let reason = preparer.prepare(&request.clone().within(&late)).map(drop).unwrap_err().reason;
        assert_eq!(reason, Reason::DeadlineExceeded, "{file}");
        assert!(preparer.prepare(&request.within(&Patience::until(Deadline::default()))).is_ok(), "{file}");
    }
}

/// As many pixels as an image may have, resized with the widest filter: seconds of work, ended between two rows.
#[test]
fn resizing_ends_with_its_caller() {
    let (across, down) = (10_000, 5_000);
    let pixels = vec![77; across as usize * down as usize * 3];
    for resample in ["u8", "u8-torch", "f32"] {
        let patience = Patience::endless();
        let caller = patience.clone();
        let leaving = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            caller.leave();
        });
        let outcome = preparer(resample, "lanczos").tensor_of(&pixels, (across, down), &patience);
        leaving.join().unwrap();
        assert_eq!(outcome.map(drop).unwrap_err().reason, Reason::Cancelled, "{resample}");
    }
}
