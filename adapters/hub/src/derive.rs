//! A recipe for a repository that has none: that of its family, with the numbers that the repository's own
//! configuration gives. Families are told by `model_type`, and what they do not do is refused, not guessed.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use onespace_bundle::Recipe;
use serde_json::Value as Json;
use toml::{Table, Value};

use crate::{hub::RepoRevision, recipes};

/// The largest configuration that is read, bytes.
const CONFIG_BYTES: u64 = 4 << 20;

/// What is said of every derived bundle.
const NOTICE: &str =
    "derived from the repository's configuration; logit_scale is the family's usual one, not read from the weights";

/// Derives a recipe; `file` gives a file of the repository.
///
/// # Errors
/// A family that is not known, or a setting of it that is not; each is named.
pub fn recipe(repo: &RepoRevision, licence: Option<&str>, file: impl Fn(&str) -> Result<PathBuf>) -> Result<Recipe> {
    let json = |name: &str| -> Result<Json> {
        let path =
            file(name).with_context(|| format!("no recipe is known, and one cannot be derived without {name}"))?;
        read(&path).and_then(|text| Ok(serde_json::from_str(&text)?)).with_context(|| format!("{name} is not read"))
    };
    let config = Config { file: "config.json", json: json("config.json")? };
    let prepare = Config { file: "preprocessor_config.json", json: json("preprocessor_config.json")? };
    let family = config.text("model_type")?;
    let mut table = match family {
        "clip" => clip(&config, &prepare)?,
        "siglip" => siglip2(&config, &prepare)?,
        "clap" => clap(&config, &prepare)?,
        "siglip2" => bail!(
            "config.json: model_type \"siglip2\" is NaFlex: patches of any aspect ratio, which a manifest cannot say; \
             fixed-resolution exports (siglip2-*-patch*-N) say \"siglip\""
        ),
        other => bail!(
            "config.json: model_type \"{other}\" is none of clip, siglip, clap; write a recipe and name it with \
             --recipe (docs/PULL.md)"
        ),
    };
    let licence = match licence {
        Some(licence) => licence.to_owned(),
        None => card_licence(&file).context("the repository's card names no licence; name it with --licence")?,
    };
    let name = repo.repository.split('/').next_back().unwrap_or_default().to_ascii_lowercase();
    if licence.to_ascii_lowercase().contains("-nc") {
        put(&mut table, "usage", "non-commercial".into());
    }
    put(&mut table, "licence", licence.into());
    put(&mut table, "name", name.into());
    put(&mut table, "description", format!("{} as {} publishes it.", family.to_uppercase(), repo.repository).into());
    put(&mut table, "notice", NOTICE.into());
    put(&mut table, "origin.repository", repo.repository.clone().into());
    put(&mut table, "origin.revision", repo.revision.clone().into());
    put(&mut table, "origin.checkpoint", config.json.get("_name_or_path").and_then(Json::as_str).unwrap_or("").into());
    Ok(Recipe::from_table(table)?)
}

fn clip(config: &Config, prepare: &Config) -> Result<Table> {
    let mut table = family("clip-vit-base-patch32")?;
    dimension(&mut table, config.number_or("projection_dim", 512)?, &["text", "image", "video"]);
    let context = config.number_or("text_config.max_position_embeddings", 77)?;
    put(&mut table, "towers.text.preprocess.context", context.into());
    picture(&mut table, prepare, 224)?;
    Ok(table)
}

fn siglip2(config: &Config, prepare: &Config) -> Result<Table> {
    // SigLIP 1 has a tokenizer of 32 000 pieces and canonicalises text.
    if config.number_or("text_config.vocab_size", 32_000)? != 256_000 {
        bail!("config.json: text_config.vocab_size is not SigLIP 2's 256000, and SigLIP 1 is not known here");
    }
    let mut table = family("siglip2-base-patch16-224")?;
    dimension(&mut table, config.number_or("vision_config.hidden_size", 768)?, &["text", "image", "video"]);
    let context = config.number_or("text_config.max_position_embeddings", 64)?;
    put(&mut table, "towers.text.preprocess.context", context.into());
    picture(&mut table, prepare, config.number_or("vision_config.image_size", 224)?)?;
    Ok(table)
}

