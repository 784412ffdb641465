//! What a server says of its space, on the wire and in core.

use std::collections::BTreeMap;

use onespace_core::{
    Calibration, EncoderInfo, Error, Fingerprint, License, Modality, Reason, Result, Scale, Scoring, Space, Talk,
    TowerInfo, TranscriberInfo, UsageRestriction,
};

use crate::{
    convert::{modality_named, modality_out},
    encoder,
    fields::required,
    v1,
};

/// A tower's description.
#[must_use]
pub fn tower_out(tower: &TowerInfo, space: &Space) -> v1::Tower {
    v1::Tower {
        modality: modality_out(tower.modality),
        model: tower.model.clone(),
        logit_scale: tower.logit_scale,
        golden_cosine: tower.golden_cosine,
        space_fingerprint: space.of_tower(tower.modality).to_string(),
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

/// The number of a restriction.
#[must_use]
pub fn restriction_out(restriction: UsageRestriction) -> i32 {
    let wire = match restriction {
        UsageRestriction::Any => v1::UsageRestriction::None,
        UsageRestriction::NonCommercial => v1::UsageRestriction::NonCommercial,
        UsageRestriction::Research => v1::UsageRestriction::Research,
    };
    wire.into()
}

/// A restriction; what is not said limits nobody.
///
/// # Errors
/// `FIELD_INVALID` for a number that this version does not know.
pub fn restriction_in(number: i32) -> Result<UsageRestriction> {
    match v1::UsageRestriction::try_from(number) {
        Ok(v1::UsageRestriction::Unspecified | v1::UsageRestriction::None) => Ok(UsageRestriction::Any),
        Ok(v1::UsageRestriction::NonCommercial) => Ok(UsageRestriction::NonCommercial),
        Ok(v1::UsageRestriction::Research) => Ok(UsageRestriction::Research),
        Err(_) => Err(unknown("restriction", number)),
    }
}

/// A length of vectors.
#[must_use]
pub fn dimension_out(dimension: usize) -> u32 {
    dimension.try_into().unwrap_or(u32::MAX)
}

/// What unrelated pairs score.
fn calibration_out(calibration: &Calibration) -> Vec<v1::Calibration> {
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
    encoder::v1::AddedTower { modality: modality_out(*modality), space_fingerprint: fingerprint.to_string() }
}

fn added_in(added: &encoder::v1::AddedTower) -> Result<(Modality, Fingerprint)> {
    Ok((modality_named(added.modality)?, added.space_fingerprint.parse()?))
}

fn license_out(license: &License) -> v1::License {
    v1::License {
        name: license.name.clone(),
        restriction: restriction_out(license.restriction),
        notice: license.notice.clone(),
    }
}

fn license_in(license: Option<v1::License>) -> Result<License> {
    let v1::License { name, restriction, notice } = license.unwrap_or_default();
    Ok(License { name, restriction: restriction_in(restriction)?, notice })
}

/// A transcriber's description.
#[must_use]
pub fn transcriber_out(info: &TranscriberInfo) -> v1::Transcriber {
    v1::Transcriber {
        name: info.name.clone(),
        fingerprint: info.fingerprint.to_string(),
        license: Some(license_out(&info.license)),
        languages: info.languages.clone(),
    }
}

/// A transcriber's description, as it tells it.
///
/// # Errors
/// `FIELD_*` when it is not one of this version.
pub fn transcriber_in(info: v1::Transcriber) -> Result<TranscriberInfo> {
    Ok(TranscriberInfo {
        name: info.name,
        fingerprint: info.fingerprint.parse()?,
        license: license_in(info.license)?,
        languages: info.languages,
    })
}

/// A space with the towers that are served and the license of its bundle.
#[must_use]
pub fn space_out(space: &Space, towers: &[TowerInfo], license: &License) -> v1::Space {
    v1::Space {
        space_fingerprint: space.fingerprint.to_string(),
        dimension: dimension_out(space.dimension),
        name: space.name.clone(),
        license: Some(license_out(license)),
        towers: towers.iter().map(|tower| tower_out(tower, space)).collect(),
        dimensions: space.matryoshka.iter().copied().map(dimension_out).collect(),
        calibration: calibration_out(&space.calibration),
        talk: space.talk.as_ref().map(|talk| v1::Talk { words: talk.words.clone(), cosine: talk.cosine }),
    }
}

/// An encoder's description.
#[must_use]
pub fn encoder_out(info: &EncoderInfo) -> encoder::v1::DescribeResponse {
    encoder::v1::DescribeResponse {
        space: Some(space_out(&info.space, &info.towers, &info.license)),
        added: info.space.added.iter().map(added_out).collect(),
    }
}

/// An encoder's description, as it tells it.
///
/// # Errors
/// `FIELD_*` when it is not one of this version.
pub fn encoder_in(info: encoder::v1::DescribeResponse) -> Result<EncoderInfo> {
    let told = info.space.ok_or_else(|| required("space"))?;
    let space = Space {
        fingerprint: told.space_fingerprint.parse()?,
        dimension: told.dimension as usize,
        name: told.name,
        matryoshka: told.dimensions.into_iter().map(|length| length as usize).collect(),
        calibration: calibration_in(&told.calibration)?,
        talk: told.talk.map(|v1::Talk { words, cosine }| Talk { words, cosine }),
        added: info.added.iter().map(added_in).collect::<Result<_>>()?,
    };
    let license = license_in(told.license)?;
    let towers = told.towers.into_iter().map(tower_in).collect::<Result<_>>()?;
    Ok(EncoderInfo { space, license, towers })
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
        let license = License { name: "MIT".into(), restriction: UsageRestriction::Research, notice: "or not".into() };
        let (fingerprint, name) = (Fingerprint::of(b"one"), "one 1".to_owned());
        let added = BTreeMap::from([(Modality::Audio, Fingerprint::of(b"two"))]);
        let talk = Some(Talk { words: "speech".into(), cosine: 0.25 });
        let space = Space { fingerprint, dimension: 8, name, matryoshka: vec![4, 2], calibration, talk, added };
        let info = EncoderInfo { space, license, towers: vec![tower] };
        assert_eq!(encoder_in(encoder_out(&info)).unwrap(), info);

        let mut broken = encoder_out(&info);
        broken.space.as_mut().unwrap().calibration[1].std = 0.0;
        assert_eq!(encoder_in(broken).unwrap_err().field, "calibration[1].std");
        let mut unknown = encoder_out(&info);
        unknown.space.as_mut().unwrap().calibration[2].item = 99;
        assert_eq!(encoder_in(unknown).unwrap_err().field, "calibration[2].modality");
        let mut license = encoder_out(&info);
        license.space.as_mut().unwrap().license.as_mut().unwrap().restriction = 99;
        assert_eq!(encoder_in(license).unwrap_err().field, "restriction");
        let nothing = encoder::v1::DescribeResponse::default();
        assert_eq!(encoder_in(nothing).unwrap_err().field, "space");
        let mut scoring = encoder_out(&info);
        scoring.space.as_mut().unwrap().towers[0].scoring = 99;
        assert_eq!(encoder_in(scoring).unwrap_err().field, "scoring");
    }
}
