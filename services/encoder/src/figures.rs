//! What is counted and timed.

use std::sync::Arc;

use onespace_core::{Modality, Note, Timings};

/// Counts what embeddings lack.
pub(crate) fn count_notes(notes: &[Note]) {
    for note in notes {
        metrics::counter!("onespace_notes_total", "reason" => note.reason.name()).increment(1);
    }
}

/// Counts batches and their sizes.
pub(crate) fn observer(tower: Modality) -> onespace_runtime::Observer {
    let samples = metrics::histogram!("onespace_batch_samples", "tower" => tower.name());
    Arc::new(move |batch| samples.record(batch.samples as f64))
}

/// Takes down where the time of one media went.
pub(crate) fn record(what: &'static str, timings: &Timings) {
    for (stage, micros) in
        [("queue", timings.queue_us), ("prepare", timings.prepare_us), ("inference", timings.inference_us)]
    {
        metrics::histogram!("onespace_encode_seconds", "modality" => what, "stage" => stage)
            .record(micros as f64 / 1e6);
    }
}