fn clap(config: &Config, prepare: &Config) -> Result<Table> {
    if config.at("audio_config.enable_fusion") == Some(&Json::Bool(true)) {
        bail!("config.json: audio_config.enable_fusion: fused CLAP chooses its chunks at random and is not known here");
    }
    prepare.must("truncation", "rand_trunc")?;
    prepare.must("padding", "repeatpad")?;
    let mut table = family("clap-htsat-unfused")?;
    dimension(&mut table, config.number_or("projection_dim", 512)?, &["text", "audio"]);
    let audio = "towers.audio.preprocess";
    let window_ms = prepare.number_or("max_length_s", 10)? * 1000;
    put(&mut table, &format!("{audio}.window_ms"), window_ms.into());
    put(&mut table, &format!("{audio}.hop_ms"), window_ms.into());
    put(&mut table, &format!("{audio}.sample_rate"), prepare.number_or("sampling_rate", 48_000)?.into());
    let front = format!("{audio}.front_end");
    for (key, name, usual) in [
        ("n_fft", "fft_window_size", 1024),
        ("win_length", "fft_window_size", 1024),
        ("hop_length", "hop_length", 480),
        ("n_mels", "feature_size", 64),
    ] {
        put(&mut table, &format!("{front}.{key}"), prepare.number_or(name, usual)?.into());
    }
    for (key, name) in [("f_min", "frequency_min"), ("f_max", "frequency_max")] {
        let hertz = prepare.at(name).and_then(Json::as_f64);
        let hertz = hertz.with_context(|| format!("{}: {name} is missing", prepare.file))?;
        put(&mut table, &format!("{front}.{key}"), hertz.into());
    }
    Ok(table)
}

/// The recipe of a family without what is of its own repository alone: digests and expected vectors.
fn family(name: &str) -> Result<Table> {
    let mut recipe = recipes::named(name)?;
    recipe.at("main");
    Ok(recipe.to_table()?)
}

fn dimension(table: &mut Table, width: i64, towers: &[&str]) {
    put(table, "dimension", width.into());
    for tower in towers {
        put(table, &format!("towers.{tower}.native_dimension"), width.into());
    }
}

/// Size, cut, filter, mean and deviation of images, and of films frame by frame.
fn picture(table: &mut Table, prepare: &Config, usual: i64) -> Result<()> {
    for flag in ["do_resize", "do_normalize", "do_rescale"] {
        if prepare.at(flag) == Some(&Json::Bool(false)) {
            bail!("{}: {flag} is false, which is not known here", prepare.file);
        }
    }
    let cut = prepare.at("do_center_crop") == Some(&Json::Bool(true));
    let edge = prepare.side("size", usual)?;
    let side = if cut { prepare.side("crop_size", usual)? } else { edge };
    let filter = match prepare.number_or("resample", 3)? {
        0 => "nearest",
        1 => "lanczos",
        2 => "bilinear",
        3 => "bicubic",
        4 => "box",
        other => bail!("{}: resample {other} is no filter that is known here", prepare.file),
    };
    for tower in ["image", "video"] {
        let key = |name: &str| format!("towers.{tower}.preprocess.{name}");
        put(table, &key("width"), side.into());
        put(table, &key("height"), side.into());
        put(table, &key("resize"), if cut { "shortest-edge" } else { "squash" }.into());
        put(table, &key("filter"), filter.into());
        for (ours, theirs) in [("mean", "image_mean"), ("std", "image_std")] {
            put(table, &key(ours), Value::Array(prepare.three(theirs)?));
        }
    }
    if cut && edge != side {
        put(table, "towers.image.preprocess.resize_to", edge.into());
        if table.get("towers").and_then(|towers| towers.get("video")).is_some() {
            bail!("{}: images are resized to {edge} and cut to {side}, which films cannot be", prepare.file);
        }
    }
    Ok(())
}

