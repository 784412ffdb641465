//! `onespace bundle fit`: a map from one space into another.

use std::{path::PathBuf, str::FromStr};

use anyhow::{Context, Result, bail};
use clap::Args;
use onespace_alignment::Alignment;
use onespace_client::Config;
use onespace_core::Modality;
use onespace_fit::{
    Fitted, Method, Options, Pairs, fit,
    list::{self, Item},
    mean, recentred, vectors,
};
use serde_json::{Value, json};

use super::{
    media,
    report::{self, Bar},
    space::Space,
    write_whole,
};
use crate::{
    args::{RuntimeArgs, usage},
    client::{choice::Choice, source::walk},
    output::{Outcome, print_line},
};

/// `onespace bundle fit`.
#[derive(Debug, Args)]
pub struct FitArgs {
    /// The space that is to move: a bundle, or the URL of a server.
    #[arg(long, value_name = "SPACE")]
    pub source: String,
    /// The space that it moves into, which stays as it is.
    #[arg(long, value_name = "SPACE")]
    pub target: String,
    /// Pairs: two .npy arrays [n, d], source first; a .safetensors file with `source` and `target`; a .parquet file
    /// with list columns `source` and `target`; or media to embed, a .tsv or .jsonl list in which @FILE names a file
    /// and anything else is a text. With --through text: two .npy arrays of text vectors, or a .txt file of texts.
    #[arg(long, required_unless_present = "classes", num_args = 1..=2, value_name = "FILE")]
    pub pairs: Vec<PathBuf>,
    /// conse, in place of --pairs: what the source's classes are called, a class a line in the order of the
    /// classifier's outputs, several names of one between tabs.
    #[arg(long, conflicts_with_all = ["pairs", "through"], value_name = "FILE")]
    pub classes: Option<PathBuf>,
    /// center, procrustes, ridge, cca or mlp, from pairs; conse, from the names of a classifier's classes.
    #[arg(long, value_name = "METHOD")]
    pub method: Way,
    /// The alignment; written only if it is worth it.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// What both spaces know, where there are no direct pairs: fit on it and move another modality of the source.
    #[arg(long, value_name = "MODALITY", requires = "sample", requires = "modality", value_parser = through)]
    pub through: Option<Modality>,
    /// The source's tower that the map is for. Told to `compose`, which holds it to that.
    #[arg(long, value_name = "MODALITY")]
    pub modality: Option<Modality>,
    /// Media of --modality (files, folders, or one .npy of their vectors), unpaired: where its vectors lie on the mean.
    #[arg(long, num_args = 1.., value_name = "PATH")]
    pub sample: Vec<PathBuf>,
    /// Decides splits, first weights and orders: the same seed, the same map.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// ridge: λ as a share of the mean variance; 0: plain least squares. Default: what does best on validation pairs.
    #[arg(long, allow_negative_numbers = true, value_name = "L")]
    pub lambda: Option<f64>,
    /// cca: directions kept. Default: what does best on validation pairs.
    #[arg(long, value_name = "N")]
    pub rank: Option<usize>,
    /// mlp: units of the hidden layer. Default: twice the longer vector.
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
    /// mlp: the most epochs; it stops earlier when validation pairs gain no more.
    #[arg(long, default_value_t = 200, value_name = "N")]
    pub epochs: usize,
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}

/// How a map comes about.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// It is fitted to pairs.
    Pairs(Method),
    /// It is told what classes are called.
    Conse,
}

impl FromStr for Way {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "conse" => Ok(Self::Conse),
            other => match other.parse() {
                Ok(method) => Ok(Self::Pairs(method)),
                Err(error) => bail!("{}, conse", error.message),
            },
        }
    }
}

fn through(name: &str) -> Result<Modality> {
    match name.parse()? {
        Modality::Text => Ok(Modality::Text),
        other => bail!("{other} is not shared by separate models: only text is"),
    }
}

