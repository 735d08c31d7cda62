//! The form of lines on stderr.

use settings::{Invalid, parse};

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line: for log services.
    Json,
    /// For people.
    Text,
}

impl LogFormat {
    /// Reads the setting `LOG_FORMAT`.
    ///
    /// # Errors
    ///
    /// When it is neither `json` nor `text`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match &*parse::word(text) {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err(Invalid::new(format_args!("{text:?} is neither \"json\" nor \"text\""))),
        }
    }
}
