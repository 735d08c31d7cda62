//! Reads values and collects what is wrong with them.

use std::fmt;

pub(super) use crate::lenient::given;

/// Collects problems while values are read, so that one message names them all.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<String>,
}

impl Reader {
    pub(super) fn problem(&mut self, name: &str, what: impl fmt::Display) {
        let problem = format!("{name}: {what}");
        // Two engines may want the same.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    pub(super) fn required(&mut self, name: &str, value: Option<&String>) -> Option<String> {
        let value = given(value);
        if value.is_none() {
            self.problem(name, "missing");
        }
        value
    }

    pub(super) fn read<T, E: fmt::Display>(
        &mut self,
        name: &str,
        value: Option<String>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(&value?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(name, error);
                None
            }
        }
    }

    /// A pair of which both or none is given.
    pub(super) fn pair(
        &mut self,
        names: [&str; 2],
        values: [Option<&String>; 2],
    ) -> Option<(String, String)> {
        match values.map(given) {
            [Some(first), Some(second)] => Some((first, second)),
            [Some(_), None] => {
                self.problem(names[1], format_args!("missing, and {} is set", names[0]));
                None
            }
            [None, Some(_)] => {
                self.problem(names[0], format_args!("missing, and {} is set", names[1]));
                None
            }
            [None, None] => None,
        }
    }
}
