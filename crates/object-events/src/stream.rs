//! JSON that is read piece by piece, so that a hostile event costs no more memory than its own size times
//! four, and a megabyte.
//!
//! The limits:
//!
//! - Arrays are read element by element: one is judged, and taken or refused, before the next is looked at.
//!   How many there are is counted before the first is taken; the longer the event, the more it may have
//!   ([`most_elements`]). An array inside an element stands for that element, which is not counted again.
//! - Of an element only the members that are known are turned into values, and only if they are short
//!   ([`short`], [`group`]). Unknown ones may have any length: they are passed over.
//! - A text that carries another event is decoded once, into exactly as much memory as it takes, and only so
//!   much of that may be alive at a time ([`Carried`]). A text without escapes is read where it stands, and
//!   takes nothing.
//! - What is wrong is said in a few words, whatever was sent.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::EventError;

/// Elements that one event may consist of. Of all that sends events, a queue hands over most at once: 10,000
/// messages, to AWS Lambda.
pub(super) const MAX_ELEMENTS: usize = 10_000;

/// Elements that an event may consist of however short they are. What is made of one takes up to 600 bytes,
/// which is no more than a megabyte for all of these.
const FEW: usize = 1300;

/// Bytes of an event for which it may have one element more: 600 bytes are less than the threefold of this,
/// so that events of half a megabyte and more stay below four times their size. Elements of the services are
/// longer; of those of 120 bytes, of senders that leave out all that is not needed (EventBridge's `RawData`),
/// there may be 2400.
const USUAL: usize = 260;

/// Longest value in bytes that is not an event itself. A key of 1024 bytes, each of which is escaped twice,
/// is a quarter of it.
const MAX_VALUE: usize = 64 << 10;

/// Texts that carry events may take this much memory together although the event is shorter.
const SMALL: usize = 64 << 10;

/// Parses a value that is not long. Only when that fails is it parsed again to find out where.
pub(super) fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, EventError> {
    if text.len() > MAX_VALUE {
        return Err(EventError::new("", format!("longer than {MAX_VALUE} bytes")));
    }
    members(text)
}

/// Parses an object of any length into a type all of whose members are raw, [`short`] or a [`group`] of such.
/// Anything else than an object must be short: what is said of it quotes it.
pub(super) fn members<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, EventError> {
    if !text.starts_with('{') && text.len() > MAX_VALUE {
        return Err(EventError::new("", format!("longer than {MAX_VALUE} bytes, and not an object")));
    }
    serde_json::from_str(text).map_err(|error| {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Err(located) if located.path().iter().next().is_some() => {
                EventError::new(located.path().to_string(), located.inner().to_string())
            }
            _ => EventError::new("", error.to_string()),
        }
    })
}

/// A short text.
pub(super) fn text(value: &RawValue) -> Result<String, EventError> {
    json(value.get())
}

/// A short text, where there is one; `null` is none.
pub(super) fn optional_text(name: &str, value: Option<&RawValue>) -> Result<Option<String>, EventError> {
    value.map_or(Ok(None), |value| json(value.get())).map_err(|error: EventError| error.inside(name))
}

/// A member that is a short text or missing; `null` is missing. A text in the place of something else would
/// be quoted at its length, so texts are judged before they are copied.
pub(super) fn short<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct Short;
    impl Visitor<'_> for Short {
        type Value = Option<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<String>, E> {
            if text.len() > MAX_VALUE {
                return Err(E::custom(format_args!("longer than {MAX_VALUE} bytes")));
            }
            Ok(Some(text.to_owned()))
        }
        fn visit_unit<E>(self) -> Result<Option<String>, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(Short)
}

/// A member that is an object or missing; `null` is missing. Its own members must be [`short`] or a
/// [`group`].
pub(super) fn group<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Group<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Group<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Option<T>, A::Error> {
            T::deserialize(MapAccessDeserializer::new(members)).map(Some)
        }
        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Option<T>, E> {
            Err(E::custom("invalid type: string, expected an object"))
        }
        fn visit_unit<E>(self) -> Result<Option<T>, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(Group(PhantomData))
}

