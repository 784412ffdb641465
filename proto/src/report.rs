//! What a server says of its space, for programs that read JSON: the HTTP door and the command line give the same.

use std::collections::BTreeMap;

use onespace_core::{License, UsageRestriction};
use serde::Serialize;

use crate::{convert::modality_name, space::restriction_in, v1};

/// A space, and the server that serves it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is that of `GetSpaceResponse`")]
pub struct SpaceReport {
    pub space_fingerprint: String,
    pub dimension: u32,
    pub name: String,
    pub license: LicenseReport,
    pub version: String,
    pub dimensions: Vec<u32>,
    pub calibration: Vec<CalibrationReport>,
    pub towers: Vec<TowerReport>,
    pub transcriber: Option<TranscriberReport>,
    pub limits: Vec<LimitReport>,
    pub formats: Vec<FormatReport>,
}

/// The license of the weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is that of `License`")]
pub struct LicenseReport {
    pub name: String,
    pub restriction: &'static str,
    pub notice: String,
}

/// What unrelated pairs of two modalities score.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is that of `Calibration`")]
pub struct CalibrationReport {
    pub query: &'static str,
    pub item: &'static str,
    pub mean: f32,
    pub std: f32,
}

/// A tower.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each field is that of `Tower`")]
pub struct TowerReport {
    pub modality: &'static str,
    pub model: String,
    pub logit_scale: f32,
    pub heads: BTreeMap<&'static str, String>,
    pub golden_cosine: f32,
    pub space_fingerprint: String,
}

/// What writes down speech.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is that of `Transcriber`")]
pub struct TranscriberReport {
    pub name: String,
    pub fingerprint: String,
    pub license: LicenseReport,
    pub languages: Vec<String>,
}

/// A bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is that of `Limit`")]
pub struct LimitReport {
    pub name: String,
    pub value: u64,
    pub unit: String,
    pub about: String,
}

/// A format that is decoded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "each field is that of `Format`")]
pub struct FormatReport {
    pub name: String,
    pub media_type: String,
    pub modality: &'static str,
}

impl From<v1::GetSpaceResponse> for SpaceReport {
    fn from(response: v1::GetSpaceResponse) -> Self {
        let space = response.space.unwrap_or_default();
        let license = license_report(license(&space));
        Self {
            space_fingerprint: space.space_fingerprint,
            dimension: space.dimension,
            name: space.name,
            license,
            version: response.version,
            dimensions: space.dimensions,
            calibration: space.calibration.into_iter().map(calibration).collect(),
            towers: space.towers.into_iter().map(tower).collect(),
            transcriber: response.transcriber.map(transcriber),
            limits: response.limits.into_iter().map(limit).collect(),
            formats: response.formats.into_iter().map(format).collect(),
        }
    }
}

/// The license of a space. A restriction that this version does not know limits as much as anything can.
#[must_use]
pub fn license(space: &v1::Space) -> License {
    license_of(space.license.clone())
}

fn license_of(license: Option<v1::License>) -> License {
    let license = license.unwrap_or_default();
    let restriction = restriction_in(license.restriction).unwrap_or(UsageRestriction::Research);
    License { name: license.name, restriction, notice: license.notice }
}

fn license_report(License { name, restriction, notice }: License) -> LicenseReport {
    LicenseReport { name, restriction: restriction.name(), notice }
}

fn transcriber(transcriber: v1::Transcriber) -> TranscriberReport {
    let v1::Transcriber { name, fingerprint, license, languages } = transcriber;
    TranscriberReport { name, fingerprint, license: license_report(license_of(license)), languages }
}

fn calibration(pair: v1::Calibration) -> CalibrationReport {
    let v1::Calibration { query, item, mean, std } = pair;
    CalibrationReport { query: modality_name(query), item: modality_name(item), mean, std }
}

fn tower(tower: v1::Tower) -> TowerReport {
    TowerReport {
        modality: modality_name(tower.modality),
        model: tower.model,
        logit_scale: tower.logit_scale,
        heads: tower.heads.into_iter().map(|head| (modality_name(head.target), head.name)).collect(),
        golden_cosine: tower.golden_cosine,
        space_fingerprint: tower.space_fingerprint,
    }
}

fn limit(limit: v1::Limit) -> LimitReport {
    let v1::Limit { name, value, unit, about } = limit;
    LimitReport { name, value, unit, about }
}

fn format(format: v1::Format) -> FormatReport {
    let v1::Format { name, media_type, modality } = format;
    FormatReport { name, media_type, modality: modality_name(modality) }
}
