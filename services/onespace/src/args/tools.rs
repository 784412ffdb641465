//! The flags of the `onespace bundle` commands that make bundles.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand, builder::FalseyValueParser};

use super::{ModelArgs, RuntimeArgs};
use crate::tools::{compose::ComposeArgs, fit::FitArgs};

/// The commands that make bundles.
#[derive(Debug, Subcommand)]
pub enum ToolCommand {
    /// Write what every tower of a bundle gives for its golden input as its golden vector, and tell how far that is
    /// from what was there: for a bundle whose graphs were quantised or otherwise changed by its owner.
    Golden {
        #[command(flatten)]
        model: ModelArgs,
    },
    /// Make a bundle of a repository on a model hub that publishes ONNX graphs.
    Pull(PullArgs),
    /// Write down what the reference gave for a recipe's golden inputs, from a bundle that was exported with it
    /// (`python -m onespace_export … --golden bundles/recipes/golden`): pulls are held to it from then on.
    Expect(ExpectArgs),
    /// Fit a map from one space into another from pairs.
    Fit(Box<FitArgs>),
    /// Put towers of several bundles into one, around a base whose vectors stay what they are.
    Compose(ComposeArgs),
}

/// `onespace bundle expect`.
#[derive(Debug, Args)]
pub struct ExpectArgs {
    /// The exported bundle, whose golden vectors are the reference's.
    #[arg(long, value_name = "DIR")]
    pub bundle: PathBuf,
    /// The recipe into which `[expected]` is written; without one it is printed.
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
}

/// `onespace bundle pull`. The environment is that of the hub's own tools.
#[derive(Debug, Args)]
pub struct PullArgs {
    /// A recipe by its name, or a repository.
    #[arg(value_name = "NAME|hf:OWNER/REPO[@REV]", conflicts_with_all = ["list", "recipe"])]
    pub what: Option<String>,
    /// Print the recipes that there are.
    #[arg(long)]
    pub list: bool,
    /// A recipe of one's own.
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    pub recipe: Option<PathBuf>,
    /// Where the bundle will be; nothing may be there. Default: bundles/NAME.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The licence of the weights as SPDX names it, for a repository without recipe whose card does not say it.
    #[arg(long, value_name = "SPDX")]
    pub licence: Option<String>,
    /// Ask the hub again which commit a branch or tag is.
    #[arg(long, conflicts_with = "offline")]
    pub update: bool,
    /// Ask nobody: everything is in the cache.
    #[arg(long, env = "HF_HUB_OFFLINE", value_parser = FalseyValueParser::new())]
    pub offline: bool,
    /// The hub. Default: the one that its own library knows.
    #[arg(long, env = "HF_ENDPOINT", value_name = "URL")]
    pub hub: Option<String>,
    /// The token that the hub, and nobody else, is shown.
    #[arg(long, env = "HF_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Where downloads are kept. Default: hub/ within --hub-home.
    #[arg(long, env = "HF_HUB_CACHE", value_name = "DIR")]
    pub cache: Option<PathBuf>,
    /// The folder of the hub's own tools. Default: huggingface/ in the user's cache.
    #[arg(long, env = "HF_HOME", value_name = "DIR")]
    pub hub_home: Option<PathBuf>,
    /// The folder of the user's caches.
    #[arg(long, hide = true, env = "XDG_CACHE_HOME")]
    xdg_cache: Option<PathBuf>,
    #[command(flatten)]
    pub runtime: RuntimeArgs,
}

impl PullArgs {
    /// Where downloads are kept: where the hub's own tools keep them.
    pub fn cache_root(&self) -> Result<PathBuf> {
        if let Some(root) = &self.cache {
            return Ok(root.clone());
        }
        let user = || self.xdg_cache.clone().or_else(|| Some(std::env::home_dir()?.join(".cache")));
        let home = self.hub_home.clone().or_else(|| Some(user()?.join("huggingface")));
        Ok(home.context("there is no home directory; name a folder for downloads with --cache")?.join("hub"))
    }
}
