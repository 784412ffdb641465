//! How far a search looks around in the graph of vectors.

/// The least number of candidates that a search keeps (Malkov and Yashunin 2018: `ef`). Qdrant's own default, 100,
/// finds 94 to 96 % of the ten nearest of random vectors behind a filter that lets half of them through, the hardest
/// case there is; 256 finds all of 400, for a quarter more time (8 ms → 10 among 40,000 vectors of 256 values).
const CANDIDATES: usize = 256;

/// How many candidates a search for so many answers keeps.
pub(crate) const fn beam(limit: usize) -> usize {
    let twice = limit.saturating_mul(2);
    if twice > CANDIDATES { twice } else { CANDIDATES }
}
