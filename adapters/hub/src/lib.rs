//! A repository on a model hub becomes a bundle.
//!
//! [`Pull`] brings the files. Which there are and how they are prepared is a [`Recipe`]; the hub only gives bytes.
//! Files go through the cache that the hub's own tools use; a second pull asks nobody. [`Draft`] makes the bundle of
//! them: whoever has the towers runs them on its golden inputs, and [`Draft::finish`] puts it where it will be.

mod assemble;
mod cache;
mod derive;
mod event;
mod fetch;
mod hub;
mod origin;
pub mod recipes;
mod refusal;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Result, anyhow, bail};
use onespace_bundle::{Recipe, file_digest};

use crate::{
    cache::Cache,
    fetch::RemoteFile,
    hub::{BlobInfo, Hub},
    refusal::{Failure, disk},
};

pub use assemble::Draft;
pub use event::{Event, Progress};
pub use hub::RepoRevision;
pub use origin::Origin;

/// How often the hub is asked what a revision or file is.
const ATTEMPTS: usize = 4;

/// How something is pulled.
pub struct Options {
    /// Where the bundle will be. By default within `bundles`, by the recipe's name.
    pub out: Option<PathBuf>,
    /// The license of the weights as SPDX names it, for a repository without recipe whose card does not say it.
    pub license: Option<String>,
    /// Ask the hub again which commit a branch or tag is.
    pub update: bool,
    /// Ask nobody: everything is in the cache.
    pub offline: bool,
    /// The hub's URL; without one, the hub that its own library knows.
    pub hub: Option<String>,
    /// The token that the hub, and nobody else, is shown.
    pub token: Option<String>,
    /// Where downloads are kept.
    pub cache: PathBuf,
}

/// What a pull brought.
pub struct Pulled {
    /// How the bundle is made.
    pub recipe: Recipe,
    /// The commit of its files.
    pub commit: String,
    /// The files, by their path within the bundle: where they lie, and their SHA-256.
    pub files: BTreeMap<String, (PathBuf, String)>,
    /// Where the bundle will be.
    pub out: PathBuf,
    /// The fingerprint of the bundle, if it was there already: then there are no files.
    pub existing: Option<String>,
}

impl Pulled {
    /// Makes a bundle of it, but for its golden vectors.
    ///
    /// # Errors
    /// As [`Draft::write`].
    pub fn draft(&self) -> Result<Draft<'_>> {
        Draft::write(&self.recipe, &self.commit, &self.files, &self.out)
    }
}

/// A pull under way.
pub struct Pull<'a> {
    options: &'a Options,
    progress: &'a dyn Progress,
    hub: Option<Hub>,
    cache: Cache,
    /// The repository, at the revision that was asked for.
    repo: RepoRevision,
    /// What is known of it without asking it anything.
    recipe: Option<Recipe>,
}

impl<'a> Pull<'a> {
    /// Begins one. Nobody is asked anything yet.
    ///
    /// # Errors
    /// A URL of a hub that is none.
    pub fn new(origin: Origin, options: &'a Options, progress: &'a dyn Progress) -> Result<Self> {
        let Origin { recipe, repo } = origin;
        let hub = if options.offline { None } else { Some(Hub::new(options.hub.as_deref(), options.token.clone())?) };
        let cache = Cache::new(&options.cache, &repo);
        Ok(Self { options, progress, hub, cache, repo, recipe })
    }

    /// Everything of the network: the recipe where it has to be derived, and every file. It blocks.
    ///
    /// # Errors
    /// What the hub refuses, and why; something else where the bundle will be; a full disk; a digest that is wrong.
    pub fn files(mut self) -> Result<Pulled> {
        let known = if self.options.update { None } else { self.cache.commit(&self.repo) };
        // Where the bundle is there already, nobody is asked anything.
        if let Some(recipe) = &self.recipe
            && let Some((commit, space)) = self.existing(recipe)?
            && known.as_ref().is_none_or(|known| *known == commit)
            && !self.options.update
        {
            return Ok(self.unchanged(recipe.clone(), commit, space));
        }
        let commit = match known {
            Some(commit) => commit,
            None => self.ask(&format!("revision {}", self.repo.revision), |hub| hub.commit(&self.repo))?,
        };
        let repo = RepoRevision { repository: self.repo.repository.clone(), revision: commit.clone() };
        self.progress.tell(&Event::Resolved { repository: &repo.repository, commit: &commit });
        let recipe = match self.recipe.take() {
            Some(recipe) => recipe,
            None => derive::recipe(&repo, self.options.license.as_deref(), |file| self.fetch_small(&repo, file))?,
        };
        if let Some((there, space)) = self.existing(&recipe)? {
            if there != commit {
                bail!("{} is of commit {there}; remove it, or name another with --out", self.out(&recipe).display());
            }
            return Ok(self.unchanged(recipe, commit, space));
        }
        let files = self.fetch_all(&repo, &recipe)?;
        self.cache.note(&self.repo, &commit)?;
        let out = self.out(&recipe);
        Ok(Pulled { recipe, commit, files, out, existing: None })
    }

