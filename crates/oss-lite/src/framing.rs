//! What the head of an answer says of the bytes behind it.
//!
//! Status, `Content-Range`, `Content-Length` and what was asked for are read here and nowhere else, for OSS
//! and OBS as for every other server that objects are read from. Each is read tolerantly: units are
//! case-insensitive ([RFC 9110, 14.1](https://www.rfc-editor.org/rfc/rfc9110#section-14.1)), and servers
//! write `bytes=0-9/10` or `bytes: 0-9/10`. Then they are compared, and an answer that contradicts itself or
//! what was asked for is no answer: it is asked again without a range, or fails.
//!
//! - A part must be one that was asked for, lie within the object, and be as long as it says.
//! - A whole object must not call itself a part of something larger. Neither may it be exactly as long as the
//!   part that was asked for: some servers send a part as 200 without saying so. One whole object in many
//!   has that length, and costs a request more.
//! - `Content-Length` counts for nothing beside `Transfer-Encoding`.

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::error::{Error, ErrorKind, Retry};

/// Which bytes of an object are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub first: u64,
    /// Offset of the last byte, which is included; `None` means to the end.
    pub last: Option<u64>,
}

/// Which bytes an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentRange {
    /// Offset of the first byte.
    pub first: u64,
    /// Offset of the last byte, which is included.
    pub last: u64,
    /// Size of the whole object.
    pub total: u64,
}

/// What an answer with success says of the bytes that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Offset of the first byte within the object.
    pub first: u64,
    /// Offset of the first byte after it; `None` if only the end of the body shows it.
    pub end: Option<u64>,
    /// Size of the whole object, if the answer states it.
    pub total: Option<u64>,
}

/// An answer that contradicts itself, or what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer contradicts itself or the request: {0}")]
pub struct Contradiction(String);

impl ByteRange {
    /// The value of the header `Range`.
    ///
    /// # Errors
    ///
    /// When the range ends before it begins.
    pub fn header(self) -> Result<HeaderValue, Error> {
        let text = match self.last {
            // OBS would send the whole object.
            Some(last) if last < self.first => {
                let message = format!("a range ends at {last}, before its begin at {}", self.first);
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
            Some(last) => format!("bytes={}-{last}", self.first),
            None => format!("bytes={}-", self.first),
        };
        HeaderValue::try_from(text).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, "a range is no header value").with_source(error)
        })
    }

    /// Number of bytes, if there are that many.
    fn size(self) -> Option<u64> {
        self.last?.checked_sub(self.first)?.checked_add(1)
    }

    /// Whether an answer holds what was asked for: less of it only when the object ends there.
    fn is_met_by(self, got: ContentRange) -> bool {
        let end = got.total - 1;
        got.first == self.first && got.last == self.last.map_or(end, |last| last.min(end))
    }
}

impl ContentRange {
    /// Number of bytes.
    pub fn size(&self) -> u64 {
        self.last - self.first + 1
    }

    /// What an answer of OSS or OBS holds; `None` is the whole object. They send all that was asked for, and
    /// tell of how much it is.
    pub(crate) fn read(
        status: StatusCode,
        headers: &HeaderMap,
        asked: Option<ByteRange>,
    ) -> Result<Option<Self>, Error> {
        let unexpected =
            |message: String| Error::new(ErrorKind::UnexpectedResponse, message).with_retry(Retry::Never);
        let framing = Framing::read(status, headers, asked).map_err(|error| unexpected(error.to_string()))?;
        if status != StatusCode::PARTIAL_CONTENT {
            return Ok(None);
        }
        let got = framing.end.zip(framing.total);
        let got = got.map(|(end, total)| Self { first: framing.first, last: end - 1, total });
        match got.filter(|got| asked.is_some_and(|asked| asked.is_met_by(*got))) {
            Some(got) => Ok(Some(got)),
            None => Err(unexpected("the answer holds another range than asked for".to_owned())),
        }
    }
}

impl Framing {
    /// Reads the head of an answer with success to a GET. `asked` is the range that was asked for, if one
    /// was.
    ///
    /// # Errors
    ///
    /// [`Contradiction`]: the bytes must not be taken for anything.
    pub fn read(
        status: StatusCode,
        headers: &HeaderMap,
        asked: Option<ByteRange>,
    ) -> Result<Self, Contradiction> {
        let (told, length) = (Told::read(headers), content_length(headers));
        let framing = match status {
            StatusCode::PARTIAL_CONTENT => part(told, length, asked),
            StatusCode::OK | StatusCode::NON_AUTHORITATIVE_INFORMATION => whole(told, length, asked),
            _ => None,
        };
        framing.ok_or_else(|| {
            let header = |name: &HeaderName| {
                let value =
                    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
                value.map(|value| format!(", {name} {:?}", value.chars().take(100).collect::<String>()))
            };
            let asked = asked.map_or_else(
                || "no range was asked for".to_owned(),
                |range| format!("the range from {} was asked for", range.first),
            );
            Contradiction(format!(
                "{}{}{}, and {asked}",
                status.as_u16(),
                header(&CONTENT_RANGE).unwrap_or_default(),
                header(&CONTENT_LENGTH).unwrap_or_default()
            ))
        })
    }
}

