//! Markup, in which all text is escaped.

use std::fmt::Write as _;

use settings::text::printable;

/// A piece of HTML.
#[derive(Clone, Debug, Default)]
pub(crate) struct Html(String);

impl Html {
    /// Markup of this crate, as it is.
    pub(crate) fn raw(mut self, markup: &str) -> Self {
        self.0.push_str(markup);
        self
    }

    /// Text from anywhere. Control characters are shown as escapes, since some of them hide text.
    pub(crate) fn text(mut self, text: &str) -> Self {
        for c in printable(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        self
    }

    /// An element with a class, or without one if that is empty.
    pub(crate) fn element(self, name: &str, class: &str, content: Self) -> Self {
        let Self(content) = content;
        let mut html = self.raw("<").raw(name);
        if !class.is_empty() {
            html = html.raw(" class=\"").text(class).raw("\"");
        }
        html.raw(">").raw(&content).raw("</").raw(name).raw(">\n")
    }

    /// An element with nothing but text in it.
    pub(crate) fn labelled(self, name: &str, class: &str, text: &str) -> Self {
        self.element(name, class, Self::default().text(text))
    }

    /// Other markup.
    pub(crate) fn and(self, other: &Self) -> Self {
        self.raw(&other.0)
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// A coordinate, with as many decimals as can be seen.
pub(crate) fn number(text: &mut String, value: f64) {
    // Writing to a string does not fail.
    let _ = write!(text, "{value:.2}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        let key = "<script>alert('a' & \"b\")</script>\u{202e}\n";
        let html = Html::default().labelled("td", "key", key).into_text();
        assert_eq!(
            html,
            "<td class=\"key\">&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;\\u{202e}\\n</td>\n"
        );
    }
}
