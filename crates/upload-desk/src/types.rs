//! Content types, by the grammar of [RFC 9110, 8.3.1](https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1).
//!
//! # Rules
//!
//! - An invalid content type is refused, also if all types are allowed: it is not uploaded, and an object
//!   fetched with it is removed. Lenient parsers differ: of two types in one value some take the first,
//!   others the last.
//! - A comma is refused everywhere, also in a quoted string: in a joined header it begins another type.
//! - Types that may be displayed inline are an allow-list, so that a type that browsers execute in future is
//!   not on it.
//! - An object without a content type has `UNKNOWN`.

use std::fmt;

use settings::Invalid;

/// Content type of an object without one.
pub(crate) const UNKNOWN: &str = "application/octet-stream";

/// Longest content type, in bytes.
const LONGEST: usize = 255;

/// Types that a browser displays inline without executing their content.
const SHOWN_IN_PLACE: &[&str] = &[
    "application/pdf",
    "audio/aac",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "audio/x-m4a",
    "audio/x-wav",
    "image/apng",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heic",
    "image/heif",
    "image/jpeg",
    "image/jpg",
    "image/png",
    "image/tiff",
    "image/vnd.microsoft.icon",
    "image/webp",
    "image/x-icon",
    "image/x-ms-bmp",
    "text/plain",
    "video/mp4",
    "video/mpeg",
    "video/ogg",
    "video/quicktime",
    "video/webm",
    "video/x-m4v",
];

/// A content type. Names are in lower case, since they are case-insensitive.
///
/// ```
/// use upload_desk::types::ContentType;
///
/// let image = ContentType::parse("image/png").expect("one content type");
/// assert_eq!(image.halves(), ("image", "png"));
/// assert!(ContentType::parse("image/png, text/html").is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentType {
    kind: String,
    sort: String,
    parameters: Vec<(String, String)>,
}

impl ContentType {
    /// Parses a content type with its parameters: up to 255 ASCII characters. `None` if it is invalid.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST || text.contains(',') {
            return None;
        }
        let (kind, rest) = token(text)?;
        let (sort, mut rest) = token(rest.strip_prefix('/')?)?;
        let mut parameters = Vec::new();
        loop {
            rest = blank(rest);
            let Some(after) = rest.strip_prefix(';') else { break };
            rest = blank(after);
            // The grammar lets a semicolon stand alone.
            if rest.is_empty() || rest.starts_with(';') {
                continue;
            }
            let (name, after) = token(rest)?;
            let (value, after) = value(after.strip_prefix('=')?)?;
            parameters.push((name.to_ascii_lowercase(), value));
            rest = after;
        }
        let whole = Self { kind: kind.to_ascii_lowercase(), sort: sort.to_ascii_lowercase(), parameters };
        rest.is_empty().then_some(whole)
    }

    /// The content type of an object, which may have none.
    pub(crate) fn of(told: Option<&str>) -> Option<Self> {
        Self::parse(told.filter(|text| !text.is_empty()).unwrap_or(UNKNOWN))
    }

    /// Whether it is `essence`, such as `application/json`, with any parameters.
    pub(crate) fn is(&self, essence: &str) -> bool {
        essence.split_once('/').is_some_and(|(kind, sort)| self.kind == kind && self.sort == sort)
    }

    /// Type and subtype.
    pub fn halves(&self) -> (&str, &str) {
        (&self.kind, &self.sort)
    }

    /// The content type for displaying it inline, with no parameter but `charset`; `None` if it must be
    /// downloaded.
    pub(crate) fn in_place(&self) -> Option<String> {
        let essence = format!("{}/{}", self.kind, self.sort);
        if !SHOWN_IN_PLACE.contains(&&*essence) {
            return None;
        }
        let charset = self.parameters.iter().find(|(name, _)| name == "charset");
        Some(match charset.filter(|(_, value)| token(value).is_some_and(|(_, rest)| rest.is_empty())) {
            Some((_, charset)) => format!("{essence}; charset={charset}"),
            None => essence,
        })
    }
}

