//! The proof that a tower computes what its authors computed, and its warm-up.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use onespace_bundle::{Bundle, TowerHead};
use onespace_core::{Deadline, EncodeRequest, Encoder, Error, Reason, Result, vector};

/// The least cosine between what a tower gives for its golden input and its golden vector.
const COSINE_MIN: f32 = 0.999;

/// How long a golden input may take: fifteen views of a video take a model of ImageBind's size half a minute on two
/// cores, and nobody else waits.
const PATIENCE: Duration = Duration::from_secs(600);

/// What takes longer than this alone has nothing to gain from a warm-up that a start should wait for.
const SLOW: Duration = Duration::from_secs(2);

/// How many times the golden input is embedded at once afterwards: what a first burst would otherwise pay for,
/// larger batches and every thread's first allocations, is paid here.
const BURST: usize = 4;

/// Embeds the golden input of a tower, the whole way from file to unit vector, and gives its cosine to the golden
/// vector.
///
/// # Errors
/// `BUNDLE_INVALID` naming the tower and the cosine, or what kept it from having one.
pub(crate) async fn check(encoder: &impl Encoder, bundle: &Bundle, head: &TowerHead<'_>) -> Result<f32> {
    let modality = head.modality;
    let key = format!("towers.{modality}.golden");
    let invalid = |message: String| Error::new(Reason::BundleInvalid, key.clone(), message);
    let unusable = |error: Error| invalid(error.to_string());
    let media = Bytes::from(bundle.read(&head.golden.input).map_err(unusable)?);
    let expected = bundle.vector(&head.golden.vector).map_err(unusable)?;
    let request = EncodeRequest::new(modality, media);
    let ask = || encoder.encode(request.clone(), Deadline::after(PATIENCE));
    let started = Instant::now();
    let reply = ask().await.map_err(|error| invalid(format!("{} cannot be embedded: {error}", head.golden.input)))?;
    let cosine = reply.embeddings.first().map_or(f32::NAN, |first| vector::cosine(&first.vector, &expected));
    // Not a number is below everything as well.
    if cosine.is_nan() || cosine < COSINE_MIN {
        let message = format!(
            "the {modality} tower gives a vector of cosine {cosine:.5} to {}, at least {COSINE_MIN} is needed",
            head.golden.vector
        );
        return Err(invalid(message));
    }
    let burst = if started.elapsed() < SLOW { BURST } else { 0 };
    for warmed in join_all((0..burst).map(|_| ask())).await {
        // One that finds no turn has warmed nothing, and says nothing against the tower.
        warmed.map(drop).or_else(|error| if error.reason == Reason::QueueFull { Ok(()) } else { Err(error) })?;
    }
    tracing::info!(tower = %modality, cosine, "golden check passed");
    Ok(cosine)
}

/// Embeds the golden input of a tower.
///
/// # Errors
/// `BUNDLE_INVALID` naming the tower, and what keeps it from giving a vector.
pub(crate) async fn vector(encoder: &impl Encoder, bundle: &Bundle, head: &TowerHead<'_>) -> Result<Vec<f32>> {
    let modality = head.modality;
    let invalid = |message: String| Error::new(Reason::BundleInvalid, format!("towers.{modality}.golden"), message);
    let bytes = Bytes::from(bundle.read(&head.golden.input)?);
    let request = EncodeRequest::new(modality, bytes);
    let reply = encoder.encode(request, Deadline::after(PATIENCE)).await;
    let reply = reply.map_err(|error| invalid(format!("{} cannot be embedded: {error}", head.golden.input)))?;
    let first = reply.embeddings.into_iter().next();
    first.map(|first| first.vector).ok_or_else(|| invalid("the tower gives no vector".to_owned()))
}
