//! Settings as they are given.

use std::collections::BTreeMap;
use std::fmt;

use crate::lenient;
use crate::setting::Spec;

/// The values of settings, by name. One that is given and blank is not set.
#[derive(Clone, Default)]
pub struct Values(BTreeMap<&'static str, String>);

impl Values {
    /// Gives a setting a value, or takes it away with a blank one.
    pub fn set(&mut self, spec: &Spec, value: &str) {
        match lenient::setting(value) {
            Some(value) => self.0.insert(spec.name, value.to_owned()),
            None => self.0.remove(spec.name),
        };
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, spec: &Spec, value: impl AsRef<str>) -> Self {
        self.set(spec, value.as_ref());
        self
    }

    /// The value as it was meant: without blanks and quotes around it.
    pub fn get(&self, spec: &Spec) -> Option<&str> {
        self.0.get(spec.name).map(String::as_str)
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most of them are harmless, but which ones hold a secret is not a question to answer twice.
        f.debug_set().entries(self.0.keys()).finish()
    }
}
