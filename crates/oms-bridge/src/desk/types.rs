//! Content types.

use std::fmt;

/// Which content types may be uploaded: `image/png`, or `image/*` for all of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedTypes(Option<Vec<String>>);

impl AllowedTypes {
    /// All.
    pub const ALL: Self = Self(None);

    /// Reads a list with commas between.
    ///
    /// # Errors
    ///
    /// Which of them is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        if names.clone().any(|name| name == "*/*") {
            return Ok(Self::ALL);
        }
        let types = names.map(|name| {
            let plain = name.strip_suffix("/*").map_or_else(|| name.to_owned(), |kind| format!("{kind}/x"));
            if is_type(&plain) {
                Ok(name.to_ascii_lowercase())
            } else {
                Err(format!("{name:?} is no content type"))
            }
        });
        let types: Vec<_> = types.collect::<Result<_, _>>()?;
        if types.is_empty() { Err("names no content type".to_owned()) } else { Ok(Self(Some(types))) }
    }

    /// The list, unless all are allowed.
    pub fn list(&self) -> Option<&[String]> {
        self.0.as_deref()
    }

    /// Whether a content type may be uploaded. Its parameters do not matter.
    pub fn admit(&self, content_type: &str) -> bool {
        let Some(types) = &self.0 else { return true };
        let essence = essence(content_type);
        types.iter().any(|allowed| match allowed.strip_suffix('*') {
            Some(kind) => essence.starts_with(kind),
            None => *allowed == essence,
        })
    }
}

impl fmt::Display for AllowedTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("all"),
            Some(types) => f.write_str(&types.join(", ")),
        }
    }
}

/// What stands before the parameters, in lower case.
pub fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether text has the form of a content type, parameters included (RFC 9110, 8.3.1): up to 255 visible characters.
pub fn is_type(text: &str) -> bool {
    let token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let whole = text.split(';').next().unwrap_or_default().trim_end();
    let form = whole.split_once('/').is_some_and(|(kind, sort)| token(kind) && token(sort));
    form && text.len() <= 255 && text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

/// What a browser shows in place when it is told to, without running anything that is in it.
pub fn is_harmless(content_type: &str) -> bool {
    let essence = essence(content_type);
    let kind = essence.split('/').next().unwrap_or_default();
    match kind {
        "image" => essence != "image/svg+xml",
        "video" | "audio" => true,
        _ => matches!(&*essence, "text/plain" | "application/pdf"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_types_and_kinds_are_admitted() {
        let allowed = AllowedTypes::parse("image/*, Application/PDF").unwrap();
        for good in ["image/png", "IMAGE/JPEG", "application/pdf", "application/pdf; x=y"] {
            assert!(allowed.admit(good), "{good}");
        }
        for bad in ["text/html", "imagex/png", "application/pdfx", "", "image"] {
            assert!(!allowed.admit(bad), "{bad}");
        }
        assert_eq!(AllowedTypes::parse("image/*,*/*"), Ok(AllowedTypes::ALL));
        assert!(AllowedTypes::ALL.admit("text/html"));
        for list in ["", "*", "image", "image/", "a b/c", "*/*/*"] {
            assert!(AllowedTypes::parse(list).is_err(), "{list}");
        }
    }

    #[test]
    fn a_content_type_is_a_kind_and_a_sort() {
        for good in ["a/b", "text/plain; charset=utf-8", "image/svg+xml", "text/plain ;x=\"y\""] {
            assert!(is_type(good), "{good}");
        }
        for bad in ["", "a", "/b", "a/", "a /b", "a/b\n", "a/b;\u{e9}", "a/b c"] {
            assert!(!is_type(bad), "{bad}");
        }
    }

    #[test]
    fn what_could_run_scripts_is_not_shown_in_place() {
        assert!(
            ["image/png", "video/mp4", "application/pdf", "text/plain; charset=x"]
                .into_iter()
                .all(is_harmless)
        );
        assert!(
            !["text/html", "image/svg+xml", "application/xhtml+xml", "", "text/xml"]
                .into_iter()
                .any(is_harmless)
        );
    }
}
