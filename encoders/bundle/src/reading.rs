//! How the vectors of a space may be read. Nothing here changes a vector, so the fingerprint covers none of it.

use onespace_core::{Calibration, Error, Modality, Reason, Result, Scale};
use onespace_family::check::invalid;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{schema, towers::Towers};

/// The cosines of unrelated pairs: a thing of one modality and a thing of another (or the same) that do not show the
/// same.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairScale {
    /// The modality that asks.
    #[schemars(schema_with = "schema::modality")]
    pub query: Modality,
    /// The modality that answers.
    #[schemars(schema_with = "schema::modality")]
    pub item: Modality,
    /// Their mean.
    pub mean: f32,
    /// Their standard deviation.
    pub std: f32,
}

/// How the space tells that somebody speaks: only what sounds like speech is given to a transcriber.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Talk {
    /// What stands for speech, such as "a person talking", as a text.
    pub words: String,
    /// The least cosine of a sound that may be speech to these words: above 0, below 1.
    pub cosine: f32,
}

impl Talk {
    /// What it says, once it is certain that a space can say it.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` naming the key.
    pub(crate) fn checked(&self, towers: &Towers) -> Result<onespace_core::Talk> {
        let Self { words, cosine } = self;
        for modality in [Modality::Text, Modality::Audio] {
            if towers.head(modality).is_none() {
                return Err(invalid("talk", format!("the bundle has no tower for {modality}")));
            }
        }
        if words.trim().is_empty() || words.len() > TALK_BYTES {
            return Err(invalid("talk.words", format!("{} bytes, 1 to {TALK_BYTES} are allowed", words.len())));
        }
        if !(*cosine > 0.0 && *cosine < 1.0) {
            return Err(invalid("talk.cosine", format!("{cosine} is not between 0 and 1")));
        }
        Ok(onespace_core::Talk { words: words.clone(), cosine: *cosine })
    }
}

/// A few words, no text.
const TALK_BYTES: usize = 256;

/// The scales that a manifest lists.
///
/// # Errors
/// `BUNDLE_INVALID` naming the entry: a modality without a tower, a number that cosines cannot have, a pair twice.
pub(crate) fn calibration(pairs: &[PairScale], towers: &Towers) -> Result<Calibration> {
    let mut calibration = Calibration::default();
    for (index, PairScale { query, item, mean, std }) in pairs.iter().copied().enumerate() {
        let known = |field: &str, modality: Modality| {
            let there = towers.head(modality).is_some();
            let message = || format!("the bundle has no tower for {modality}");
            if there { Ok(()) } else { Err(invalid(field, message())) }
        };
        let entered = known("query", query)
            .and_then(|()| known("item", item))
            .and_then(|()| Scale::new(mean, std))
            .and_then(|scale| calibration.insert(query, item, scale));
        let at =
            |error: Error| Error { reason: Reason::BundleInvalid, ..error.under(&format!("calibration[{index}]")) };
        entered.map_err(at)?;
    }
    Ok(calibration)
}

/// Refuses lengths that do not fall from below the whole.
///
/// # Errors
/// `BUNDLE_INVALID` naming the entry.
pub(crate) fn check_matryoshka(lengths: &[usize], dimension: usize) -> Result<()> {
    let mut above = dimension;
    for (index, length) in lengths.iter().copied().enumerate() {
        if length == 0 || length >= above {
            let what = if index == 0 { "the dimension" } else { "the length before it" };
            let message = format!("{length} is not between 1 and {}, below {what}", above.saturating_sub(1));
            return Err(invalid(format!("matryoshka[{index}]"), message));
        }
        above = length;
    }
    Ok(())
}
