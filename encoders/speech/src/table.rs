//! The table `[speech]` of a transcriber's manifest.

use onespace_core::Result;
use onespace_family::check::{invalid, named, within};
use serde::{Deserialize, Serialize};

use crate::features::FRAME_MS;

/// What a transcriber is made of and what its model was trained with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Speech {
    /// The graph from `mel` [1, bands, frames] to the keys and values of each layer of the decoder.
    pub encoder: String,
    /// The graph from tokens, and the keys and values so far, to logits.
    pub decoder: String,
    /// A `tokenizer.json` of the `tokenizers` library. Its last token is followed by the times, 20 ms apart.
    pub tokenizer: String,
    /// Mel bands.
    pub bands: usize,
    /// The longest sound that is taken in at once, milliseconds.
    pub window_ms: u32,
    /// A shorter sound is followed by silence of this many milliseconds, up to a whole window: with less of it the
    /// model, which was trained on whole windows, repeats or breaks off.
    pub pad_ms: u32,
    /// No window is shorter than this many milliseconds, silence included.
    pub least_ms: u32,
    /// The languages that may be heard, by the names of their tokens (`de` for `<|de|>`).
    pub languages: Vec<String>,
    /// Tokens that are never said: signs of what is no speech, and special ones.
    pub suppress: Vec<u32>,
    /// Tokens that are not said first.
    pub suppress_begin: Vec<u32>,
}

impl Speech {
    /// Checks what can be told without the files; `is_listed` says whether the manifest lists one.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, blaming the key.
    pub fn check(&self, is_listed: &dyn Fn(&str) -> bool) -> Result<()> {
        for (key, file) in [("encoder", &self.encoder), ("decoder", &self.decoder), ("tokenizer", &self.tokenizer)] {
            named(key, file)?;
            if !is_listed(file) {
                return Err(invalid(key, format!("\"{file}\" is not listed in [files]")));
            }
        }
        within("bands", self.bands, 1, 1024)?;
        within("window_ms", self.window_ms as usize, 100, 600_000)?;
        within("pad_ms", self.pad_ms as usize, 0, self.window_ms as usize)?;
        within("least_ms", self.least_ms as usize, 0, self.window_ms as usize)?;
        if !self.window_ms.is_multiple_of(2 * FRAME_MS) {
            let message = format!("{} is no multiple of {}: two frames are one position", self.window_ms, 2 * FRAME_MS);
            return Err(invalid("window_ms", message));
        }
        if self.languages.is_empty() {
            return Err(invalid("languages", "must name at least one language"));
        }
        Ok(())
    }

    /// Frames of a whole window.
    #[must_use]
    pub fn window_frames(&self) -> usize {
        (self.window_ms / FRAME_MS) as usize
    }

    /// How many frames a window with `frames` frames of sound has, silence included: an even number, since two frames
    /// are one position of the encoder, in steps of `STEP_FRAMES`, so that few shapes occur.
    #[must_use]
    pub fn padded_frames(&self, frames: usize) -> usize {
        let wanted = (frames + (self.pad_ms / FRAME_MS) as usize).max((self.least_ms / FRAME_MS) as usize);
        wanted.max(1).next_multiple_of(STEP_FRAMES).min(self.window_frames())
    }
}

/// Lengths of windows are rounded up to half a second.
const STEP_FRAMES: usize = 50;

#[cfg(test)]
mod tests {
    use onespace_core::Reason;

    use super::*;

    fn speech() -> Speech {
        Speech {
            encoder: "e".into(),
            decoder: "d".into(),
            tokenizer: "t".into(),
            bands: 80,
            window_ms: 30_000,
            pad_ms: 4_000,
            least_ms: 8_000,
            languages: vec!["en".into()],
            suppress: vec![],
            suppress_begin: vec![],
        }
    }

    #[test]
    fn a_window_is_padded_as_the_rule_says() {
        let padded = |frames| speech().padded_frames(frames);
        assert_eq!([0, 100, 400, 401, 2599, 2600, 3000].map(padded), [800, 800, 800, 850, 3000, 3000, 3000]);
        let none = Speech { pad_ms: 0, least_ms: 0, ..speech() };
        assert_eq!([0, 1, 51].map(|frames| none.padded_frames(frames)), [50, 50, 100]);
    }

    #[test]
    fn faults_are_named_by_their_keys() {
        let listed = |name: &str| name != "x";
        assert!(speech().check(&listed).is_ok());
        for (broken, key) in [
            (Speech { encoder: "x".into(), ..speech() }, "encoder"),
            (Speech { tokenizer: String::new(), ..speech() }, "tokenizer"),
            (Speech { bands: 0, ..speech() }, "bands"),
            (Speech { window_ms: 30_010, ..speech() }, "window_ms"),
            (Speech { pad_ms: 30_001, ..speech() }, "pad_ms"),
            (Speech { least_ms: 30_001, ..speech() }, "least_ms"),
            (Speech { languages: vec![], ..speech() }, "languages"),
        ] {
            let error = broken.check(&listed).unwrap_err();
            assert_eq!((error.reason, error.field.as_str()), (Reason::BundleInvalid, key));
        }
    }
}
