//! What a server says of its space, on the wire and in core.

use std::collections::BTreeMap;

use onespace_core::{
    Calibration, EncoderInfo, Error, Fingerprint, Modality, Reason, Result, Scale, Scoring, Space, Terms, TowerInfo,
    Usage,
};

use crate::{
    convert::{modality_named, modality_out},
    encoder, v1,
};

/// A tower's description.
#[must_use]
pub fn tower_out(tower: &TowerInfo, space: &Space) -> v1::Tower {
    v1::Tower {
        modality: modality_out(tower.modality),
        model: tower.model.clone(),
        logit_scale: tower.logit_scale,
        golden_cosine: tower.golden_cosine,
        vectors: space.of_tower(tower.modality).to_string(),
        scoring: match tower.scoring {
            Scoring::Softmax => v1::Scoring::Softmax.into(),
            Scoring::Sigmoid { .. } => v1::Scoring::Sigmoid.into(),
        },
        logit_bias: match tower.scoring {
            Scoring::Softmax => 0.0,
            Scoring::Sigmoid { bias } => bias,
        },
        heads: tower
            .heads
            .iter()
            .map(|(target, name)| v1::Head { target: modality_out(*target), name: name.clone() })
            .collect(),
        templates: tower.templates.clone(),
    }
}

fn tower_in(tower: v1::Tower) -> Result<TowerInfo> {
    let head = |head: v1::Head| Ok((modality_named(head.target).map_err(|error| error.under("heads"))?, head.name));
    Ok(TowerInfo {
        modality: modality_named(tower.modality)?,
        model: tower.model,
        logit_scale: tower.logit_scale,
        scoring: match v1::Scoring::try_from(tower.scoring) {
            Ok(v1::Scoring::Unspecified | v1::Scoring::Softmax) => Scoring::Softmax,
            Ok(v1::Scoring::Sigmoid) => Scoring::Sigmoid { bias: tower.logit_bias },
            Err(_) => return Err(unknown("scoring", tower.scoring)),
        },
        heads: tower.heads.into_iter().map(head).collect::<Result<BTreeMap<_, _>>>()?,
        templates: tower.templates,
        golden_cosine: tower.golden_cosine,
    })
}

fn unknown(field: &str, number: i32) -> Error {
    Error::new(Reason::FieldInvalid, field, format!("{number} is no {field} of this version"))
}

/// The number of a usage.
#[must_use]
pub fn usage_out(usage: Usage) -> i32 {
    let wire = match usage {
        Usage::Any => v1::Usage::Any,
        Usage::NonCommercial => v1::Usage::NonCommercial,
        Usage::Research => v1::Usage::Research,
    };
    wire.into()
}

/// A usage; what is not said limits nobody.
///
/// # Errors
/// `FIELD_INVALID` for a number that this version does not know.
pub fn usage_in(number: i32) -> Result<Usage> {
    match v1::Usage::try_from(number) {
        Ok(v1::Usage::Unspecified | v1::Usage::Any) => Ok(Usage::Any),
        Ok(v1::Usage::NonCommercial) => Ok(Usage::NonCommercial),
        Ok(v1::Usage::Research) => Ok(Usage::Research),
        Err(_) => Err(unknown("usage", number)),
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

fn added_out((modality, fingerprint): (&Modality, &Fingerprint)) -> encoder::v1::AddedTower {
    encoder::v1::AddedTower { modality: modality_out(*modality), fingerprint: fingerprint.to_string() }
}

fn added_in(added: &encoder::v1::AddedTower) -> Result<(Modality, Fingerprint)> {
    Ok((modality_named(added.modality)?, added.fingerprint.parse()?))
}

/// An encoder's description.
#[must_use]
pub fn encoder_out(info: &EncoderInfo) -> encoder::v1::DescribeResponse {
    encoder::v1::DescribeResponse {
        fingerprint: info.space.fingerprint.to_string(),
        dimension: dimension_out(info.space.dimension),
        name: info.space.name.clone(),
        licence: info.terms.licence.clone(),
        towers: info.towers.iter().map(|tower| tower_out(tower, &info.space)).collect(),
        matryoshka: matryoshka_out(&info.space),
        calibration: calibration_out(&info.space.calibration),
        usage: usage_out(info.terms.usage),
        notice: info.terms.notice.clone(),
        added: info.space.added.iter().map(added_out).collect(),
    }
}

/// An encoder's description, as it tells it.
///
/// # Errors
/// `FIELD_*` when it is not one of this version.
pub fn encoder_in(info: encoder::v1::DescribeResponse) -> Result<EncoderInfo> {
    let space = Space {
        fingerprint: info.fingerprint.parse()?,
        dimension: info.dimension as usize,
        name: info.name,
        matryoshka: info.matryoshka.into_iter().map(|length| length as usize).collect(),
        calibration: calibration_in(&info.calibration)?,
        added: info.added.iter().map(added_in).collect::<Result<_>>()?,
    };
    let terms = Terms { licence: info.licence, usage: usage_in(info.usage)?, notice: info.notice };
    let towers = info.towers.into_iter().map(tower_in).collect::<Result<_>>()?;
    Ok(EncoderInfo { space, terms, towers })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn descriptions_survive_the_wire() {
        let mut calibration = Calibration::default();
        for query in Modality::ALL {
            calibration.insert(query, Modality::Image, Scale::new(0.25, 0.125).unwrap()).unwrap();
        }
        let tower = TowerInfo {
            modality: Modality::Text,
            model: "m".into(),
            logit_scale: 2.0,
            scoring: Scoring::Sigmoid { bias: -3.0 },
            heads: BTreeMap::from([(Modality::Audio, "to_audio".into()), (Modality::Video, "to_video".into())]),
            templates: vec!["a {label}".into()],
            golden_cosine: 1.0,
        };
        let terms = Terms { licence: "MIT".into(), usage: Usage::Research, notice: "or not".into() };
        let (fingerprint, name) = (Fingerprint::of(b"one"), "one 1".to_owned());
        let added = BTreeMap::from([(Modality::Audio, Fingerprint::of(b"two"))]);
        let space = Space { fingerprint, dimension: 8, name, matryoshka: vec![4, 2], calibration, added };
        let info = EncoderInfo { space, terms, towers: vec![tower] };
        assert_eq!(encoder_in(encoder_out(&info)).unwrap(), info);

        let mut broken = encoder_out(&info);
        broken.calibration[1].std = 0.0;
        assert_eq!(encoder_in(broken).unwrap_err().field, "calibration[1].std");
        let mut unknown = encoder_out(&info);
        unknown.calibration[2].item = 99;
        assert_eq!(encoder_in(unknown).unwrap_err().field, "calibration[2].modality");
        let mut usage = encoder_out(&info);
        usage.usage = 99;
        assert_eq!(encoder_in(usage).unwrap_err().field, "usage");
        let mut scoring = encoder_out(&info);
        scoring.towers[0].scoring = 99;
        assert_eq!(encoder_in(scoring).unwrap_err().field, "scoring");
    }
}
