//! Which files of a folder are taken.

use std::path::Path;

use anyhow::Result;
use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use onespace_tags::Folder;

/// What was chosen.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Nothing: everything but hidden files and sidecars.
    include: Option<GlobSet>,
    exclude: GlobSet,
}

/// Reads a pattern. One without a slash is of a name, at any depth; one with a slash of a path within the folder.
///
/// # Errors
/// Says what is wrong with it.
pub fn pattern(text: &str) -> Result<Glob> {
    let within = text.trim_start_matches("./").trim_matches('/');
    let anywhere = if text.trim_end_matches('/').contains('/') { within.to_owned() } else { format!("**/{within}") };
    Ok(GlobBuilder::new(&anywhere).literal_separator(true).case_insensitive(true).build()?)
}

impl Choice {
    /// What patterns choose.
    ///
    /// # Errors
    /// When they are too large together.
    pub fn new(include: &[Glob], exclude: &[Glob]) -> Result<Self> {
        let set =
            |globs: &[Glob]| globs.iter().fold(&mut GlobSetBuilder::new(), |set, glob| set.add(glob.clone())).build();
        let include = (!include.is_empty()).then(|| set(include)).transpose()?;
        Ok(Self { include, exclude: set(exclude)? })
    }

    /// Whether a folder, by its path within the one that was named, is looked into.
    pub fn enters(&self, within: &Path) -> bool {
        let named = self.include.as_ref().is_some_and(|include| include.is_match(within));
        !self.exclude.is_match(within) && (named || !hidden(within))
    }

    /// Whether a file is taken. `folder` has the names beside it.
    pub fn takes(&self, within: &Path, folder: &Folder) -> bool {
        let wanted = match &self.include {
            Some(include) => include.is_match(within),
            None => !hidden(within) && !folder.has_sidecar(within),
        };
        wanted && !self.exclude.is_match(within)
    }
}

fn hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}