/// Hands over the elements of an array, one after the other, and stops at the first error.
pub(super) fn each<'a>(
    array: &'a str,
    mut take: impl FnMut(usize, &'a RawValue) -> Result<(), EventError>,
) -> Result<(), EventError> {
    struct Elements<'s, F> {
        take: F,
        stopped: &'s mut Option<EventError>,
    }
    impl<'de, F: FnMut(usize, &'de RawValue) -> Result<(), EventError>> Visitor<'de> for Elements<'_, F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array")
        }

        fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
            let mut index = 0;
            while let Some(element) = elements.next_element::<&RawValue>()? {
                if let Err(error) = (self.take)(index, element) {
                    *self.stopped = Some(error);
                    return Err(A::Error::custom("stopped"));
                }
                index += 1;
            }
            Ok(())
        }
    }
    if !array.starts_with('[') {
        let kind = match array.as_bytes().first() {
            Some(b'"') => "string",
            Some(b'{') => "map",
            _ => "number or literal",
        };
        return Err(EventError::new("", format!("invalid type: {kind}, expected an array")));
    }
    let mut stopped = None;
    let elements = Elements { take: &mut take, stopped: &mut stopped };
    let read = serde_json::Deserializer::from_str(array).deserialize_seq(elements);
    match (stopped, read) {
        (Some(error), _) => Err(error),
        (None, read) => read.map_err(|error| EventError::new("", error.to_string())),
    }
}

/// How many elements an array has, all of them JSON.
pub(super) fn count(array: &str) -> Result<usize, EventError> {
    let mut count = 0;
    each(array, |_, _| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

/// How many elements an event of `length` bytes may have.
pub(super) fn most_elements(length: usize) -> usize {
    (length / USUAL + FEW).min(MAX_ELEMENTS)
}

/// The first names of the members of an object.
pub(super) fn names(object: &str) -> Vec<String> {
    const SHOWN: usize = 8;
    struct Names(Vec<String>);
    impl<'de> Visitor<'de> for &mut Names {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
            while self.0.len() < SHOWN
                && let Some((name, _)) = members.next_entry::<&RawValue, IgnoredAny>()?
            {
                self.0.push(format!("`{}`", super::error::shortened(name.get().trim_matches('"'))));
            }
            Ok(())
        }
    }
    let mut names = Names(Vec::new());
    // The end of a long list is not read, which is an error like any other here.
    let _ = serde_json::Deserializer::from_str(object).deserialize_map(&mut names);
    names.0.sort_unstable();
    names.0
}

/// Memory for texts that carry events: twice the size of the event that contains them.
#[derive(Debug, Default)]
pub(super) struct Carried {
    left: usize,
}

impl Carried {
    pub(super) fn of(event: &str) -> Self {
        Self { left: event.len().saturating_mul(2).max(SMALL) }
    }

    /// Takes memory for a text of `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> Result<(), EventError> {
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                Err(EventError::new("", "envelopes around envelopes that are nearly as long as the event"))
            }
        }
    }

    /// Gives it back.
    pub(super) fn give_back(&mut self, length: usize) {
        self.left += length;
    }
}

/// The text of a JSON string: as it stands there if nothing in it is escaped, else in a string of no more
/// than its own length.
pub(super) fn unescaped(string: &str) -> Result<Cow<'_, str>, EventError> {
    let bad = || EventError::new("", "not a JSON string");
    let inner = string.strip_prefix('"').and_then(|text| text.strip_suffix('"')).ok_or_else(bad)?;
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        if let Some(plain) = rest.as_bytes().get(at + 1).and_then(|byte| plain_escape(*byte)) {
            text.push(plain);
            rest = &rest[at + 2..];
            continue;
        }
        let length = escape_length(&rest[at..]).ok_or_else(bad)?;
        let (escape, after) = rest[at..].split_at_checked(length).ok_or_else(bad)?;
        let character: char = serde_json::from_str(&format!("\"{escape}\"")).map_err(|_| bad())?;
        text.push(character);
        rest = after;
    }
    text.push_str(rest);
    Ok(Cow::Owned(text))
}

