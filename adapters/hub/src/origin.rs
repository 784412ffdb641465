//! What is pulled: a recipe, or a repository to derive one from.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use onespace_bundle::{Recipe, recipe};

use crate::{hub::RepoRevision, recipes};

/// A repository at a revision, and its recipe where there is one.
pub struct Origin {
    /// The recipe; derived from the repository's own configuration where there is none.
    pub recipe: Option<Recipe>,
    /// Where its files are.
    pub repo: RepoRevision,
}

impl Origin {
    /// That of a recipe in a file.
    ///
    /// # Errors
    /// Names the file that cannot be read, or is no recipe.
    pub fn from_file(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("--recipe {}", file.display()))?;
        let recipe = Recipe::parse(&text).with_context(|| format!("--recipe {}", file.display()))?;
        Ok(Self::from_recipe(recipe))
    }

    /// That of a recipe that comes with the program, by its name, or of `hf:OWNER/REPO[@REV]`.
    ///
    /// # Errors
    /// A name that no recipe has, naming those that there are; a repository or revision that is none.
    pub fn from_name(name: &str) -> Result<Self> {
        let Some(repository) = name.strip_prefix("hf:") else { return Ok(Self::from_recipe(recipes::named(name)?)) };
        let (repository, revision) = repository.split_once('@').map_or((repository, None), |(r, v)| (r, Some(v)));
        recipe::check_repository(repository)?;
        revision.map_or(Ok(()), recipe::check_revision)?;
        let mut known = recipes::of_repository(repository)?;
        if let (Some(recipe), Some(revision)) = (&mut known, revision) {
            recipe.at(revision);
        }
        Ok(known.map_or_else(|| Self::underived(repository, revision), Self::from_recipe))
    }

    fn from_recipe(recipe: Recipe) -> Self {
        let origin = &recipe.origin;
        let repo = RepoRevision { repository: origin.repository.clone(), revision: origin.revision.clone() };
        Self { recipe: Some(recipe), repo }
    }

    fn underived(repository: &str, revision: Option<&str>) -> Self {
        let revision = revision.unwrap_or("main").to_owned();
        Self { recipe: None, repo: RepoRevision { repository: repository.to_owned(), revision } }
    }
}
