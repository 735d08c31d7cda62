//! Reads values and collects what is wrong with them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use crate::setting::{Setting, Spec};
use crate::values::{Unread, Values};
use crate::{ConfigError, Invalid, Problem};

/// Reads the values of settings and collects problems, so that one message names them all.
///
/// It keeps in mind what was read. A setting that was given to the command, and that nothing has read when
/// all is read, has no effect: [`Reader::finish`] refuses an option, and says so of a variable that somebody
/// may rely on.
#[derive(Debug, Default)]
pub struct Reader {
    values: Values,
    problems: Vec<Problem>,
    read: RefCell<BTreeSet<&'static str>>,
}

/// A variable that is set, and has no effect in the command that runs.
#[derive(Clone, Copy, Debug)]
pub struct WithoutEffect(&'static Spec);

impl fmt::Display for WithoutEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is set, and {}", self.0.name, no_effect(self.0))
    }
}

fn no_effect(spec: &Spec) -> String {
    let only = spec.only.en.replace('`', "");
    if only.is_empty() { "has no effect here".to_owned() } else { format!("has no effect here, only {only}") }
}

impl Reader {
    /// Reads these values.
    pub fn new(values: Values) -> Self {
        Self { values, ..Self::default() }
    }

    /// The same, with problems that were found before.
    #[must_use]
    pub fn with(mut self, problems: impl IntoIterator<Item = Problem>) -> Self {
        self.problems.extend(problems);
        self
    }

    /// The value of a setting as it is given.
    pub fn text(&self, spec: &'static Spec) -> Option<&str> {
        self.read.borrow_mut().insert(spec.name);
        self.values.get(spec)
    }

    /// Whether a setting is given, good or not.
    pub fn is_set(&self, spec: &Spec) -> bool {
        self.values.get(spec).is_some()
    }

    /// Reads settings for nothing but what is wrong with them: they have no effect.
    pub fn check<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.read.borrow().clone();
        let value = read(self);
        *self.read.borrow_mut() = before;
        value
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
    pub fn get<T>(&mut self, setting: &'static Setting<T>) -> Option<T> {
        self.get_by(setting, setting.parse)
    }

    /// A setting that must be given.
    pub fn need<T>(&mut self, setting: &'static Setting<T>) -> Option<T> {
        self.must_be_set(&setting.spec);
        self.get(setting)
    }

    /// As [`Reader::get`], for what is read by the value of another setting.
    pub fn get_by<T, U, E: Into<Invalid>>(
        &mut self,
        setting: &'static Setting<T>,
        parse: impl FnOnce(&str) -> Result<U, E>,
    ) -> Option<U> {
        let parsed = parse(self.text(&setting.spec)?);
        match parsed {
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

    /// Takes out the variables that are set, have no effect, and may be relied on, once all is read.
    pub fn take_without_effect(&mut self) -> Vec<WithoutEffect> {
        let read = self.read.borrow();
        let missed = self.values.missed(|name| read.contains(name));
        let missed = missed.filter(|(_, unread)| **unread == Unread::Told);
        let found = missed.map(|(spec, _)| WithoutEffect(spec)).collect();
        drop(read);
        self.values.end_telling();
        found
    }

    /// Options that have no effect are problems, but not beside others: what is wrong may be why nothing has
    /// read them.
    fn refuse_without_effect(&mut self) {
        let read = self.read.borrow();
        let refused =
            self.values.missed(|name| read.contains(name)).filter_map(|(spec, unread)| match unread {
                Unread::Refused(option) => {
                    let invalid = Invalid::new(no_effect(spec)).with_remedy("leave it out");
                    Some(Problem::new(option.clone(), invalid))
                }
                Unread::Told | Unread::Fine => None,
            });
        self.problems = refused.collect();
    }

    /// What was read, or everything that is wrong. An option that has no effect is wrong, too; of variables,
    /// [`Reader::take_without_effect`] is logged.
    ///
    /// # Errors
    ///
    /// All problems, also where there is a value.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, ConfigError> {
        if value.is_some() && self.problems.is_empty() {
            self.refuse_without_effect();
            for variable in self.take_without_effect() {
                tracing::warn!("{variable}");
            }
        }
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(ConfigError::new(self.problems)),
        }
    }
}

/// A setting that is not given. `about` says what it is, or what needs it.
pub fn missing(about: &str) -> Invalid {
    Invalid::missing(about)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::{Unset, text};
    use crate::values::By;
    use crate::{parse, table};

    const MADE_UP: Spec = Spec { commands: &["serve", "status"], value: "N", ..Spec::BASE };

    table! {
        static TABLE;
        LIMIT: u32 = |text| parse::number(text, 1..=10), Spec {
            unused_by: &["status"],
            missed_by: &["serve", "copy"],
            only: text("with `MODE=fast`", "快速模式"),
            unset: Unset::Is(text("`3`", "`3`")),
            ..MADE_UP
        };
        PLACE: String = parse::text, Spec { ..MADE_UP };
    }

    fn given(command: &str, by: &By) -> Reader {
        let mut values = Values::default();
        for (spec, value) in TABLE.iter().zip(["5", "here"]) {
            let by = if *by == By::Variable {
                By::Variable
            } else {
                By::Option(format!("--{}", spec.option()).into())
            };
            values.set_for(command, spec, value, by);
        }
        Reader::new(values)
    }

    #[test]
    fn an_option_that_nothing_has_read_is_refused() {
        let option = By::Option("".into());
        let mut reader = given("serve", &option);
        reader.get(&PLACE);
        let error = reader.finish(Some(())).unwrap_err();
        let told = "--limit: has no effect here, only with MODE=fast: leave it out";
        assert_eq!(error.problems().iter().map(ToString::to_string).collect::<Vec<_>>(), [told]);

        // What is read for nothing but a check, or by a command that makes no use of it, has no effect
        // either.
        let mut reader = given("serve", &option);
        assert_eq!((reader.check(|r| r.get(&LIMIT)), reader.get(&PLACE).is_some()), (Some(5), true));
        assert!(reader.finish(Some(())).is_err());
        let mut reader = given("status", &option);
        reader.get(&PLACE);
        reader.get(&LIMIT);
        assert!(reader.finish(Some(())).is_err());

        let mut reader = given("serve", &option);
        reader.get(&PLACE);
        reader.get(&LIMIT);
        assert_eq!(reader.finish(Some(())), Ok(()));
    }

    #[test]
    fn what_is_wrong_hides_what_has_no_effect() {
        let mut reader = given("serve", &By::Option("".into()));
        reader.problem("OTHER", Invalid::new("missing"));
        assert_eq!(reader.finish(Some(())).unwrap_err().problems().len(), 1);
    }

    #[test]
    fn a_variable_without_effect_is_told_where_it_is_missed() {
        let told = |mut reader: Reader| {
            let missed = reader.take_without_effect();
            assert!(reader.take_without_effect().is_empty(), "it is told once");
            assert_eq!(reader.finish(Some(())), Ok(()));
            missed.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            told(given("copy", &By::Variable)),
            ["LIMIT is set, and has no effect here, only with MODE=fast"]
        );
        assert_eq!(told(given("status", &By::Variable)), [""; 0]);
        let mut reader = given("serve", &By::Variable);
        reader.get(&LIMIT);
        assert_eq!(told(reader), [""; 0]);
        // As if it were not set.
        let mut values = Values::default();
        values.set_for("serve", &LIMIT.spec, "3", By::Variable);
        assert_eq!(told(Reader::new(values)), [""; 0]);
    }
}
