//! `onespace bundle pull`: a repository that publishes ONNX graphs becomes a bundle.

mod progress;

use anyhow::Result;
use onespace_bundle::Met;
use onespace_encoder::{LocalEncoder, Options as EncoderOptions, Runtime};
use onespace_hub::{Event, Options, Origin, Progress as _, Pull, Pulled, recipes};
use serde_json::json;

use self::progress::Progress;
use crate::{
    args::{PullArgs, usage},
    output::{Outcome, Rows},
    serve,
};

/// Runs the command.
pub async fn run(args: PullArgs, json: bool) -> Result<Outcome> {
    if args.list {
        return list(json);
    }
    let progress = Progress::new(json);
    let runtime = serve::runtime(&args.runtime)?;
    // Everything until the towers run is files and sockets that wait.
    let (pulled, progress) = tokio::task::spawn_blocking(move || {
        let pulled = pull(&args, &progress);
        (pulled, progress)
    })
    .await?;
    let pulled = pulled?;
    let unchanged = pulled.existing.is_some();
    let space = match &pulled.existing {
        Some(space) => space.clone(),
        None => finish(&pulled, &runtime, &progress).await?,
    };
    let bundle = pulled.out.display().to_string();
    let repository = pulled.recipe.origin.repository.as_str();
    progress.tell(&Event::Done { bundle: &bundle, space: &space, repository, commit: &pulled.commit, unchanged });
    Ok(Outcome::AllWell)
}

fn pull(args: &PullArgs, progress: &Progress) -> Result<Pulled> {
    let origin = match (&args.recipe, &args.what) {
        (Some(file), _) => Origin::from_file(file)?,
        (None, Some(name)) => Origin::from_name(name)?,
        (None, None) => return Err(usage("name a recipe, hf:OWNER/REPO, --recipe FILE or --list")),
    };
    let options = Options {
        out: args.out.clone(),
        license: args.licence.clone(),
        update: args.update,
        offline: args.offline,
        hub: args.hub.clone(),
        token: args.token.clone(),
        cache: args.cache_root()?,
    };
    Pull::new(origin, &options, progress)?.files()
}

/// Runs the towers of what was pulled on their golden inputs, and puts the bundle in its place.
async fn finish(pulled: &Pulled, runtime: &Runtime, progress: &Progress) -> Result<String> {
    let draft = pulled.draft()?;
    progress.tell(&Event::Proving);
    let vectors = LocalEncoder::golden_vectors(runtime, draft.bundle(), &EncoderOptions::default()).await?;
    let (space, met) = draft.finish(&vectors)?;
    let reference = pulled.recipe.expected.reference.as_str();
    for Met { expected, found } in met {
        progress.tell(&Event::Scored { pair: expected.pair, expected: expected.cosine, found, reference });
    }
    Ok(space)
}

fn list(json: bool) -> Result<Outcome> {
    let mut rows = Rows::new(json, ["name", "towers", "licence", "repository", "revision"]);
    for recipe in recipes::all()? {
        let (name, towers, license) = (recipe.name(), recipe.towers(), recipe.license());
        let origin = &recipe.origin;
        let cells = vec![
            name.to_owned(),
            towers.join(", "),
            license.to_owned(),
            origin.repository.clone(),
            origin.revision.get(..12).unwrap_or(&origin.revision).to_owned(),
        ];
        rows.push(cells, &json!({"name": name, "towers": towers, "licence": license, "origin": origin}));
    }
    rows.finish();
    Ok(Outcome::AllWell)
}
