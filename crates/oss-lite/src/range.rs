use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_RANGE};

use crate::{Error, ErrorKind, error::Retry, meta};

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

impl ByteRange {
    pub(crate) fn header(self) -> Result<HeaderValue, Error> {
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

    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let range = Self { first: first.parse().ok()?, last: last.parse().ok()?, total: total.parse().ok()? };
        (range.first <= range.last && range.last < range.total).then_some(range)
    }

    /// What the answer says it holds; `None` is the whole object.
    pub(crate) fn read(
        status: StatusCode,
        headers: &HeaderMap,
        asked: Option<ByteRange>,
        length: u64,
    ) -> Result<Option<Self>, Error> {
        if status != StatusCode::PARTIAL_CONTENT {
            return Ok(None);
        }
        let text = meta::text(headers, CONTENT_RANGE);
        let got = text.as_deref().and_then(Self::parse);
        match (asked, got) {
            (Some(asked), Some(got)) if asked.is_met_by(got) && got.size() == length => Ok(Some(got)),
            _ => {
                let message = format!("the answer holds another range than asked for: {text:?}");
                Err(Error::new(ErrorKind::UnexpectedResponse, message).with_retry(Retry::Never))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(asked: Option<ByteRange>, text: &str, length: u64) -> Result<Option<ContentRange>, Error> {
        let headers = [(CONTENT_RANGE, HeaderValue::from_str(text).expect("a value"))].into_iter().collect();
        ContentRange::read(StatusCode::PARTIAL_CONTENT, &headers, asked, length)
    }

    #[test]
    fn a_part_must_be_the_one_asked_for() {
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
}