/// Fits, reports, and writes what is worth writing.
pub async fn run(args: FitArgs, method: Method, json: bool, server: &Config) -> Result<Outcome> {
    if args.lambda.is_some_and(|lambda| !lambda.is_finite() || lambda < 0.0) {
        return Err(usage("--lambda must be 0 or more"));
    }
    let mut source = Space::open(&args.source, server).await.context("--source")?;
    let mut target = Space::open(&args.target, server).await.context("--target")?;
    let (from, to) = read(&args, &mut source, &mut target).await.context("--pairs")?;
    for (side, vectors, space) in [("source", &from, &source), ("target", &to, &target)] {
        if let Some(vector) = vectors.first().filter(|vector| vector.len() != space.dimension) {
            bail!("--pairs: {side} vectors have {} values, those of its space {}", vector.len(), space.dimension);
        }
    }
    let pairs = Pairs::new(&from, &to)?;
    let moved = match args.through {
        Some(_) => Some(sample(&args, &mut source).await.context("--sample")?),
        None => None,
    };
    let (FitArgs { seed, lambda, rank, width, epochs, .. }, bar) = (&args, Bar::new("fitting", 1));
    let options = Options { method, seed: *seed, lambda: *lambda, rank: *rank, width: *width, epochs: *epochs };
    let fitting = tokio::task::spawn_blocking(move || {
        let fitted = fit(&pairs, &options, &mut |progress| bar.show(progress));
        fitted.map(|fitted| (fitted, pairs))
    });
    let (Fitted { map, report }, pairs) = fitting.await??;
    let map = match moved {
        Some(centre) => recentred(map, &mean(pairs.source()), &centre),
        None => map,
    };
    let mut told = report::object(&report);
    if !json {
        report::print(&report);
    }
    if report.refused.is_none() {
        let record = record(&args, &source, &target, told.clone().into());
        write_whole(&args.out, &Alignment::of(map).to_safetensors(Some(&record.to_string()))?)?;
        told.insert("written".to_owned(), args.out.display().to_string().into());
    }
    if json {
        print_line(&Value::from(told).to_string());
    }
    match report.refused {
        Some(why) => bail!("{} is not written: {why}", args.out.display()),
        None if !json => print_line(&format!("written: {}", args.out.display())),
        None => {}
    }
    Ok(Outcome::AllWell)
}

type Vectors = Vec<Vec<f32>>;

/// The vectors of both sides, read or embedded.
async fn read(args: &FitArgs, source: &mut Space, target: &mut Space) -> Result<(Vectors, Vectors)> {
    let extension = |path: &PathBuf| path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let kinds: Vec<_> = args.pairs.iter().map(|path| extension(path).unwrap_or_default()).collect();
    let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
    let (from, to): (Vec<Item>, Vec<Item>) = match (&kinds[..], &args.pairs[..], args.through) {
        (["npy", "npy"], [from, to], _) => return Ok((vectors::npy(from)?, vectors::npy(to)?)),
        (["safetensors"], [file], None) => return vectors::safetensors(file),
        (["parquet"], [file], None) => return vectors::parquet(file),
        (["tsv" | "jsonl"], [file], None) => list::pairs(file)?.into_iter().unzip(),
        (["txt"], [file], Some(_)) => list::texts(file)?.into_iter().map(|item| (item.clone(), item)).unzip(),
        (_, _, None) => bail!("name two .npy files, or one .safetensors, .parquet, .tsv or .jsonl"),
        (_, _, Some(_)) => bail!("with --through text, name two .npy files of text vectors, or one .txt of texts"),
    };
    let from = media::vectors(source, &from, &args.runtime, "source media").await?;
    Ok((from, media::vectors(target, &to, &args.runtime, "target media").await?))
}

/// The mean of the unpaired vectors of the modality that is to move.
async fn sample(args: &FitArgs, source: &mut Space) -> Result<Vec<f32>> {
    let vectors = match &args.sample[..] {
        [file] if file.extension().is_some_and(|extension| extension == "npy") => vectors::npy(file)?,
        paths => {
            let found = walk(paths, &Choice::default())?;
            if let Some(unread) = found.unread.first() {
                bail!("{unread}");
            }
            let files: Vec<_> = found.files.into_iter().map(|file| Item::File(file.path)).collect();
            media::vectors(source, &files, &args.runtime, "samples").await?
        }
    };
    if vectors.iter().any(|vector| vector.len() != source.dimension) {
        bail!("the vectors must have {} values", source.dimension);
    }
    let unit = Pairs::new(&vectors, &vectors)?;
    if unit.is_empty() {
        bail!("there is nothing in it");
    }
    Ok(mean(unit.source()))
}

/// What the file says of how it came to be.
pub(super) fn record(args: &FitArgs, source: &Space, target: &Space, report: Value) -> Value {
    json!({
        "source": source.record(), "target": target.record(), "modality": args.modality, "through": args.through,
        "seed": args.seed, "report": report,
    })
}
