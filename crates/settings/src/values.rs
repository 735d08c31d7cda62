//! Settings as they are given.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::lenient;
use crate::setting::{Spec, Unset};

/// The values of settings, by name. One that is given and blank is not set.
#[derive(Clone, Default)]
pub struct Values(BTreeMap<&'static str, Value>);

#[derive(Clone)]
struct Value {
    spec: &'static Spec,
    text: String,
    unread: Unread,
    /// Whether the command makes use of it where it reads it.
    is_used: bool,
}

/// What it means that a setting is given and has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Nothing: one environment may be for several commands.
    Fine,
    /// Somebody may expect an effect of a variable in the environment, and a message says that it has none.
    Told,
    /// An option that was given for nothing is a mistake. This is its name.
    Refused(Cow<'static, str>),
}

/// How a setting was given to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// By its environment variable.
    Variable,
    /// By this option.
    Option(Cow<'static, str>),
}

impl Values {
    /// Gives a setting a value, or takes it away with a blank one.
    pub fn set(&mut self, spec: &'static Spec, value: &str) {
        self.give(spec, value, Unread::Fine, true);
    }

    /// The same for the command `command`, where the setting was given by its user, who learns where it has
    /// no effect. A value that is the default needs none.
    pub fn set_for(&mut self, command: &str, spec: &'static Spec, value: &str, by: By) {
        let is_default = match spec.unset {
            Unset::Is(default) => default.en.trim_matches('`') == value.trim(),
            Unset::Nothing(_) | Unset::Required(_) => false,
        };
        let unread = match by {
            _ if is_default => Unread::Fine,
            By::Option(name) => Unread::Refused(name),
            By::Variable if spec.missed_by.contains(&command) => Unread::Told,
            By::Variable => Unread::Fine,
        };
        self.give(spec, value, unread, !spec.unused_by.contains(&command));
    }

    fn give(&mut self, spec: &'static Spec, value: &str, unread: Unread, is_used: bool) {
        match lenient::setting(value) {
            Some(value) => self.0.insert(spec.name, Value { spec, text: value.to_owned(), unread, is_used }),
            None => self.0.remove(spec.name),
        };
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, spec: &'static Spec, value: impl AsRef<str>) -> Self {
        self.set(spec, value.as_ref());
        self
    }

    /// The value as it was meant: without blanks and quotes around it.
    pub fn get(&self, spec: &Spec) -> Option<&str> {
        self.0.get(spec.name).map(|given| given.text.as_str())
    }

    /// The same values, without messages about those that have no effect.
    #[must_use]
    pub fn unmissed(mut self) -> Self {
        self.0.values_mut().for_each(|given| given.unread = Unread::Fine);
        self
    }

    /// From now on no variable is missed.
    pub(crate) fn end_telling(&mut self) {
        let told = self.0.values_mut().filter(|given| given.unread == Unread::Told);
        told.for_each(|given| given.unread = Unread::Fine);
    }

    /// Those that have no effect, although somebody may expect one, where the command has read those for
    /// which `is_read` is true.
    pub(crate) fn missed(
        &self,
        is_read: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (&'static Spec, &Unread)> {
        let missed = self.0.values().filter(move |given| {
            given.unread != Unread::Fine && !(given.is_used && is_read(given.spec.name))
        });
        missed.map(|given| (given.spec, &given.unread))
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most of them are harmless, but which ones hold a secret is not a question to answer twice.
        f.debug_set().entries(self.0.keys()).finish()
    }
}
