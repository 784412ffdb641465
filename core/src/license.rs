//! On which terms the weights behind a space may be used.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Reason};

/// What a licence lets its holder do, as far as it limits whom a server may serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UsageRestriction {
    /// Anything.
    #[default]
    Any,
    /// Nothing that earns money (CC-BY-NC and its kin).
    NonCommercial,
    /// Research alone.
    Research,
}

impl UsageRestriction {
    /// Every usage, the widest first.
    pub const ALL: [Self; 3] = [Self::Any, Self::NonCommercial, Self::Research];

    /// The name in manifests and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::NonCommercial => "non-commercial",
            Self::Research => "research",
        }
    }
}

impl fmt::Display for UsageRestriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for UsageRestriction {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|usage| usage.name() == name).ok_or_else(|| {
            let message = format!("\"{name}\" is none of any, non-commercial, research");
            Error::new(Reason::FieldInvalid, "usage", message)
        })
    }
}

/// The terms of a bundle. They change no vector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct License {
    /// The licence of the weights, as an SPDX expression.
    pub name: String,
    /// What it amounts to.
    pub restriction: UsageRestriction,
    /// What else is to be known: a second licence statement that contradicts the first, an attribution. May be empty.
    pub notice: String,
}

impl fmt::Display for License {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.restriction != UsageRestriction::Any {
            write!(f, ", usage {}", self.restriction)?;
        }
        if self.notice.is_empty() { Ok(()) } else { write!(f, ", notice: {}", self.notice) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usage_parses_back_and_limits_are_said() {
        for usage in UsageRestriction::ALL {
            assert_eq!(usage.name().parse::<UsageRestriction>().unwrap(), usage);
            assert_eq!(serde_json::to_value(usage).unwrap(), usage.name());
        }
        assert!("commercial".parse::<UsageRestriction>().is_err());
        let mut license = License { name: "MIT".into(), ..License::default() };
        assert_eq!(license.to_string(), "MIT");
        license.restriction = UsageRestriction::Research;
        license.notice = "cite us".into();
        assert_eq!(license.to_string(), "MIT, usage research, notice: cite us");
    }
}
