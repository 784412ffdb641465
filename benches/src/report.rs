//! The numbers, as a table and as `bench.json`.

use std::collections::BTreeMap;

use comfy_table::{Table, presets};
use serde::Serialize;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Threads that one graph runs on.
    pub threads: usize,
    /// By modality.
    pub modalities: BTreeMap<String, Row>,
}

/// One modality.
#[derive(Debug, Default, Serialize)]
pub struct Row {
    /// The engine at 16 requests at once.
    pub items_per_s: f64,
    /// The plain loop at its best batch size.
    pub raw_items_per_s: f64,
    /// The median of the rounds' ratios of the two above.
    pub throughput_ratio: f64,
    /// The engine at one request at a time.
    pub p50_ms: f64,
    /// Likewise.
    pub p99_ms: f64,
    /// The plain loop at batch size 1.
    pub raw_p50_ms: f64,
    /// The median of the rounds' ratios.
    pub p50_ratio: f64,
    /// The plain loop's best batch size.
    pub raw_batch: usize,
    /// Decoding and preprocessing alone, one thread.
    pub prepare_items_per_s: f64,
    /// Likewise.
    pub prepare_p50_ms: f64,
    /// The whole road over gRPC.
    pub served: Served,
}

/// The whole road: media over gRPC to a server process, decoding included.
#[derive(Debug, Default, Serialize)]
pub struct Served {
    /// At 16 requests at once, one item a request.
    pub items_per_s: f64,
    /// Against the plain loop, which neither decodes nor talks.
    pub throughput_ratio: f64,
    /// The median of the rounds' ratios to the engine.
    pub of_engine: f64,
    /// The median of the rounds' ratios to what engine and preparation allow together.
    pub of_allowed: f64,
    /// At one request at a time.
    pub p50_ms: f64,
    /// Likewise.
    pub p99_ms: f64,
    /// Against the plain loop at batch size 1.
    pub p50_ratio: f64,
    /// At 16 requests at once.
    pub p50_ms_at_16: f64,
    /// Likewise.
    pub p99_ms_at_16: f64,
}

impl Report {
    /// An empty report.
    pub fn new(threads: usize) -> Self {
        Self { threads, modalities: BTreeMap::new() }
    }

    /// Prints the table.
    pub fn print(&self) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header([
            "modality",
            "plain/s",
            "(batch)",
            "engine/s",
            "ratio",
            "plain p50 ms",
            "engine p50",
            "p99",
            "ratio",
            "prepare/s",
            "served/s",
            "of engine",
            "of allowed",
            "served p50",
            "p99",
            "p50 @16",
            "p99 @16",
        ]);
        for (name, row) in &self.modalities {
            let served = &row.served;
            table.add_row([
                name.clone(),
                format!("{:.0}", row.raw_items_per_s),
                row.raw_batch.to_string(),
                format!("{:.0}", row.items_per_s),
                format!("{:.2}", row.throughput_ratio),
                format!("{:.2}", row.raw_p50_ms),
                format!("{:.2}", row.p50_ms),
                format!("{:.2}", row.p99_ms),
                format!("{:.2}", row.p50_ratio),
                format!("{:.0}", row.prepare_items_per_s),
                format!("{:.0}", served.items_per_s),
                format!("{:.2}", served.of_engine),
                format!("{:.2}", served.of_allowed),
                format!("{:.2}", served.p50_ms),
                format!("{:.2}", served.p99_ms),
                format!("{:.2}", served.p50_ms_at_16),
                format!("{:.2}", served.p99_ms_at_16),
            ]);
        }
        println!("{table}");
    }
}

/// The value below which a share of the values lies; 0 of none.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let at = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or_default()
}

/// The middle value.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}
