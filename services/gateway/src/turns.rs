//! What comes in one list asks for its turn once, when it arrives: what is refused is refused before anything is done
//! for it.

use std::{collections::BTreeMap, time::Duration};

use onespace_core::{Deadline, Error, Modality, Reason, Result};

use crate::{Gateway, item::Item};

/// When to come again with what a list has more of than fits in its time.
const PAUSE: Duration = Duration::from_millis(200);

/// How many media of a modality still have their turn, or why none has.
type Turns = BTreeMap<Modality, Result<usize>>;

/// Gives the items of a list their turn, in their order, as far as their modalities have one.
pub fn asked(gateway: &Gateway, items: Vec<Result<Item>>, deadline: Deadline) -> Vec<Result<Item>> {
    let mut media: BTreeMap<Modality, usize> = BTreeMap::new();
    items.iter().flatten().flat_map(Item::modalities).for_each(|modality| *media.entry(modality).or_default() += 1);
    let mut turns: Turns =
        media.into_iter().map(|(modality, media)| (modality, gateway.turn(modality, media, deadline))).collect();
    items.into_iter().map(|item| with_turn(gateway, item?, &mut turns)).collect()
}

/// The item with a turn for each of its parts.
fn with_turn(gateway: &Gateway, item: Item, turns: &mut Turns) -> Result<Item> {
    let mut wanted: BTreeMap<Modality, usize> = BTreeMap::new();
    for (index, modality) in item.modalities().enumerate() {
        let more = wanted.entry(modality).or_default();
        *more += 1;
        let has = turns.get(&modality).cloned().unwrap_or(Ok(0));
        has.and_then(|left| if *more <= left { Ok(()) } else { Err(beyond(modality)) }).map_err(|error| {
            gateway.count(modality, error.reason.name());
            if item.has_parts() { error.under(&format!("parts[{index}].media")) } else { error }
        })?;
    }
    for (modality, taken) in wanted {
        if let Some(Ok(left)) = turns.get_mut(&modality) {
            *left -= taken.min(*left);
        }
    }
    Ok(item.with_turn())
}

fn beyond(modality: Modality) -> Error {
    let message = format!("the list has more of {modality} than half of its time is enough for: send these again");
    Error::new(Reason::QueueFull, "", message).retry_after(PAUSE)
}

/// The error of them all, where every item was turned away for a moment.
pub fn all_refused(items: &[Result<Item>]) -> Option<Error> {
    let refused = |item: &Result<Item>| item.as_ref().is_err_and(|error| error.reason == Reason::QueueFull);
    items.iter().all(refused).then(|| items.first()?.as_ref().err().cloned()).flatten()
}
