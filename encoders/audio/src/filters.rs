//! Triangular filters over the bins of a spectrum.

/// A bank of filters, each stored from its first bin that counts.
#[derive(Clone, Debug)]
pub struct FilterBank {
    bands: Vec<Band>,
}

#[derive(Clone, Debug)]
struct Band {
    first: usize,
    weights: Vec<f32>,
}

impl FilterBank {
    /// `bands` filters over `bins` bins, where `weight(band, bin)` is what a bin counts for in a band.
    pub fn new(bands: usize, bins: usize, weight: impl Fn(usize, usize) -> f64) -> Self {
        let bands = (0..bands).map(|band| {
            let used: Vec<usize> = (0..bins).filter(|bin| weight(band, *bin) > 0.0).collect();
            match (used.first(), used.last()) {
                (Some(first), Some(last)) => {
                    Band { first: *first, weights: (*first..=*last).map(|bin| weight(band, bin) as f32).collect() }
                }
                _ => Band { first: 0, weights: Vec::new() },
            }
        });
        Self { bands: bands.collect() }
    }

    /// How many filters there are.
    pub fn len(&self) -> usize {
        self.bands.len()
    }

    /// The energy in each band of a spectrum.
    pub fn energies<'a>(&'a self, spectrum: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        self.bands.iter().map(|band| {
            let bins = spectrum.get(band.first..).unwrap_or_default();
            band.weights.iter().zip(bins).map(|(weight, bin)| weight * bin).sum()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_sums_its_bins_alone() {
        let bank = FilterBank::new(3, 5, |band, bin| if band < 2 && bin / 2 == band { 0.5 } else { 0.0 });
        let energies: Vec<f32> = bank.energies(&[1.0, 2.0, 4.0, 8.0, 16.0]).collect();
        assert_eq!(energies, [1.5, 6.0, 0.0]);
    }
}