/// `Content-Length`, where it counts.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(TRANSFER_ENCODING) {
        return None;
    }
    // One that is sent twice, and says the same, counts once.
    let mut values =
        headers.get_all(CONTENT_LENGTH).iter().flat_map(|value| value.as_bytes().split(|b| *b == b','));
    let length = number(values.next()?)?;
    values.all(|value| number(value) == Some(length)).then_some(length)
}

/// What `Content-Range` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// It is not there.
    Nothing,
    /// `bytes 0-9/10`, or with `*` for the total.
    Part { first: u64, last: u64, total: Option<u64> },
    /// `bytes */10`
    Total(u64),
    /// Something else, or two things.
    Unreadable,
}

impl Told {
    fn read(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(CONTENT_RANGE).iter().map(|value| Self::parse(value.as_bytes()));
        match values.next() {
            None => Self::Nothing,
            Some(first) if values.all(|other| other == first) => first,
            Some(_) => Self::Unreadable,
        }
    }

    fn parse(value: &[u8]) -> Self {
        Self::try_parse(value).unwrap_or(Self::Unreadable)
    }

    fn try_parse(value: &[u8]) -> Option<Self> {
        let (unit, rest) = value.trim_ascii().split_at_checked("bytes".len())?;
        if !unit.eq_ignore_ascii_case(b"bytes") {
            return None;
        }
        let rest = rest
            .strip_prefix(b":")
            .or_else(|| rest.strip_prefix(b"="))
            .or_else(|| rest.first().is_some_and(u8::is_ascii_whitespace).then_some(rest))?;
        let slash = rest.iter().position(|byte| *byte == b'/')?;
        let (range, total) = (rest[..slash].trim_ascii(), rest[slash + 1..].trim_ascii());
        let total = if total == b"*" { None } else { Some(number(total)?) };
        if range == b"*" {
            return total.map(Self::Total);
        }
        let dash = range.iter().position(|byte| *byte == b'-')?;
        let (first, last) = (number(&range[..dash])?, number(&range[dash + 1..])?);
        (first <= last && last < u64::MAX && total.is_none_or(|total| last < total)).then_some(Self::Part {
            first,
            last,
            total,
        })
    }
}

/// Digits, and nothing else.
fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn part(told: Told, length: Option<u64>, asked: Option<ByteRange>) -> Option<Framing> {
    let (Told::Part { first, last, total }, Some(asked)) = (told, asked) else { return None };
    let is_asked_for = first == asked.first && asked.last.is_none_or(|asked| last <= asked);
    let is_as_long = length.is_none_or(|length| length == last - first + 1);
    (is_asked_for && is_as_long).then_some(Framing { first, end: Some(last + 1), total })
}

