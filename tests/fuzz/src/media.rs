//! Media: told by their content, then prepared as the diorama bundle does.

use std::{collections::BTreeMap, path::Path, sync::LazyLock, time::Duration};

use onespace_bundle::Bundle;
use onespace_core::{Deadline, Modality, Patience, Prepare, PrepareRequest, TensorData, sniff};

type Preparers = BTreeMap<Modality, std::sync::Arc<dyn Prepare>>;

/// How long a media may take here: whatever goes on for longer is a fault.
const LONGEST: Duration = Duration::from_secs(20);

/// The towers whose preparation is tried.
const TRIED: [Modality; 5] = [Modality::Text, Modality::Image, Modality::Audio, Modality::Video, Modality::PointCloud];

static PREPARERS: LazyLock<Preparers> = LazyLock::new(|| {
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bundles/diorama");
    let bundle = Bundle::open(&bundle).expect("the diorama bundle is there");
    let preparer = |modality| (modality, bundle.preparer(modality).expect("diorama has this tower"));
    TRIED.into_iter().map(preparer).collect()
});

/// Tells the format, twice alike.
pub fn sniff(bytes: &[u8]) {
    let told = sniff::sniff(bytes);
    assert_eq!(told, sniff::sniff(bytes));
    assert!(sniff::head(bytes).len() < 1_000);
}

/// As a text.
pub fn text(bytes: &[u8]) {
    prepare(Modality::Text, bytes);
}

/// As an image.
pub fn image(bytes: &[u8]) {
    prepare(Modality::Image, bytes);
}

/// As a recording.
pub fn audio(bytes: &[u8]) {
    prepare(Modality::Audio, bytes);
}

/// As a video.
pub fn video(bytes: &[u8]) {
    prepare(Modality::Video, bytes);
}

/// As a point cloud.
pub fn point_cloud(bytes: &[u8]) {
    prepare(Modality::PointCloud, bytes);
}

/// Samples of finite numbers, or an error that blames the bytes in a sentence.
fn prepare(modality: Modality, bytes: &[u8]) {
    let patience = Patience::until(Deadline::after(LONGEST));
    let request = PrepareRequest { patience, ..PrepareRequest::of(bytes) };
    match PREPARERS[&modality].prepare(&request) {
        Ok(prepared) => {
            assert!(!prepared.samples.is_empty(), "nothing came of it");
            for tensor in prepared.samples.iter().flat_map(|sample| &sample.tensors) {
                if let TensorData::F32(values) = &tensor.data {
                    assert!(values.iter().all(|value| value.is_finite()), "a value is not finite");
                }
            }
        }
        Err(error) => {
            assert_eq!(error.field, "bytes", "{error:?}");
            assert!(error.reason.name().starts_with("MEDIA_"), "{error:?}");
            assert!(!error.message.is_empty() && error.message.len() < 1_000, "{error:?}");
        }
    }
}
