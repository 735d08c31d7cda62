//! What is wrong with one value.

use std::fmt;

/// What is wrong with a value, and what was probably meant. No secret is part of either.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Invalid {
    what: String,
    /// What a setting that is missing is, or what it is needed for.
    about: Option<String>,
    remedy: Option<String>,
}

impl Invalid {
    /// An invalid value, with what is wrong with it.
    pub fn new(what: impl fmt::Display) -> Self {
        Self { what: what.to_string(), about: None, remedy: None }
    }

    /// A setting that is missing; `about` says what it is, or what needs it.
    pub fn missing(about: &str) -> Self {
        Self { about: Some(about.replace('`', "")), ..Self::new("missing") }
    }

    /// The same, and what to do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl fmt::Display) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }

    /// The same, and the value that was probably meant.
    #[must_use]
    pub fn probably(self, meant: &str) -> Self {
        self.with_remedy(format_args!("probably {meant:?} is meant"))
    }

    /// What is wrong.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What a setting that is missing is, or what needs it.
    pub fn about(&self) -> Option<&str> {
        self.about.as_deref()
    }

    /// What to do about it, if that is known.
    pub fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.about.iter().try_for_each(|about| write!(f, ": {about}"))?;
        self.remedy.iter().try_for_each(|remedy| write!(f, ": {remedy}"))
    }
}

impl From<String> for Invalid {
    fn from(what: String) -> Self {
        Self { what, about: None, remedy: None }
    }
}

impl From<Invalid> for String {
    fn from(invalid: Invalid) -> Self {
        invalid.to_string()
    }
}
