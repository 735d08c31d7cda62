//! Everything that is wrong with the settings of a command.

use std::borrow::Cow;
use std::fmt;

use crate::Invalid;
use crate::text::printable;

/// What is wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    setting: Cow<'static, str>,
    invalid: Invalid,
}

impl Problem {
    /// Of the setting, option or argument `setting`.
    pub fn new(setting: impl Into<Cow<'static, str>>, invalid: impl Into<Invalid>) -> Self {
        Self { setting: setting.into(), invalid: invalid.into() }
    }

    /// The name of the setting, as its environment variable has it; `--option` or `ARGUMENT` where it is no
    /// setting.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// What is wrong, without the name.
    pub fn what(&self) -> &str {
        self.invalid.what()
    }

    /// What the setting is, or what needs it, where it is missing.
    pub fn about(&self) -> Option<&str> {
        self.invalid.about()
    }

    /// What to do about it, where that takes more than to set it.
    pub fn remedy(&self) -> Option<&str> {
        self.invalid.remedy()
    }

    /// Whether both say the same: a second remedy for it is no news.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.setting == other.setting && self.what() == other.what()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.invalid)
    }
}

/// Everything that is wrong with the settings, each problem with the name of its setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    /// What the message begins with, before the problems.
    pub const HEADING: &str = "the configuration is not usable:";

    /// Of the problems that a [`Reader`](crate::reader::Reader) found.
    pub fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// Each problem.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::HEADING)?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {}", printable(&problem.to_string())))
    }
}
