//! What a film looks like to a tower.

use onespace_core::{Prepare, PrepareRequest, Result, Sample, TensorData};
use onespace_video::VideoPreparer;
use onespace_video::table::Video;

/// Frames of [`look`], and the pixels of each.
pub const FRAMES: usize = 8;
const VALUES: usize = 3 * 10 * 12;

/// One sample of eight frames of a film, however long it is.
pub fn look(bytes: &[u8]) -> Result<Sample> {
    let spec: Video = serde_json::from_value(serde_json::json!({
        "frames": FRAMES, "segment_ms": 10_800_000, "max_segments": 1, "width": 12, "height": 10,
        "resize": "squash", "filter": "bilinear", "mean": [0, 0, 0], "std": [1, 1, 1],
    }))
    .unwrap();
    let mut prepared = VideoPreparer::new(&spec, None).prepare(&PrepareRequest::of(bytes))?;
    assert_eq!(prepared.samples.len(), 1);
    Ok(prepared.samples.remove(0))
}

/// The length that a sample claims, milliseconds.
pub fn length(sample: &Sample) -> u64 {
    sample.span.unwrap().end_ms
}

fn values(sample: &Sample) -> &[f32] {
    let TensorData::F32(values) = &sample.tensors[0].data else { panic!("not floats") };
    values
}

/// By how much two samples differ on average, in 255ths; of the eight frames the one that differs most.
pub fn difference(one: &Sample, other: &Sample) -> f32 {
    let gaps: Vec<f32> = values(one).iter().zip(values(other)).map(|(a, b)| (a - b).abs() * 255.0).collect();
    gaps.chunks(VALUES).map(|frame| frame.iter().sum::<f32>() / VALUES as f32).fold(0.0, f32::max)
}

/// That a film is another, within so many milliseconds of its length and less than so many 255ths.
pub fn assert_like(what: &str, bytes: &[u8], reference: &Sample, (milliseconds, most): (u64, f32)) {
    let sample = look(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let gap = difference(&sample, reference);
    println!("{what}: {} ms, {gap:.2}", length(&sample));
    assert!(length(&sample).abs_diff(length(reference)) <= milliseconds, "{what}: {} ms", length(&sample));
    assert!(gap < most, "{what}: {gap}");
}
