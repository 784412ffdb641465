//! What a modality is made of, as far as its own crate decides: one trait, [`Family`].
//!
//! A family is the type of the table `[towers.NAME.preprocess]` of a manifest. Its crate holds the table, what is wrong
//! with one, and the preparer that goes by it. The list of families is in `encoders/bundle/src/towers.rs`; a modality
//! whose crate implements [`Family`] needs one line there, and one row in [`onespace_core::Modality`].

pub mod check;
pub mod written;

use std::{any::Any, fmt, sync::Arc};

use onespace_core::{Modality, Prepare, Result};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

/// The table of a modality's preprocessing.
///
/// Keys that a published format did not have are optional, mean by default what that format did, and are not written
/// down when they have their default: a bundle keeps its fingerprint.
pub trait Family: Any + Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + JsonSchema {
    /// Whose table it is.
    const MODALITY: Modality;

    /// Why media of this modality cannot be prepared in this build, where it cannot.
    const UNAVAILABLE: Option<&'static str> = None;

    /// Checks what can be told without the bundle's files; `is_listed` says whether its manifest lists one.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, blaming the key.
    fn check(&self, is_listed: &dyn Fn(&str) -> bool) -> Result<()>;

    /// What prepares media as the table says.
    ///
    /// # Errors
    /// `BUNDLE_INVALID`, blaming the key, for what only the bundle's files can tell.
    fn preparer(&self, site: &Site<'_>) -> Result<Arc<dyn Prepare>>;

    /// What a label is made into for classification, `{label}` standing for it; empty: nothing.
    fn templates(&self) -> &[String] {
        &[]
    }

    /// The modality whose tower must be this one's as well, and the key that says so.
    fn shares(&self) -> Option<(&'static str, Modality)> {
        None
    }

    /// What its crate lends other families: a decoder, say. They [find](Site::find) it by its type.
    #[must_use]
    fn tools() -> Vec<Box<dyn Any>> {
        Vec::new()
    }
}

/// Where a preparer is set up: a tower, its bundle, and what other families lend.
pub struct Site<'a> {
    /// How many tensors the tower's first graph takes.
    pub inputs: usize,
    /// Reads a file that the manifest lists.
    pub read: &'a dyn Fn(&str) -> Result<Vec<u8>>,
    /// The tables of the bundle's other towers, and what families lend each other.
    pub lent: &'a [&'a dyn Any],
}

impl Site<'_> {
    /// What another family lends: its table, where the bundle has its tower, or a tool of its crate.
    #[must_use]
    pub fn find<T: Any>(&self) -> Option<&T> {
        self.lent.iter().find_map(|lent| lent.downcast_ref())
    }
}
