//! A failure of a command, and its kind.

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::Serialize;

use settings::text::printable;
use settings::{ConfigError, Problem};

/// Why a command failed, coarse enough to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A defect, or an answer that no rule covers. User action: see the message; report it if it stays.
    Internal,
    /// An argument or a setting cannot be used, or names what does not exist. User action: correct it.
    Configuration,
    /// The service knows the credentials, and they lack a right. User action: allow the action that the
    /// remedy names.
    Permission,
    /// The service refuses the credentials. User action: correct them, or fetch new ones.
    Credentials,
    /// A service, or a port of this machine, is out of reach, or does not serve. User action: check the
    /// network, try again later.
    OutOfReach,
}

/// Why a command failed. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct Failure {
    kind: FailureKind,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_failures")]
    problems: Vec<Problem>,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, message: impl Display) -> Self {
        Self { kind, message: message.to_string(), setting: None, remedy: None, problems: Vec::new() }
    }

    /// A defect, or what no rule covers.
    pub fn internal(message: impl Display) -> Self {
        Self::new(FailureKind::Internal, message)
    }

    /// An argument or a setting that cannot be used.
    pub fn configuration(message: impl Display) -> Self {
        Self::new(FailureKind::Configuration, message)
    }

    /// A service or a port that cannot be reached.
    pub fn out_of_reach(message: impl Display) -> Self {
        Self::new(FailureKind::OutOfReach, message)
    }

    /// The same, by this setting, option or argument.
    #[must_use]
    pub fn of_setting(mut self, setting: impl Into<Cow<'static, str>>) -> Self {
        self.setting = Some(setting.into());
        self
    }

    /// The same, and what to do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Display) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }

    /// The same, with another message.
    #[must_use]
    pub fn saying(mut self, message: impl Display) -> Self {
        self.message = message.to_string();
        self
    }

    /// The same, with `what` before its message.
    #[must_use]
    pub fn after(mut self, what: &str) -> Self {
        self.message.insert_str(0, what);
        self
    }

    /// The same, with `then` behind what to do.
    #[must_use]
    pub fn and_then(mut self, then: &str) -> Self {
        self.remedy = Some(match self.remedy {
            Some(remedy) => format!("{remedy}; {then}"),
            None => then.to_owned(),
        });
        self
    }

    /// Its kind, which decides the exit code.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// What to do about it, where that is known.
    pub fn remedy(&self) -> Option<&str> {
        self.remedy.as_deref()
    }
}

/// On the terminal: the setting, what is wrong, and on a line of its own what to do.
impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.problems.is_empty() {
            write!(f, "{}", ConfigError::HEADING)?;
            return self
                .problems
                .iter()
                .try_for_each(|problem| write!(f, "\n  {}", printable(&problem.to_string())));
        }
        if let Some(setting) = &self.setting {
            write!(f, "{setting}: ")?;
        }
        f.write_str(&printable(&self.message))?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n  do: {}", printable(remedy)),
            None => Ok(()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let problems = error.problems().to_vec();
        let (setting, remedy) = match &problems[..] {
            [one] => (Some(one.setting().to_owned().into()), remedy(one)),
            _ => (None, None),
        };
        let message = ConfigError::HEADING.trim_end_matches(':');
        Self { setting, remedy, problems, ..Self::configuration(message) }
    }
}

/// A problem of a setting as `--json` shows it.
#[derive(Serialize)]
struct Shown<'p> {
    setting: &'p str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// What to do about a problem. What is missing is to be set.
fn remedy(problem: &Problem) -> Option<String> {
    let to_set = || problem.about().map(|_| format!("set {}", problem.setting()));
    problem.remedy().map(str::to_owned).or_else(to_set)
}

fn as_failures<S: serde::Serializer>(problems: &[Problem], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(problems.iter().map(|problem| {
        Shown {
            setting: problem.setting(),
            message: problem
                .about()
                .map_or_else(|| problem.what().to_owned(), |about| format!("{}: {about}", problem.what())),
            remedy: remedy(problem),
        }
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use settings::{Invalid, Values};

    use super::*;

    #[test]
    fn all_problems_of_settings_are_in_one_failure() {
        let mut reader = settings::Reader::new(Values::default());
        reader.problem("HW_AK", Invalid::missing("access key"));
        reader.problem("LOG_BUCKET", Invalid::new("no bucket"));
        let failure = Failure::from(reader.finish::<()>(None).unwrap_err());
        assert_eq!(
            failure.to_string(),
            "the configuration is not usable:\n  HW_AK: missing: access key\n  LOG_BUCKET: no bucket"
        );
        assert_eq!(
            serde_json::to_value(&failure).unwrap(),
            json!({"kind": "configuration", "message": "the configuration is not usable", "problems": [
                {"setting": "HW_AK", "message": "missing: access key", "remedy": "set HW_AK"},
                {"setting": "LOG_BUCKET", "message": "no bucket"},
            ]})
        );
        let mut reader = settings::Reader::new(Values::default());
        reader.problem("HW_AK", Invalid::missing("access key"));
        let failure = Failure::from(reader.finish::<()>(None).unwrap_err());
        assert_eq!(failure.to_string(), "the configuration is not usable:\n  HW_AK: missing: access key");
        assert_eq!(
            serde_json::to_value(&failure).unwrap(),
            json!({
                "kind": "configuration", "message": "the configuration is not usable",
                "setting": "HW_AK", "remedy": "set HW_AK",
                "problems": [{"setting": "HW_AK", "message": "missing: access key", "remedy": "set HW_AK"}],
            })
        );
    }

    #[test]
    fn a_failure_shows_its_setting_and_its_remedy_and_nothing_that_a_terminal_acts_on() {
        let failure = Failure::out_of_reach("h:1\u{1b}[2J").of_setting("X").with_remedy("look\nthere");
        assert_eq!(failure.to_string(), "X: h:1\\u{1b}[2J\n  do: look\\nthere");
        assert_eq!(
            serde_json::to_value(&failure).unwrap(),
            json!({"kind": "out_of_reach", "setting": "X", "message": "h:1\u{1b}[2J", "remedy": "look\nthere"})
        );
    }
}
