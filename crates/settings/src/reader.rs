//! Reads values and collects what is wrong with them.

use std::fmt;

use crate::lenient::given;

/// Collects problems while values are read, so that one message names them all.
#[derive(Debug, Default)]
pub struct Reader {
    /// What was found to be wrong, each with the name of its setting.
    pub problems: Vec<String>,
}

impl Reader {
    /// Adds a problem of the setting `name`, once.
    pub fn problem(&mut self, name: &str, what: impl fmt::Display) {
        let problem = format!("{name}: {what}");
        // Two engines may want the same.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// A value that must be given.
    pub fn required(&mut self, name: &str, value: Option<&String>) -> Option<String> {
        let value = given(value);
        if value.is_none() {
            self.problem(name, "missing");
        }
        value
    }

    /// Parses a value that may be given. `None` where it is not, or is wrong, which is a problem then.
    pub fn read<T, E: fmt::Display>(
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
    pub fn pair(&mut self, names: [&str; 2], values: [Option<&String>; 2]) -> Option<(String, String)> {
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