/// A configuration of the repository.
struct Config {
    file: &'static str,
    json: Json,
}

impl Config {
    fn at(&self, path: &str) -> Option<&Json> {
        path.split('.').try_fold(&self.json, |json, key| json.get(key)).filter(|json| !json.is_null())
    }

    fn text(&self, path: &str) -> Result<&str> {
        self.at(path).and_then(Json::as_str).with_context(|| format!("{}: {path} is missing", self.file))
    }

    fn must(&self, path: &str, value: &str) -> Result<()> {
        let found = self.text(path)?;
        if found == value { Ok(()) } else { bail!("{}: {path} \"{found}\" is not known here", self.file) }
    }

    /// A whole number; the usual one where it is left out, as configurations leave out defaults.
    fn number_or(&self, path: &str, usual: i64) -> Result<i64> {
        let Some(json) = self.at(path) else { return Ok(usual) };
        let number = json.as_i64().filter(|number| (0..=1 << 20).contains(number));
        number.with_context(|| format!("{}: {path} is {json}, not a whole number", self.file))
    }

    /// The side of a square, in any of the ways that processors write it.
    fn side(&self, path: &str, usual: i64) -> Result<i64> {
        let whole = |json: &Json| json.as_i64();
        let side = match self.at(path) {
            None => Some(usual),
            Some(size @ Json::Object(_)) => match (size.get("shortest_edge"), size.get("height"), size.get("width")) {
                (Some(edge), None, None) => whole(edge),
                (None, Some(height), Some(width)) if height == width => whole(height),
                _ => None,
            },
            Some(number) => whole(number),
        };
        side.filter(|side| *side > 0).with_context(|| format!("{}: {path} is not the side of a square", self.file))
    }

    fn three(&self, path: &str) -> Result<Vec<Value>> {
        let three: Option<Vec<_>> =
            self.at(path).and_then(Json::as_array).and_then(|all| all.iter().map(Json::as_f64).collect());
        let three = three
            .filter(|all| all.len() == 3)
            .with_context(|| format!("{}: {path} is not three numbers", self.file))?;
        Ok(three.into_iter().map(Value::Float).collect())
    }
}

/// The licence in the card's front matter, as SPDX spells it.
fn card_licence(file: &impl Fn(&str) -> Result<PathBuf>) -> Option<String> {
    let card = file("README.md").and_then(|path| read(&path)).ok()?;
    let front = card.strip_prefix("---")?.split("\n---").next()?;
    let licence = front.lines().find_map(|line| line.strip_prefix("license:"))?.trim().trim_matches(['"', '\'']);
    let spelt = match licence {
        "" | "other" | "unknown" => return None,
        "apache-2.0" => "Apache-2.0",
        "mit" => "MIT",
        other if other.starts_with("cc") => return Some(other.to_ascii_uppercase()),
        other => return Some(format!("LicenseRef-{other}")),
    };
    Some(spelt.to_owned())
}

fn read(path: &PathBuf) -> Result<String> {
    if fs::metadata(path)?.len() > CONFIG_BYTES {
        bail!("more than {CONFIG_BYTES} bytes");
    }
    Ok(fs::read_to_string(path)?)
}

/// Sets a key of a table of tables, where the tables above it are there.
fn put(table: &mut Table, path: &str, value: Value) {
    let (above, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut keys = above.split('.').filter(|key| !key.is_empty());
    let within = keys.try_fold(table, |table, key| table.get_mut(key).and_then(Value::as_table_mut));
    if let Some(within) = within {
        within.insert(key.to_owned(), value);
    }
}
