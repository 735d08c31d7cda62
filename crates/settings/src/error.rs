//! Everything that is wrong with the settings of a command.

use std::fmt;

use crate::text::printable;

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl ConfigError {
    /// Of the problems that a [`Reader`](crate::reader::Reader) found.
    pub fn new(problems: Vec<String>) -> Self {
        Self { problems }
    }

    /// One line for each problem.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The same with one more, about a setting that only one command has.
    #[must_use]
    pub fn and(mut self, problem: impl Into<String>) -> Self {
        self.problems.push(problem.into());
        self
    }

    /// Both, or everything that is wrong with either.
    ///
    /// # Errors
    ///
    /// The problems of both.
    pub fn both<A, B>(one: Result<A, Self>, other: Result<B, Self>) -> Result<(A, B), Self> {
        match (one, other) {
            (Ok(one), Ok(other)) => Ok((one, other)),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => Err(error),
            (Err(mut error), Err(other)) => {
                error.problems.extend(other.problems);
                Err(error)
            }
        }
    }

    /// With this one only.
    pub fn of(problem: impl Into<String>) -> Self {
        Self { problems: vec![problem.into()] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not usable:")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {}", printable(problem)))
    }
}

impl std::error::Error for ConfigError {}
