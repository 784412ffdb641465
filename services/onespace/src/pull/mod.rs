//! `onespace bundle pull`: a repository that publishes ONNX graphs becomes a bundle.
//!
//! Which files there are and how they are prepared is a [`Recipe`]; the hub only gives bytes. Files go through the
//! cache that the hub's own tools use; a second pull asks nobody.

mod assemble;
mod cache;
mod derive;
mod fetch;
mod hub;
mod progress;
mod recipes;
mod refusal;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    thread,
};

use anyhow::{Context, Result, anyhow, bail};
use onespace_bundle::{Recipe, file_digest, recipe};
use serde_json::json;

use self::{
    assemble::Parts,
    cache::Cache,
    fetch::Wanted,
    hub::{Hub, Place, Remote},
    progress::{Event, Progress},
    refusal::{Failure, disk},
};
use crate::{
    args::{PullArgs, usage},
    output::{Outcome, Rows},
    serve,
};

/// How often the hub is asked what a revision or file is.
const ATTEMPTS: usize = 4;

/// Runs the command.
pub async fn run(args: PullArgs, json: bool) -> Result<Outcome> {
    if args.list {
        return list(json);
    }
    let progress = Progress::new(json);
    let runtime = serve::runtime(&args.runtime)?;
    // Everything until the towers run is files and sockets that wait.
    let out = args.out.clone();
    let (pulled, progress) = tokio::task::spawn_blocking(move || {
        let pulled = Pull::new(&args, &progress).and_then(Pull::files);
        (pulled, progress)
    })
    .await?;
    let Pulled { recipe, commit, files, there } = pulled?;
    let out = out.unwrap_or_else(|| Path::new("bundles").join(recipe.name()));
    let (space, unchanged) = match there {
        Some(space) => (space, true),
        None => {
            let parts = Parts { recipe: &recipe, commit: &commit, files };
            (assemble::assemble(&parts, &out, &runtime, &progress).await?, false)
        }
    };
    let (bundle, repository) = (out.display().to_string(), recipe.origin.repository.as_str());
    progress.tell(&Event::Done { bundle: &bundle, space: &space, repository, commit: &commit, unchanged });
    Ok(Outcome::AllWell)
}

fn list(json: bool) -> Result<Outcome> {
    let mut rows = Rows::new(json, ["name", "towers", "licence", "repository", "revision"]);
    for recipe in recipes::all()? {
        let (name, towers, licence) = (recipe.name(), recipe.towers(), recipe.licence());
        let origin = &recipe.origin;
        let cells = vec![
            name.to_owned(),
            towers.join(", "),
            licence.to_owned(),
            origin.repository.clone(),
            origin.revision.get(..12).unwrap_or(&origin.revision).to_owned(),
        ];
        rows.push(cells, &json!({"name": name, "towers": towers, "licence": licence, "origin": origin}));
    }
    rows.finish();
    Ok(Outcome::AllWell)
}

/// What a pull brought.
struct Pulled {
    recipe: Recipe,
    commit: String,
    files: BTreeMap<String, (PathBuf, String)>,
    /// The fingerprint of the bundle that was there already.
    there: Option<String>,
}

/// A pull under way.
struct Pull<'a> {
    args: &'a PullArgs,
    progress: &'a Progress,
    hub: Option<Hub>,
    cache: Cache,
    /// The repository, at the revision that was asked for.
    place: Place,
    /// What is known of it without asking it anything.
    recipe: Option<Recipe>,
}

impl<'a> Pull<'a> {
    fn new(args: &'a PullArgs, progress: &'a Progress) -> Result<Self> {
        let (recipe, place) = wanted(args)?;
        let hub = if args.offline { None } else { Some(Hub::new(args.hub.as_deref(), args.token.clone())?) };
        let cache = Cache::new(&args.cache_root()?, &place);
        Ok(Self { args, progress, hub, cache, place, recipe })
    }

    /// Everything of the network: the recipe where it has to be derived, and every file.
    fn files(mut self) -> Result<Pulled> {
        let known = if self.args.update { None } else { self.cache.commit(&self.place) };
        // Where the bundle is there already, nobody is asked anything.
        if let Some(recipe) = &self.recipe
            && let Some((commit, space)) = self.already(recipe)?
            && known.as_ref().is_none_or(|known| *known == commit)
            && !self.args.update
        {
            return Ok(Pulled { recipe: recipe.clone(), commit, files: BTreeMap::new(), there: Some(space) });
        }
        let commit = match known {
            Some(commit) => commit,
            None => self.ask(&format!("revision {}", self.place.revision), |hub| hub.commit(&self.place))?,
        };
        let place = Place { repository: self.place.repository.clone(), revision: commit.clone() };
        self.progress.tell(&Event::Resolved { repository: &place.repository, commit: &commit });
        let recipe = match self.recipe.take() {
            Some(recipe) => recipe,
            None => derive::recipe(&place, self.args.licence.as_deref(), |file| self.small(&place, file))?,
        };
        if let Some((there, space)) = self.already(&recipe)? {
            if there != commit {
                bail!("{} is of commit {there}; remove it, or name another with --out", self.out(&recipe).display());
            }
            return Ok(Pulled { recipe, commit, files: BTreeMap::new(), there: Some(space) });
        }
        let files = self.bring(&place, &recipe)?;
        self.cache.note(&self.place, &commit)?;
        Ok(Pulled { recipe, commit, files, there: None })
    }