/// The most common escapes.
fn plain_escape(byte: u8) -> Option<char> {
    match byte {
        b'"' | b'\\' | b'/' => Some(char::from(byte)),
        b'n' => Some('\n'),
        b'r' => Some('\r'),
        b't' => Some('\t'),
        _ => None,
    }
}

/// The length of the escape that `text` begins with; two halves of a character beyond U+FFFF are one.
fn escape_length(text: &str) -> Option<usize> {
    if text.as_bytes().get(1)? != &b'u' {
        return Some(2);
    }
    let unit = u16::from_str_radix(text.get(2..6)?, 16).ok()?;
    Some(if (0xD800..0xDC00).contains(&unit) { 12 } else { 6 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_without_escapes_is_not_copied() {
        assert!(matches!(unescaped("\"测试 a\""), Ok(Cow::Borrowed("测试 a"))));
        assert!(matches!(unescaped("\"\""), Ok(Cow::Borrowed(""))));
    }

    #[test]
    fn escapes_are_those_of_json() {
        for string in [r#""\"\\\/\b\f\n\r\t""#, r#""\u0041\u6d4b\ud83d\ude00z""#, r#""\\u0041""#, r#""a\\""#]
        {
            let wanted: String = serde_json::from_str(string).unwrap();
            assert_eq!(unescaped(string).unwrap(), wanted);
        }
        for string in
            [r#""\x""#, r#""\""#, r#""\u00""#, r#""\ud83d""#, r#""\ud83dab""#, r#""\ud83d\u0041""#, "a", "\""]
        {
            assert!(unescaped(string).is_err(), "{string}");
        }
    }

    proptest! {
        #[test]
        fn any_text_survives(text in "\\PC{0,20}|[\\x00-\\x7f]{0,20}|[\u{10000}-\u{10ffff}a]{0,10}") {
            let string = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(unescaped(&string).unwrap(), text.as_str());
            let ascii = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
            let escaped = format!("\"{ascii}\"");
            let unescaped = unescaped(&escaped).unwrap();
            prop_assert!(unescaped == text.as_str());
        }
    }

    #[test]
    fn elements_come_one_by_one_and_the_first_error_is_the_last_thing_read() {
        let mut seen = Vec::new();
        let stopped = each("[1, {\"a\":[2]}, \"x\", 4, oops", |index, element| {
            seen.push((index, element.get().to_owned()));
            if index == 2 { Err(EventError::new("", "enough")) } else { Ok(()) }
        });
        assert_eq!(stopped, Err(EventError::new("", "enough")));
        assert_eq!(seen, [(0, "1".to_owned()), (1, "{\"a\":[2]}".to_owned()), (2, "\"x\"".to_owned())]);
        assert_eq!(count(" []".trim()), Ok(0));
        assert_eq!(count("[{},{}]"), Ok(2));
        assert!(count("[{},{}").is_err() && count("{}").is_err());
    }

    #[test]
    fn few_names_of_few_letters_are_shown() {
        let many = (0..100).map(|n| format!("\"m{n}\":{{\"x\":[{n}]}},")).collect::<Vec<_>>().concat();
        assert_eq!(names(&format!("{{{many}\"z\":0}}")).len(), 8);
        let long = format!("{{\"{}\":1,\"b\":2}}", "a".repeat(1 << 20));
        let shown = names(&long);
        assert!(shown.len() == 2 && shown[0].len() < 410, "{}", shown[0].len());
        assert_eq!(names("{}"), Vec::<String>::new());
    }
}
