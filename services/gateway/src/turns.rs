//! What comes in one list asks for its turn once, when it arrives: it is refused together, and at once, before anything
//! is done for it. What is taken on is finished.

use std::collections::BTreeMap;

use onespace_core::{Deadline, Error, Modality, Reason, Result};

use crate::{Gateway, item::Item};

/// Gives the items of a list their turn, as far as their modalities have one.
pub fn asked(gateway: &Gateway, items: Vec<Result<Item>>, deadline: Deadline) -> Vec<Result<Item>> {
    let mut media: BTreeMap<Modality, usize> = BTreeMap::new();
    items.iter().flatten().flat_map(Item::modalities).for_each(|modality| *media.entry(modality).or_default() += 1);
    let turns: BTreeMap<Modality, Result<()>> =
        media.into_iter().map(|(modality, media)| (modality, gateway.turn(modality, media, deadline))).collect();
    let turn_of =
        |item: &Item| item.modalities().try_for_each(|modality| turns.get(&modality).cloned().unwrap_or(Ok(())));
    items
        .into_iter()
        .map(|item| {
            let item = item?;
            turn_of(&item).inspect_err(|error| gateway.count(item.modality(), error.reason.name()))?;
            Ok(item.with_turn())
        })
        .collect()
}

/// The error of them all, where every item was turned away for a moment.
pub fn all_refused(items: &[Result<Item>]) -> Option<Error> {
    let refused = |item: &Result<Item>| item.as_ref().is_err_and(|error| error.reason == Reason::QueueFull);
    items.iter().all(refused).then(|| items.first()?.as_ref().err().cloned()).flatten()
}
