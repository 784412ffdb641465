//! `onespace bundle expect`: what the reference gave for a recipe's golden inputs, written down in the recipe.

use std::{collections::BTreeMap, fs};

use anyhow::{Context, Result, bail};
use onespace_bundle::{Bundle, Expected, Recipe};
use onespace_core::Modality;
use onespace_hub::recipes::golden_input;
use serde_json::json;

use super::write_whole;
use crate::{
    args::ExpectArgs,
    output::{Outcome, print_line},
    serve,
};

/// Runs the command.
pub async fn run(args: &ExpectArgs, json: bool) -> Result<Outcome> {
    let bundle = serve::open(&args.bundle).await?;
    let mut vectors = reference_vectors(&bundle)?;
    let reference = &bundle.manifest().provenance.reference;
    let Some(file) = &args.recipe else {
        let expected = Expected::of(reference, &vectors);
        print_line(&if json { json!(expected).to_string() } else { written(&expected)? });
        return Ok(Outcome::AllWell);
    };
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let recipe = Recipe::parse(&text)?;
    if recipe.dimension() != bundle.space().dimension {
        let (here, there) = (recipe.dimension(), bundle.space().dimension);
        bail!("{}: vectors have {here} values, the bundle's {there}", file.display());
    }
    let towers = recipe.towers();
    vectors.retain(|modality, _| towers.iter().any(|tower| tower == modality.name()));
    let expected = Expected::of(reference, &vectors);
    let text = with_table(&text, &written(&expected)?);
    // What was written is read again before it replaces anything.
    if Recipe::parse(&text)?.expected != expected {
        bail!("{}: [expected] cannot be put into it", file.display());
    }
    write_whole(file, text.as_bytes())?;
    let scores = expected.scores.len();
    print_line(&if json {
        json!({"recipe": file, "reference": reference, "scores": scores}).to_string()
    } else {
        format!("{}: {scores} scores of {reference}", file.display())
    });
    Ok(Outcome::AllWell)
}

/// The golden vectors of a bundle, where they are a reference's and of the inputs that recipes come with.
fn reference_vectors(bundle: &Bundle) -> Result<BTreeMap<Modality, Vec<f32>>> {
    let manifest = bundle.manifest();
    let reference = &manifest.provenance.reference;
    if reference.is_empty() || reference.starts_with("none") {
        bail!("the golden vectors of {} are of no reference: export the checkpoint with tools/export", manifest.name);
    }
    let mut vectors = BTreeMap::new();
    for head in manifest.towers.heads() {
        let input = &head.golden.input;
        if golden_input(input) != Some(bundle.read(input)?.as_slice()) {
            bail!("{input} is not the one that recipes come with: export with --golden bundles/recipes/golden");
        }
        vectors.insert(head.modality, bundle.vector(&head.golden.vector)?);
    }
    Ok(vectors)
}

/// `[expected]` as TOML.
fn written(expected: &Expected) -> Result<String> {
    Ok(toml::to_string(&BTreeMap::from([("expected", expected)]))?)
}

/// A recipe with this table, which takes the place of its own, before its files.
fn with_table(recipe: &str, table: &str) -> String {
    let mut kept = Vec::new();
    let mut is_old = false;
    for line in recipe.lines() {
        if line.starts_with('[') {
            is_old = line.starts_with("[expected") || line.starts_with("[[expected");
        }
        if !is_old || line.starts_with('#') {
            kept.push(line);
        }
    }
    let files = kept.iter().position(|line| line.starts_with("[files")).unwrap_or(kept.len());
    // What is said of the files stays with them.
    let place = kept.iter().take(files).rposition(|line| !line.starts_with('#')).map_or(0, |last| last + 1);
    kept.splice(place..place, table.lines().chain([""]));
    kept.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_old_one_and_leaves_the_rest() {
        let table = "[expected]\ntext = [1.0]\n";
        let bare = "# why\nname = \"a\"\n\n# of b\n[files.\"b\"]\nfrom = \"c\" # as well\n";
        let with = with_table(bare, table);
        assert_eq!(
            with,
            "# why\nname = \"a\"\n\n[expected]\ntext = [1.0]\n\n# of b\n[files.\"b\"]\nfrom = \"c\" # as well\n"
        );
        let old = with.replace("text = [1.0]", "[[expected.scores]]\ncosine = 0.5");
        assert_eq!(with_table(&old, table), with);
    }
}