    fn out(&self, recipe: &Recipe) -> PathBuf {
        self.args.out.clone().unwrap_or_else(|| Path::new("bundles").join(recipe.name()))
    }

    fn already(&self, recipe: &Recipe) -> Result<Option<(String, String)>> {
        assemble::already(recipe, &self.out(recipe))
    }

    /// Asks the hub, and again where that may help.
    fn ask<T>(&self, what: &str, question: impl Fn(&Hub) -> Result<T, Failure>) -> Result<T> {
        let Some(hub) = &self.hub else {
            let repository = &self.place.repository;
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
    fn kept(&self, place: &Place, file: &str, sha256: Option<&str>) -> Result<Option<(PathBuf, String)>> {
        let Some((path, named)) = self.cache.find(&place.revision, file) else { return Ok(None) };
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
    fn small(&self, place: &Place, file: &str) -> Result<PathBuf> {
        if let Some((path, _)) = self.kept(place, file, None)? {
            return Ok(path);
        }
        let remote = self.ask(file, |hub| hub.look(place, file))?;
        self.fetch(place, file, None, &remote)?;
        Ok(self.cache.blob(&remote))
    }

    /// Every file of a recipe, by its path within the bundle.
    fn bring(&self, place: &Place, recipe: &Recipe) -> Result<BTreeMap<String, (PathBuf, String)>> {
        let inputs = recipe.golden().into_iter().map(|golden| golden.input);
        let mut inputs = inputs.filter(|path| !recipe.files.contains_key(path));
        if let Some(path) = inputs.find(|path| recipes::golden_input(path).is_none()) {
            bail!("the golden input {path} is not in [files], and does not come with onespace");
        }
        let (mut there, mut missing) = (BTreeMap::new(), Vec::new());
        for (path, source) in &recipe.files {
            let (file, sha256) = (source.from.as_str(), source.sha256.as_deref());
            if let Some((blob, sha256)) = self.kept(place, file, sha256)? {
                let bytes = blob.metadata().map_or(0, |found| found.len());
                self.progress.tell(&Event::Kept { file, bytes, sha256: &sha256 });
                there.insert(path.clone(), (blob, sha256));
            } else {
                let remote = self.ask(file, |hub| hub.look(place, file))?;
                if let (Some(ours), Some(theirs)) = (sha256, remote.sha256())
                    && !ours.eq_ignore_ascii_case(theirs)
                {
                    bail!("{file}: the hub says its SHA-256 is {theirs}, the recipe {ours}; nothing was fetched");
                }
                missing.push((path, source, remote));
            }
        }
        let bytes = missing.iter().map(|(_, _, remote)| remote.bytes).sum();
        self.progress.tell(&Event::Plan { files: missing.len(), bytes });
        for (path, source, remote) in missing {
            let sha256 = self.fetch(place, &source.from, source.sha256.as_deref(), &remote)?;
            there.insert(path.clone(), (self.cache.blob(&remote), sha256));
        }
        Ok(there)
    }

    fn fetch(&self, place: &Place, file: &str, sha256: Option<&str>, remote: &Remote) -> Result<String> {
        let hub = self.hub.as_ref().ok_or_else(|| anyhow!("{file}: not in the cache"))?;
        let wanted = Wanted { place, file, sha256: sha256.or(remote.sha256()), remote };
        fetch::fetch(hub, &self.cache, &wanted, self.progress)
    }
}

/// The recipe that the command line names, or the repository to derive one from.
fn wanted(args: &PullArgs) -> Result<(Option<Recipe>, Place)> {
    let place = |recipe: &Recipe| Place {
        repository: recipe.origin.repository.clone(),
        revision: recipe.origin.revision.clone(),
    };
    if let Some(file) = &args.recipe {
        let text = fs::read_to_string(file).with_context(|| format!("--recipe {}", file.display()))?;
        let recipe = Recipe::parse(&text).with_context(|| format!("--recipe {}", file.display()))?;
        let place = place(&recipe);
        return Ok((Some(recipe), place));
    }
    let Some(what) = &args.what else { return Err(usage("name a recipe, hf:OWNER/REPO, --recipe FILE or --list")) };
    let Some(repository) = what.strip_prefix("hf:") else {
        let recipe = recipes::named(what)?;
        let place = place(&recipe);
        return Ok((Some(recipe), place));
    };
    let (repository, revision) = repository.split_once('@').map_or((repository, None), |(r, v)| (r, Some(v)));
    recipe::check_repository(repository)?;
    revision.map_or(Ok(()), recipe::check_revision)?;
    let mut known = recipes::of_repository(repository)?;
    if let (Some(recipe), Some(revision)) = (&mut known, revision) {
        recipe.at(revision);
    }
    let place = known.as_ref().map_or_else(
        || Place { repository: repository.to_owned(), revision: revision.unwrap_or("main").to_owned() },
        place,
    );
    Ok((known, place))
}
