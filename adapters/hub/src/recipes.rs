//! The recipes that come with the program, and the golden inputs of what they make.

use anyhow::{Context, Result, bail};
use onespace_bundle::Recipe;

macro_rules! shipped {
    ($include:ident, $folder:literal: $($name:literal),+ $(,)?) => {
        [$(($name, $include!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../bundles/recipes/", $folder, $name)))),+]
    };
}

/// Every recipe, by its file.
const RECIPES: [(&str, &str); 5] = shipped!(include_str, "":
    "clip-vit-base-patch32.toml",
    "clip-vit-base-patch16.toml",
    "siglip2-base-patch16-224.toml",
    "clap-htsat-unfused.toml",
    "embeddinggemma-2.toml",
);

/// Golden inputs, by their path within a bundle.
const GOLDEN: [(&str, &[u8]); 4] = [
    ("golden/text.txt", include_bytes!("../../../bundles/recipes/golden/text.txt")),
    ("golden/image.png", include_bytes!("../../../bundles/recipes/golden/image.png")),
    ("golden/audio.wav", include_bytes!("../../../bundles/recipes/golden/audio.wav")),
    ("golden/video.mp4", include_bytes!("../../../bundles/recipes/golden/video.mp4")),
];

/// A golden input that comes with the program.
pub fn golden_input(path: &str) -> Option<&'static [u8]> {
    GOLDEN.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes)
}

/// Every recipe.
///
/// # Errors
/// A recipe of ours that is none, which a test rules out.
pub fn all() -> Result<Vec<Recipe>> {
    RECIPES.iter().map(|(file, text)| Recipe::parse(text).with_context(|| (*file).to_owned())).collect()
}

/// The recipe of this name.
///
/// # Errors
/// That there is none, naming those that there are.
pub fn named(name: &str) -> Result<Recipe> {
    let all = all()?;
    let names: Vec<_> = all.iter().map(|recipe| recipe.name().to_owned()).collect();
    match all.into_iter().find(|recipe| recipe.name() == name) {
        Some(recipe) => Ok(recipe),
        None => {
            bail!("there is no recipe \"{name}\"; there are {}; a repository is named hf:OWNER/REPO", names.join(", "))
        }
    }
}

/// The recipe for this repository, if there is one.
///
/// # Errors
/// As [`all`].
pub fn of_repository(repository: &str) -> Result<Option<Recipe>> {
    Ok(all()?.into_iter().find(|recipe| recipe.origin.repository.eq_ignore_ascii_case(repository)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_sound_and_has_its_golden_inputs() {
        for recipe in all().unwrap() {
            assert_eq!(recipe.golden().len(), recipe.towers().len(), "{}", recipe.name());
            for golden in recipe.golden() {
                assert!(golden_input(&golden.input).is_some(), "{}: {}", recipe.name(), golden.input);
            }
            assert!(crate::hub::is_commit(&recipe.origin.revision) || recipe.origin.revision == "main");
        }
        assert!(named("clip-vit-base-patch32").is_ok() && named("clip").is_err());
        assert!(of_repository("xenova/CLIP-vit-base-patch16").unwrap().is_some());
    }
}
