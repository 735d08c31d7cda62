//! Reads values and collects what is wrong with them.

use std::borrow::Cow;

use crate::setting::{Setting, Spec};
use crate::values::Values;
use crate::{ConfigError, Invalid, Problem};

/// Reads the values of settings and collects problems, so that one message names them all.
#[derive(Debug, Default)]
pub struct Reader {
    values: Values,
    problems: Vec<Problem>,
}

impl Reader {
    /// Reads these values.
    pub fn new(values: Values) -> Self {
        Self { values, problems: Vec::new() }
    }

    /// The same, with problems that were found before.
    #[must_use]
    pub fn with(mut self, problems: impl IntoIterator<Item = Problem>) -> Self {
        self.problems.extend(problems);
        self
    }

    /// The value of a setting as it is given.
    pub fn text(&self, spec: &Spec) -> Option<&str> {
        self.values.get(spec)
    }

    /// Whether a setting is given, good or not.
    pub fn is_set(&self, spec: &Spec) -> bool {
        self.text(spec).is_some()
    }

    /// Adds a problem of the setting `name`, once.
    pub fn problem(&mut self, name: impl Into<Cow<'static, str>>, invalid: impl Into<Invalid>) {
        self.add(Problem::new(name, invalid));
    }

    /// Adds a problem, once.
    pub fn add(&mut self, problem: Problem) {
        // Two engines may want the same.
        if !self.problems.iter().any(|known| known.is_same(&problem)) {
            self.problems.push(problem);
        }
    }

    /// A setting that may be given. `None` where it is not, or is wrong, which is a problem then.
    pub fn get<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        self.get_by(setting, setting.parse)
    }

    /// A setting that must be given.
    pub fn need<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        self.must_be_set(&setting.spec);
        self.get(setting)
    }

    /// As [`Reader::get`], for what is read by the value of another setting.
    pub fn get_by<T, U, E: Into<Invalid>>(
        &mut self,
        setting: &Setting<T>,
        parse: impl FnOnce(&str) -> Result<U, E>,
    ) -> Option<U> {
        match parse(self.values.get(&setting.spec)?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(setting.spec.name, error);
                None
            }
        }
    }

    /// What something else than a setting gives, such as an option.
    pub fn accept<T, E: Into<Invalid>>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        value: Result<T, E>,
    ) -> Option<T> {
        value.map_err(|error| self.problem(name, error)).ok()
    }

    /// Says so where a setting is not given, and what it would be.
    pub fn must_be_set(&mut self, spec: &Spec) {
        if !self.is_set(spec) {
            self.problem(spec.name, missing(spec.about.en));
        }
    }

    /// Whether something is wrong with the setting `name`.
    pub fn has_problem(&self, name: &str) -> bool {
        self.problems.iter().any(|problem| problem.setting() == name)
    }

    /// Everything that is wrong so far.
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// What was read, or everything that is wrong.
    ///
    /// # Errors
    ///
    /// All problems, also where there is a value.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(ConfigError::new(self.problems)),
        }
    }
}

/// A setting that is not given, and what to do about it.
pub fn missing(remedy: &str) -> Invalid {
    Invalid::new("missing").with_remedy(remedy.replace('`', ""))
}
