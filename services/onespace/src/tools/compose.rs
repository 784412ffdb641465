//! `onespace bundle compose`: towers of several bundles in one.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use onespace_alignment::{Alignment, Map, file};
use onespace_bundle::{
    Bundle,
    compose::{Addition, compose},
};
use onespace_core::Modality;
use serde_json::{Value, json};

use crate::{
    args::{RuntimeArgs, usage},
    output::{Outcome, Rows, print_line},
    serve,
};

/// `onespace bundle compose`.
#[derive(Debug, Args)]
pub struct ComposeArgs {
    /// The bundle whose space it will be, and whose vectors stay what they are.
    #[arg(long, value_name = "DIR")]
    pub base: PathBuf,
    /// A tower of another bundle, as MODALITY=DIR; may be repeated.
    #[arg(long, required = true, value_name = "MODALITY=DIR")]
    pub add: Vec<Added>,
    /// The map from the other bundle's space into the base's, as `bundle fit` wrote it: one for each --add in order,
    /// or one for all.
    #[arg(long, required = true, value_name = "FILE")]
    pub alignment: Vec<PathBuf>,
    /// The new bundle.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}

/// A tower and the bundle it is in.
#[derive(Clone, Debug)]
pub struct Added {
    modality: Modality,
    directory: PathBuf,
}

impl FromStr for Added {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (modality, directory) = text.split_once('=').context("it is not of the form MODALITY=DIR")?;
        Ok(Self { modality: modality.parse()?, directory: directory.into() })
    }
}

/// Puts the bundle together beside its place, proves the added towers on their golden inputs, and moves it there.
pub async fn run(args: ComposeArgs, json: bool) -> Result<Outcome> {
    let ComposeArgs { base, add, alignment, out, runtime } = args;
    if alignment.len() != 1 && alignment.len() != add.len() {
        return Err(usage("one --alignment is needed for all, or one for each --add in their order"));
    }
    let partial = out.with_extension("partial");
    if let Some(there) = [&out, &partial].into_iter().find(|path| path.exists()) {
        bail!("--out: {} is there already", there.display());
    }
    let base = serve::open(&base).await.with_context(|| format!("--base {}", base.display()))?;
    let mut sources = Vec::with_capacity(add.len());
    for Added { modality, directory } in add {
        let source =
            serve::open(&directory).await.with_context(|| format!("--add {modality}={}", directory.display()))?;
        sources.push((modality, source));
    }
    let mut additions = Vec::with_capacity(sources.len());
    for ((modality, source), file) in sources.iter().zip(alignment.iter().cycle()) {
        let addition = addition(&base, *modality, source, file);
        additions.push(addition.with_context(|| format!("--alignment {} for {modality}", file.display()))?);
    }
    let written = compose(&base, &additions, &partial).map_err(anyhow::Error::from);
    let proven = match written {
        Ok(_) => proven(&partial, &sources, &runtime).await,
        Err(error) => Err(error),
    };
    let moved = proven.and_then(|proven| Ok(fs::rename(&partial, &out).map(|()| proven)?));
    // What cannot be proven is not kept; nothing but this command has made it.
    let (bundle, cosines) = moved.inspect_err(|_| drop(fs::remove_dir_all(&partial)))?;
    tell(&bundle, &cosines, &out, json);
    Ok(Outcome::AllWell)
}

/// A tower, and its way into the base's space.
fn addition<'a>(base: &Bundle, modality: Modality, source: &'a Bundle, path: &Path) -> Result<Addition<'a>> {
    let bytes = fs::read(path)?;
    let map = file::single(&bytes)?;
    if let Some(record) = file::record(&bytes)? {
        held_to(&serde_json::from_str(&record)?, base, modality, source)?;
    }
    let (from, to) = (source.space().dimension, base.space().dimension);
    if (map.native(), map.dimension()) != (from, to) {
        bail!("it leads from {} values to {}, from {from} to {to} is needed", map.native(), map.dimension());
    }
    let head = source
        .manifest()
        .towers
        .head(modality)
        .with_context(|| format!("{} has no such tower", source.space().name))?;
    let own = match head.alignment {
        Some(own) => Alignment::from_safetensors(&source.read(own)?, head.native_dimension, from)?,
        None => Alignment::identity(from),
    };
    let golden = golden(&map, source.vector(&head.golden.vector)?)?;
    let alignment = own.followed_by(map)?.to_safetensors(None)?;
    Ok(Addition { modality, source, alignment, golden })
}

/// The golden vector where the map takes it.
fn golden(map: &Map, vector: Vec<f32>) -> Result<Vec<f32>> {
    Ok(Alignment::identity(map.native()).followed_by(map.clone())?.apply(vector)?)
}

/// Refuses a map that was fitted for something else.
fn held_to(record: &Value, base: &Bundle, modality: Modality, source: &Bundle) -> Result<()> {
    for (side, bundle) in [("source", source), ("target", base)] {
        let (fitted, here) = (record.pointer(&format!("/{side}/fingerprint")), bundle.space().fingerprint.to_string());
        if let Some(fitted) = fitted.and_then(Value::as_str).filter(|fitted| *fitted != here) {
            let short = |fingerprint: &str| fingerprint.chars().take(12).collect::<String>();
            bail!("its {side} was space {}, {} is {}", short(fitted), bundle.space().name, short(&here));
        }
    }
    match record.get("modality").and_then(Value::as_str) {
        Some(fitted) if fitted != modality.name() => bail!("it was fitted for the {fitted} tower"),
        _ => Ok(()),
    }
}

/// Opens what was written and runs its added towers.
async fn proven(
    directory: &Path,
    sources: &[(Modality, Bundle)],
    runtime: &RuntimeArgs,
) -> Result<(Bundle, Vec<(Modality, f32)>)> {
    let bundle = serve::open(directory).await?;
    let modalities: Vec<_> = sources.iter().map(|(modality, _)| *modality).collect();
    let encoder = serve::towers(&bundle, runtime, &modalities).await?;
    let cosines = encoder.info().towers.iter().map(|tower| (tower.modality, tower.golden_cosine)).collect();
    Ok((bundle, cosines))
}

fn tell(bundle: &Bundle, cosines: &[(Modality, f32)], out: &Path, json: bool) {
    let space = bundle.space();
    if !json {
        print_line(&format!("{}: {}, space {} as before", out.display(), space.name, space.fingerprint));
    }
    let mut rows = Rows::new(json, ["added", "vectors carry", "golden cosine"]);
    for (modality, cosine) in cosines {
        let carried = space.of_tower(*modality).to_string();
        let object =
            json!({"added": modality, "vectors": carried, "golden_cosine": cosine, "space": space.fingerprint});
        rows.push(vec![modality.to_string(), carried, format!("{cosine:.6}")], &object);
    }
    rows.finish();
}