fn whole(told: Told, length: Option<u64>, asked: Option<ByteRange>) -> Option<Framing> {
    let total = match told {
        Told::Nothing => {
            let may_be_the_part = length.is_some() && asked.and_then(ByteRange::size) == length;
            return (!may_be_the_part).then_some(Framing { first: 0, end: length, total: length });
        }
        // It means nothing beside this status, so it says nothing against a whole object either.
        Told::Unreadable => {
            return asked.is_none().then_some(Framing { first: 0, end: length, total: length });
        }
        Told::Part { first: 0, last, total: Some(total) } if total == last + 1 => total,
        Told::Total(total) => total,
        Told::Part { .. } => return None,
    };
    length.is_none_or(|length| length == total).then_some(Framing {
        first: 0,
        end: Some(total),
        total: Some(total),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(range: &str, length: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [(CONTENT_RANGE, range), (CONTENT_LENGTH, length)] {
            if !value.is_empty() {
                headers.insert(name, HeaderValue::from_str(value).expect("a value"));
            }
        }
        headers
    }

    fn read(asked: Option<ByteRange>, text: &str, length: u64) -> Result<Option<ContentRange>, Error> {
        let headers = headers(text, &length.to_string());
        ContentRange::read(StatusCode::PARTIAL_CONTENT, &headers, asked)
    }

    const FIRST_TEN: Option<ByteRange> = Some(ByteRange { first: 0, last: Some(9) });

    fn framing(status: u16, asked: Option<ByteRange>, range: &str, length: &str) -> Option<Framing> {
        let status = StatusCode::from_u16(status).expect("a status");
        Framing::read(status, &headers(range, length), asked).ok()
    }

    #[test]
    fn a_part_of_a_store_must_be_the_one_asked_for() {
        let from_ten = |last| Some(ByteRange { first: 10, last });
        for (asked, text, length) in [
            (from_ten(Some(19)), "bytes 10-19/100", 10),
            (from_ten(Some(200)), "bytes 10-99/100", 90),
            (from_ten(None), "bytes 10-99/100", 90),
        ] {
            assert!(read(asked, text, length).is_ok_and(|range| range.is_some()), "{text}");
        }
        for (asked, text, length) in [
            (None, "bytes 10-19/100", 10),
            (from_ten(Some(19)), "bytes 11-19/100", 9),
            (from_ten(Some(19)), "bytes 10-18/100", 9),
            (from_ten(Some(19)), "bytes 10-20/100", 11),
            (from_ten(Some(19)), "bytes 10-19/100", 9),
            (from_ten(None), "bytes 10-98/100", 89),
            (from_ten(None), "bytes 10-99/*", 90),
            (from_ten(None), "bytes 10-9/100", 0),
            (from_ten(None), "bytes 10-99/99", 90),
            (from_ten(None), "10-99/100", 90),
            (from_ten(None), "", 90),
        ] {
            let error = read(asked, text, length).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
        }
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_refused() {
        assert!(ByteRange { first: 1, last: Some(0) }.header().is_err());
        let one = ByteRange { first: 0, last: Some(0) }.header().expect("one byte");
        assert_eq!(one, "bytes=0-0");
    }

    #[test]
    fn parts_are_read_in_every_form_that_servers_write() {
        for text in [
            "bytes 0-9/20",
            "Bytes 0-9/20",
            "BYTES  0-9/20",
            "bytes: 0-9/20",
            "bytes=0-9/20",
            " bytes 0 - 9 / 20 ",
        ] {
            let expected = Framing { first: 0, end: Some(10), total: Some(20) };
            assert_eq!(framing(206, FIRST_TEN, text, "10"), Some(expected), "{text:?}");
        }
        let open = Framing { first: 0, end: Some(10), total: None };
        assert_eq!(framing(206, FIRST_TEN, "bytes 0-9/*", ""), Some(open));
        // Servers may send less than was asked for.
        assert_eq!(framing(206, FIRST_TEN, "bytes 0-4/20", "5").and_then(|framing| framing.end), Some(5));
    }

    #[test]
    fn parts_that_contradict_themselves_or_the_request_are_none() {
        for (asked, range, length) in [
            (None, "bytes 0-9/20", "10"),
            (FIRST_TEN, "", "10"),
            (FIRST_TEN, "bytes 0-9/20", "20"),
            (FIRST_TEN, "bytes 0-9/20", "9"),
            (FIRST_TEN, "bytes 0-19/20", "20"),
            (FIRST_TEN, "bytes 1-9/20", "9"),
            (FIRST_TEN, "bytes 0-9/5", "10"),
            (FIRST_TEN, "bytes */20", "10"),
            (FIRST_TEN, "bytes +0-+9/20", "10"),
            (FIRST_TEN, "bytes 0-9", "10"),
            (FIRST_TEN, "items 0-9/20", "10"),
            (FIRST_TEN, "bytes0-9/20", "10"),
            (FIRST_TEN, "bytes 0-18446744073709551615/*", ""),
        ] {
            assert_eq!(framing(206, asked, range, length), None, "{range:?} {length:?}");
        }
        let mut two = headers("bytes 0-9/20", "10");
        two.append(CONTENT_RANGE, HeaderValue::from_static("bytes 0-9/30"));
        assert!(Framing::read(StatusCode::PARTIAL_CONTENT, &two, FIRST_TEN).is_err());
    }

    #[test]
    fn a_whole_object_does_not_call_itself_a_part() {
        let all = |length| Some(Framing { first: 0, end: length, total: length });
        for (asked, range, length, expected) in [
            (None, "", "20", all(Some(20))),
            (None, "", "", all(None)),
            (FIRST_TEN, "", "20", all(Some(20))),
            (FIRST_TEN, "", "5", all(Some(5))),
            (FIRST_TEN, "bytes 0-19/20", "20", all(Some(20))),
            (FIRST_TEN, "bytes 0-19/20", "", all(Some(20))),
            (None, "bytes */20", "20", all(Some(20))),
            (None, "none", "20", all(Some(20))),
            (FIRST_TEN, "", "10", None),
            (FIRST_TEN, "bytes 0-9/20", "10", None),
            (None, "bytes 0-9/20", "10", None),
            (None, "bytes 0-9/*", "10", None),
            (None, "bytes 10-19/20", "10", None),
            (None, "bytes 0-19/20", "19", None),
            (FIRST_TEN, "none", "20", None),
        ] {
            assert_eq!(framing(200, asked, range, length), expected, "{asked:?} {range:?} {length:?}");
        }
        // Successes that hold no object.
        for status in [201, 202, 204, 205, 207, 226] {
            assert_eq!(framing(status, None, "", "20"), None, "{status}");
        }
    }

    #[test]
    fn a_length_counts_once_and_not_beside_a_transfer_encoding() {
        let mut headers = headers("", "5, 5");
        assert_eq!(content_length(&headers), Some(5));
        headers.append(CONTENT_LENGTH, HeaderValue::from_static("6"));
        assert_eq!(content_length(&headers), None);
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("+5"));
        assert_eq!(content_length(&headers), None);
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("5"));
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        assert_eq!(content_length(&headers), None);
    }
}
