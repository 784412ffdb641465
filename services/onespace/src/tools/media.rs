//! The vectors of listed media.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use futures::{StreamExt, stream};
use onespace_core::{Media, Modality};
use onespace_fit::list::Item;

use super::{report::Bar, space::Space};
use crate::{args::RuntimeArgs, client::source, output::print_error};

/// Media that are embedded at once.
const AT_ONCE: usize = 8;

/// The media itself.
fn media(item: &Item) -> Result<Media> {
    match item {
        Item::Text(text) => Ok(Media::text(text.clone())),
        Item::File(path) => Ok(Media::bytes(source::read(path)?)),
    }
}

/// The vectors of media in a space, in their order; what is named twice is embedded once.
///
/// # Errors
/// When any cannot be embedded; each is named on stderr with its reason.
pub async fn vectors(space: &mut Space, items: &[Item], runtime: &RuntimeArgs, what: &str) -> Result<Vec<Vec<f32>>> {
    if items.is_empty() {
        bail!("there are no {what}");
    }
    let distinct: BTreeSet<&Item> = items.iter().collect();
    let mut failures = 0;
    let mut modalities: BTreeSet<Modality> = BTreeSet::new();
    for item in &distinct {
        match media(item).and_then(|media| Ok(media.resolve()?.1)) {
            Ok(modality) => drop(modalities.insert(modality)),
            Err(error) => failures += told(item, &error),
        }
    }
    if failures == 0 {
        space.ready(runtime, &modalities).await?;
        let bar = Bar::new(&format!("embedding {what}"), distinct.len());
        let (space, mut known) = (&*space, BTreeMap::new());
        let embed = |item: &'_ Item| {
            let item = item.clone();
            async move {
                let vector = match media(&item) {
                    Ok(media) => space.embed(media).await,
                    Err(error) => Err(error),
                };
                (item, vector)
            }
        };
        let mut answers = stream::iter(distinct.iter().map(|item| embed(item))).buffered(AT_ONCE);
        while let Some((item, vector)) = answers.next().await {
            bar.step();
            match vector {
                Ok(vector) => drop(known.insert(item, vector)),
                Err(error) => failures += bar.aside(|| told(&item, &error)),
            }
        }
        if failures == 0 {
            return Ok(items.iter().filter_map(|item| known.get(item).cloned()).collect());
        }
    }
    bail!("{failures} of {} {what} cannot be embedded, each named above: leave them out", distinct.len())
}

/// Says what is wrong with one media: one failure.
fn told(item: &Item, error: &anyhow::Error) -> usize {
    print_error(&format!("{item}: {error:#}"));
    1
}
