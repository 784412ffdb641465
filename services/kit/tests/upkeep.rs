//! What is measured does not pile up where nobody asks for it.
#![expect(unsafe_code, reason = "an allocator that counts is the only way to see what a library keeps")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// The system's allocator, counting what is allocated and not freed.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: both calls go to the system's allocator as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How long the upkeep may take to come by: it does every five seconds.
const PATIENCE: Duration = Duration::from_secs(60);

fn record(sample: usize) {
    metrics::histogram!("onespace_encode_seconds", "modality" => "text", "stage" => "queue")
        .record(sample as f64 / 1e6);
}

#[test]
fn samples_of_histograms_are_counted_without_anybody_asking() {
    const SAMPLES: usize = 500_000;
    onespace_kit::telemetry::start("error", false);
    let before = HELD.load(Ordering::Relaxed);
    let grown = || HELD.load(Ordering::Relaxed).saturating_sub(before);
    let mut recorded = SAMPLES;
    (0..SAMPLES).for_each(record);
    let started = Instant::now();
    while grown() > SAMPLES {
        assert!(started.elapsed() < PATIENCE, "{} bytes are still held for {recorded} samples", grown());
        thread::sleep(Duration::from_millis(100));
        // What was counted is freed as others come, as they do in a server that works.
        (0..256).for_each(record);
        recorded += 256;
    }
    let page = onespace_kit::telemetry::render_metrics();
    let line = format!("onespace_encode_seconds_count{{modality=\"text\",stage=\"queue\"}} {recorded}");
    assert!(page.contains(&line), "not every sample was counted:\n{page}");
    assert!(page.contains("onespace_encode_seconds_bucket"), "times have buckets, which can be added up:\n{page}");
}