/// Whether two texts name the same content type.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    match (ContentType::parse(one), ContentType::parse(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Splits off the token at the start.
fn token(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !is_token_byte(byte)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// Splits off the value of a parameter, a token or a quoted string.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        return token(text).map(|(value, rest)| (value.to_owned(), rest));
    };
    let (mut value, mut bytes) = (String::new(), quoted.char_indices());
    while let Some((at, character)) = bytes.next() {
        let character = match character {
            '"' => return Some((value, quoted.get(at + 1..)?)),
            '\\' => bytes.next()?.1,
            character => character,
        };
        if !(character.is_ascii_graphic() || matches!(character, ' ' | '\t')) {
            return None;
        }
        value.push(character);
    }
    None
}

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
    /// Which entry is invalid.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        if names.clone().any(|name| name == "*/*") {
            return Ok(Self::ALL);
        }
        let types = names.map(|name| {
            let known = ContentType::parse(name).filter(|known| known.parameters.is_empty());
            known
                .map(|ContentType { kind, sort, .. }| format!("{kind}/{sort}"))
                .ok_or_else(|| Invalid::new(format_args!("{name:?} is not a content type")))
        });
        let types: Vec<_> = types.collect::<Result<_, _>>()?;
        if types.is_empty() { Err(Invalid::new("names no content type")) } else { Ok(Self(Some(types))) }
    }

    /// The list, unless all are allowed.
    pub(crate) fn list(&self) -> Option<&[String]> {
        self.0.as_deref()
    }

    /// Whether a content type may be uploaded. Its parameters do not matter.
    pub(crate) fn admit(&self, content_type: &ContentType) -> bool {
        let Some(types) = &self.0 else { return true };
        types.iter().any(|allowed| match allowed.strip_suffix("/*") {
            Some(kind) => content_type.kind == kind,
            None => content_type.is(allowed),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(allowed: &AllowedTypes, text: &str) -> bool {
        ContentType::parse(text).is_some_and(|content_type| allowed.admit(&content_type))
    }

    fn in_place(text: &str) -> Option<String> {
        ContentType::parse(text).and_then(|content_type| content_type.in_place())
    }

    #[test]
    fn listed_types_and_kinds_are_admitted() {
        let allowed = AllowedTypes::parse("image/*, Application/PDF").unwrap();
        for good in ["image/png", "IMAGE/JPEG", "application/pdf", "application/pdf; x=y"] {
            assert!(admits(&allowed, good), "{good}");
        }
        for bad in ["text/html", "imagex/png", "application/pdfx", "", "image", "image/png,text/html"] {
            assert!(!admits(&allowed, bad), "{bad}");
        }
        assert_eq!(AllowedTypes::parse("image/*,*/*"), Ok(AllowedTypes::ALL));
        assert!(admits(&AllowedTypes::ALL, "text/html"));
        for list in ["", "*", "image", "image/", "a b/c", "*/*/*", "a/b;c=d"] {
            assert!(AllowedTypes::parse(list).is_err(), "{list}");
        }
        assert!(admits(&AllowedTypes::parse("a/b;").unwrap(), "a/b"));
    }

    #[test]
    fn a_content_type_is_read_by_the_grammar() {
        for good in [
            "a/b",
            "text/plain; charset=utf-8",
            "image/svg+xml",
            "text/plain ;x=\"y\"",
            "a/b;",
            "a/b; ;c=d;",
            "a/b;\tc=d",
            "a/b;c=\"d;e \\\" =\"",
            "a/b;c=\"\"",
        ] {
            assert!(ContentType::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "a",
            "/b",
            "a/",
            "a /b",
            "a/ b",
            " a/b",
            "a/b\n",
            "a/b;\u{e9}",
            "a/b c",
            "a/b/c",
            "a/b,c/d",
            "a/b, c/d",
            "a/b;c=d,e/f",
            "a/b;c=\"d,e\"",
            "a/b;c=d e/f",
            "a/b;c",
            "a/b;c=",
            "a/b;=d",
            "a/b;c =d",
            "a/b;c= d",
            "a/b;c=\"d",
            "a/b;c=\"d\"e",
            "a/b;c=\"d\\",
            "a/b;c=\"\u{1}\"",
            "a/b;c=\"\u{e9}\"",
        ] {
            assert_eq!(ContentType::parse(bad), None, "{bad}");
        }
        assert!(ContentType::parse(&format!("a/{}", "b".repeat(253))).is_some());
        assert_eq!(ContentType::parse(&format!("a/{}", "b".repeat(254))), None);
    }

    #[test]
    fn one_type_has_several_spellings() {
        assert!(is_same("Text/Plain;Charset=utf-8", "text/plain; charset=\"utf-8\""));
        assert!(!is_same("text/plain", "text/plain; charset=utf-8"));
        assert!(!is_same("text/plain", "text/plain,text/html"));
        assert!(is_same("no type", "no type"));
        assert_eq!(ContentType::of(None), ContentType::of(Some("")));
        assert!(ContentType::of(None).is_some_and(|content_type| content_type.is(UNKNOWN)));
    }

    #[test]
    fn only_listed_types_are_shown_in_place() {
        for (text, shown) in [
            ("image/png", "image/png"),
            ("VIDEO/MP4; codecs=\"avc1\"", "video/mp4"),
            ("application/pdf", "application/pdf"),
            ("text/plain; charset=GBK", "text/plain; charset=GBK"),
            ("text/plain; charset=\"utf-8\"; x=y", "text/plain; charset=utf-8"),
            ("text/plain; charset=\"a b\"", "text/plain"),
        ] {
            assert_eq!(in_place(text).as_deref(), Some(shown), "{text}");
        }
        for text in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "",
            "text/xml",
            "image/anything",
            "video/x-new",
            "text/plain,text/html",
            "multipart/x-mixed-replace",
        ] {
            assert_eq!(in_place(text), None, "{text}");
        }
    }
}
