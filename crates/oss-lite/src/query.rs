//! Query parameters, encoded once.

use std::borrow::Cow;
use std::fmt;

use crate::encoding;

/// Query parameters, encoded once: the text that is signed by V4 is the text that travels.
///
/// Parameters are ordered by encoded name. An empty value is a flag and is written without `=`.
#[derive(Clone, Debug, Default)]
pub struct Query {
    params: Vec<Param>,
    text: String,
}

#[derive(Clone, Debug)]
struct Param {
    name: Cow<'static, str>,
    value: Cow<'static, str>,
}

impl Query {
    /// Takes names and values as they are meant, not encoded.
    pub fn new<N, V>(params: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Cow<'static, str>>,
        V: Into<Cow<'static, str>>,
    {
        let params = params.into_iter().map(|(name, value)| Param { name: name.into(), value: value.into() });
        Self::ordered(params.collect())
    }

    /// These parameters and more.
    #[must_use]
    pub(crate) fn with(&self, more: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let more = more.into_iter().map(|(name, value)| Param { name: name.into(), value: value.into() });
        Self::ordered(self.params.iter().cloned().chain(more).collect())
    }

    fn ordered(mut params: Vec<Param>) -> Self {
        let mut text = String::new();
        params.sort_by_cached_key(|param| encoding::component(&param.name).to_string());
        for param in &params {
            if !text.is_empty() {
                text.push('&');
            }
            text.extend(encoding::component(&param.name));
            if !param.value.is_empty() {
                text.push('=');
                text.extend(encoding::component(&param.value));
            }
        }
        Self { params, text }
    }

    /// The wire text without `?`; empty when there are no parameters.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Names and values as given, in wire order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|param| (param.name.as_ref(), param.value.as_ref()))
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_encoded_names_and_flags_have_no_equals_sign() {
        let query = Query::new([("a", "1"), ("|a", "2"), ("+b", ""), ("a ", "x/y")]);
        assert_eq!(query.as_str(), "%2Bb&%7Ca=2&a=1&a%20=x%2Fy");
    }

    #[test]
    fn no_parameters_make_no_text() {
        assert_eq!(Query::default().as_str(), "");
    }
}
