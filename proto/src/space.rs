//! What a server says of its space, on the wire and in core.

use onespace_core::{Calibration, EncoderInfo, Result, Scale, Space, TowerInfo};

use crate::{
    convert::{modality_named, modality_out},
    encoder, v1,
};

/// A tower's description.
#[must_use]
pub fn tower_out(tower: &TowerInfo) -> v1::Tower {
    v1::Tower {
        modality: modality_out(tower.modality),
        model: tower.model.clone(),
        logit_scale: tower.logit_scale,
        golden_cosine: tower.golden_cosine,
    }
}

/// A length of vectors.
#[must_use]
pub fn dimension_out(dimension: usize) -> u32 {
    dimension.try_into().unwrap_or(u32::MAX)
}

/// The lengths to which vectors may be cut.
#[must_use]
pub fn matryoshka_out(space: &Space) -> Vec<u32> {
    space.matryoshka.iter().copied().map(dimension_out).collect()
}

/// What unrelated pairs score.
#[must_use]
pub fn calibration_out(calibration: &Calibration) -> Vec<v1::Calibration> {
    let pairs = calibration.iter();
    pairs
        .map(|(query, item, scale)| v1::Calibration {
            query: modality_out(query),
            item: modality_out(item),
            mean: scale.mean(),
            std: scale.std(),
        })
        .collect()
}

fn calibration_in(pairs: &[v1::Calibration]) -> Result<Calibration> {
    let mut calibration = Calibration::default();
    for (index, pair) in pairs.iter().enumerate() {
        let entered = modality_named(pair.query)
            .and_then(|query| calibration.insert(query, modality_named(pair.item)?, Scale::new(pair.mean, pair.std)?));
        entered.map_err(|error| error.under(&format!("calibration[{index}]")))?;
    }
    Ok(calibration)
}

/// An encoder's description.
#[must_use]
pub fn encoder_out(info: &EncoderInfo) -> encoder::v1::DescribeResponse {
    encoder::v1::DescribeResponse {
        fingerprint: info.space.fingerprint.to_string(),
        dimension: dimension_out(info.space.dimension),
        name: info.space.name.clone(),
        licence: info.licence.clone(),
        towers: info.towers.iter().map(tower_out).collect(),
        matryoshka: matryoshka_out(&info.space),
        calibration: calibration_out(&info.space.calibration),
    }
}

/// An encoder's description, as it tells it.
///
/// # Errors
/// `FIELD_*` when it is not one of this version.
pub fn encoder_in(info: encoder::v1::DescribeResponse) -> Result<EncoderInfo> {
    let towers = info.towers.into_iter().map(|tower| {
        Ok(TowerInfo {
            modality: modality_named(tower.modality)?,
            model: tower.model,
            logit_scale: tower.logit_scale,
            golden_cosine: tower.golden_cosine,
        })
    });
    let space = Space {
        fingerprint: info.fingerprint.parse()?,
        dimension: info.dimension as usize,
        name: info.name,
        matryoshka: info.matryoshka.into_iter().map(|length| length as usize).collect(),
        calibration: calibration_in(&info.calibration)?,
    };
    Ok(EncoderInfo { space, licence: info.licence, towers: towers.collect::<Result<_>>()? })
}

#[cfg(test)]
mod tests {
    use onespace_core::{Fingerprint, Modality};

    use super::*;

    #[test]
    fn descriptions_survive_the_wire() {
        let mut calibration = Calibration::default();
        for query in Modality::ALL {
            calibration.insert(query, Modality::Image, Scale::new(0.25, 0.125).unwrap()).unwrap();
        }
        let tower = TowerInfo { modality: Modality::Text, model: "m".into(), logit_scale: 2.0, golden_cosine: 1.0 };
        let (fingerprint, name) = (Fingerprint::of(b"one"), "one 1".to_owned());
        let space = Space { fingerprint, dimension: 8, name, matryoshka: vec![4, 2], calibration };
        let info = EncoderInfo { space, licence: "MIT".into(), towers: vec![tower] };
        assert_eq!(encoder_in(encoder_out(&info)).unwrap(), info);

        let mut broken = encoder_out(&info);
        broken.calibration[1].std = 0.0;
        assert_eq!(encoder_in(broken).unwrap_err().field, "calibration[1].std");
        let mut unknown = encoder_out(&info);
        unknown.calibration[2].item = 99;
        assert_eq!(encoder_in(unknown).unwrap_err().field, "calibration[2].modality");
    }
}
