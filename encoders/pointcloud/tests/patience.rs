//! A cloud is worked on while somebody waits for it and no longer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use std::{
    thread,
    time::{Duration, Instant},
};

use common::{Random, binary, grouping, spec};
use onespace_core::{Deadline, Patience, Prepare, PrepareRequest, Reason};
use onespace_pointcloud::PointCloudPreparer;
use onespace_pointcloud::table::PointCloud;

/// Far more than some thousand points take.
const SOON: Duration = Duration::from_secs(10);

/// What becomes of a cloud, and when.
fn end(spec: &PointCloud, cloud: &[u8], patience: &Patience) -> (Reason, Duration) {
    let begun = Instant::now();
    let outcome = PointCloudPreparer::new(spec).prepare(&PrepareRequest::of(cloud).within(patience));
    (outcome.map(drop).unwrap_err().reason, begun.elapsed())
}

/// Leaves after a moment.
fn leaving() -> (Patience, thread::JoinHandle<()>) {
    let patience = Patience::until(Deadline::default());
    let caller = patience.clone();
    let thread = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        caller.leave();
    });
    (patience, thread)
}

/// Eight million points, nearly as many as a file may have: most of a second is spent reading them.
#[test]
fn reading_ends_with_the_deadline_and_with_the_caller() {
    let cloud = binary(&vec![[0.25, 0.5, 0.75]; 8_000_000]);
    let spec = spec(1024, 4096);
    let late = Patience::until(Deadline::after(Duration::from_millis(20)));
    assert_eq!(end(&spec, &cloud, &late).0, Reason::DeadlineExceeded);
    let gone = Patience::endless();
    gone.leave();
    assert_eq!(end(&spec, &cloud, &gone).0, Reason::Cancelled);
}

/// The nearest of a hundred thousand points, for fifty thousand of them: many seconds' work.
#[test]
fn grouping_ends_with_the_deadline_and_with_the_caller() {
    let count = 100_000;
    let cloud = binary(&Random(1).places(count));
    let spec = PointCloud { grouping: Some(grouping(count / 2, 32)), ..spec(count, count) };
    let (reason, took) = end(&spec, &cloud, &Patience::until(Deadline::after(Duration::from_millis(100))));
    println!("{took:?}");
    assert_eq!(reason, Reason::DeadlineExceeded);
    assert!(took < SOON, "{took:?}");
    let (patience, thread) = leaving();
    let (reason, took) = end(&spec, &cloud, &patience);
    thread.join().unwrap();
    println!("{took:?}");
    assert_eq!(reason, Reason::Cancelled);
    assert!(took < SOON, "{took:?}");
}