    fn unchanged(&self, recipe: Recipe, commit: String, space: String) -> Pulled {
        let out = self.out(&recipe);
        Pulled { recipe, commit, files: BTreeMap::new(), out, existing: Some(space) }
    }

    fn out(&self, recipe: &Recipe) -> PathBuf {
        self.options.out.clone().unwrap_or_else(|| Path::new("bundles").join(recipe.name()))
    }

    fn existing(&self, recipe: &Recipe) -> Result<Option<(String, String)>> {
        assemble::existing(recipe, &self.out(recipe))
    }

    /// Asks the hub, and again where that may help.
    fn ask<T>(&self, what: &str, question: impl Fn(&Hub) -> Result<T, Failure>) -> Result<T> {
        let Some(hub) = &self.hub else {
            let repository = &self.repo.repository;
            bail!("{what} of {repository} is not in the cache, and with --offline (HF_HUB_OFFLINE) nobody is asked");
        };
        let mut left = ATTEMPTS;
        loop {
            let failure = match question(hub) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            left -= 1;
            let Some(pause) = failure.again.filter(|_| left > 0) else { return Err(failure.error) };
            let reason = &format!("{:#}", failure.error);
            self.progress.tell(&Event::Again { file: what, reason, after_ms: pause.as_millis() });
            thread::sleep(pause);
        }
    }

    /// A file that is kept and is what it should be, with its SHA-256.
    fn find_kept(&self, repo: &RepoRevision, file: &str, sha256: Option<&str>) -> Result<Option<(PathBuf, String)>> {
        let Some((path, named)) = self.cache.find(&repo.revision, file) else { return Ok(None) };
        let digest = file_digest(&path).map_err(|error| disk(&error, &path))?;
        let expected = [sha256, named.as_deref()];
        let Some(expected) = expected.into_iter().flatten().find(|expected| !expected.eq_ignore_ascii_case(&digest))
        else {
            return Ok(Some((path, digest)));
        };
        // Whoever spoilt it: it is of no use to anybody.
        fs::remove_file(&path).map_err(|error| disk(&error, &path))?;
        if self.hub.is_none() {
            bail!("{file}: SHA-256 in the cache is {digest}, but {expected} is expected; it has been deleted");
        }
        Ok(None)
    }

    /// A small file of the repository: kept, or fetched.
    fn fetch_small(&self, repo: &RepoRevision, file: &str) -> Result<PathBuf> {
        if let Some((path, _)) = self.find_kept(repo, file, None)? {
            return Ok(path);
        }
        let info = self.ask(file, |hub| hub.file_info(repo, file))?;
        self.fetch(repo, file, None, &info)?;
        Ok(self.cache.blob(&info))
    }

    /// Every file of a recipe, by its path within the bundle.
    fn fetch_all(&self, repo: &RepoRevision, recipe: &Recipe) -> Result<BTreeMap<String, (PathBuf, String)>> {
        let inputs = recipe.golden().into_iter().map(|golden| golden.input);
        let mut inputs = inputs.filter(|path| !recipe.files.contains_key(path));
        if let Some(path) = inputs.find(|path| recipes::golden_input(path).is_none()) {
            bail!("the golden input {path} is not in [files], and does not come with onespace");
        }
        let mut there = BTreeMap::new();
        let mut missing = Vec::new();
        for (path, source) in &recipe.files {
            let file = source.from.as_str();
            let sha256 = source.sha256.as_deref();
            if let Some((blob, sha256)) = self.find_kept(repo, file, sha256)? {
                let bytes = blob.metadata().map_or(0, |found| found.len());
                self.progress.tell(&Event::Kept { file, bytes, sha256: &sha256 });
                there.insert(path.clone(), (blob, sha256));
            } else {
                let info = self.ask(file, |hub| hub.file_info(repo, file))?;
                if let (Some(ours), Some(theirs)) = (sha256, info.sha256())
                    && !ours.eq_ignore_ascii_case(theirs)
                {
                    bail!("{file}: the hub says its SHA-256 is {theirs}, the recipe {ours}; nothing was fetched");
                }
                missing.push((path, source, info));
            }
        }
        let bytes = missing.iter().map(|(_, _, info)| info.bytes).sum();
        self.progress.tell(&Event::Plan { files: missing.len(), bytes });
        for (path, source, info) in missing {
            let sha256 = self.fetch(repo, &source.from, source.sha256.as_deref(), &info)?;
            there.insert(path.clone(), (self.cache.blob(&info), sha256));
        }
        Ok(there)
    }

    fn fetch(&self, repo: &RepoRevision, file: &str, sha256: Option<&str>, info: &BlobInfo) -> Result<String> {
        let hub = self.hub.as_ref().ok_or_else(|| anyhow!("{file}: not in the cache"))?;
        let remote = RemoteFile { repo, file, sha256: sha256.or(info.sha256()), info };
        fetch::fetch(hub, &self.cache, &remote, self.progress)
    }
}
