//! Listings of servers that speak as S3 does, each in its way; keys of dots.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use e2e::web::{WebReply, WebRequest, WebServer};
use e2e::{Finished, OmsBridge};
use percent_encoding::percent_decode_str;

/// What a server makes of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// As `s3s-fs` 0.14.1 does: says that keys are encoded when asked for it, and sends them as they are.
    ClaimsOnly,
    /// As AWS does.
    Encodes,
    /// As servers in Go do: what XML does not take becomes U+FFFD, unless keys are asked for encoded.
    Replaces,
    /// Takes no notice of the question, and never says that it encoded.
    Plain,
    /// As `LocalStack` 4.12 does: the token leads nowhere when keys are asked for encoded.
    LosesEncoded,
    /// The token of the second page leads to nothing, whatever is asked for; `start-after` works.
    LosesTokens,
    /// The token leads back to the first page.
    GoesBack,
}

struct Site {
    keys: Vec<&'static str>,
    habit: Habit,
    /// Keys on a page.
    page: usize,
}

fn escaped(key: &str) -> String {
    let reference = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        c if c.is_control() => format!("&#x{:x};", u32::from(c)),
        c => c.to_string(),
    };
    key.chars().map(reference).collect()
}

fn encoded(key: &str) -> String {
    let one = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'-' | b'_' | b'.' | b'*' | b'/' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    key.bytes().map(one).collect()
}

impl Site {
    fn answer(&self, request: &WebRequest) -> WebReply {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if query.contains("list-type=2") {
            return WebReply::whole(&Bytes::from(self.listing(query)));
        }
        let key = percent_decode_str(path.strip_prefix("/photos/").unwrap()).decode_utf8().unwrap();
        if !self.keys.contains(&&*key) {
            let error = "<Error><Code>NoSuchKey</Code><RequestId>1</RequestId></Error>";
            return WebReply::refused(404, &error.into()).header("x-amz-request-id", "1");
        }
        WebReply::file(request, &Bytes::from(key.to_string())).header("etag", "\"e\"")
    }

    fn listing(&self, query: &str) -> String {
        let parameters: BTreeMap<_, _> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let decoded = |name| {
            parameters.get(name).map(|value| percent_decode_str(value).decode_utf8().unwrap().into_owned())
        };
        let asked = parameters.get("encoding-type") == Some(&"url");
        let mut keys = self.keys.clone();
        keys.sort_unstable();
        let token: Option<usize> = decoded("continuation-token").map(|token| token.parse().unwrap());
        let first = match (token, decoded("start-after")) {
            (Some(_), _) if self.habit == Habit::LosesTokens => keys.len(),
            (Some(_), _) if self.habit == Habit::LosesEncoded && asked => keys.len(),
            (Some(_), _) if self.habit == Habit::GoesBack => 0,
            (Some(token), _) => token,
            (None, Some(after)) => keys.iter().position(|key| **key > *after).unwrap_or(keys.len()),
            (None, None) => 0,
        };
        let end = (first + self.page).min(keys.len());
        let written = |key: &&str| match self.habit {
            Habit::Encodes | Habit::Replaces if asked => encoded(key),
            Habit::Replaces => key.replace(char::is_control, "\u{fffd}"),
            _ => escaped(key),
        };
        let entry = |key: &&str| {
            format!("<Contents><Key>{}</Key><Size>{}</Size></Contents>", written(key), key.len())
        };
        let entries: String = keys[first..end].iter().map(entry).collect();
        let claim = if asked && self.habit != Habit::Plain { "<EncodingType>url</EncodingType>" } else { "" };
        let next = if end < keys.len() {
            format!("<NextContinuationToken>{end}</NextContinuationToken>")
        } else {
            String::new()
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult><KeyCount>{}</KeyCount>\
             <IsTruncated>{}</IsTruncated>{next}{entries}{claim}</ListBucketResult>",
            end - first,
            end < keys.len()
        )
    }
}

async fn copy(site: Site, to: &Path) -> (Finished, Vec<WebRequest>) {
    let site = Arc::new(site);
    let server = WebServer::start(move |request| site.answer(request)).await;
    let settings = server.s3();
    let to = to.to_str().unwrap().to_owned() + "/";
    let arguments = ["copy", "-r", "--json", "s3://photos/", &to];
    let finished = OmsBridge::new(arguments).settings(settings).run().await;
    (finished, server.requests())
}

async fn assert_all(keys: &[&'static str], habit: Habit, page: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (finished, _) = copy(Site { keys: keys.to_vec(), habit, page }, folder.path()).await;
    assert_eq!(finished.code, Some(0), "{habit:?} {finished:?}");
    let result = finished.json();
    assert_eq!(
        (&result["copied"], &result["skipped"]),
        (&keys.len().into(), &0.into()),
        "{habit:?} {result}"
    );
    for key in keys {
        let content = std::fs::read_to_string(folder.path().join(key));
        assert_eq!(content.ok().as_deref(), Some(*key), "{habit:?}");
    }
}

#[tokio::test]
async fn every_key_is_the_one_that_the_server_meant() {
    let keys = ["a b", "a+b", "a%41", "aA", "plain", "测", " lead", "tail "];
    for habit in [Habit::ClaimsOnly, Habit::Encodes, Habit::Replaces, Habit::Plain] {
        assert_all(&keys, habit, 1000).await;
    }
    // Where nothing on a page shows it.
    assert_all(&["a%41", "aA"], Habit::ClaimsOnly, 1000).await;
    assert_all(&["a+b"], Habit::ClaimsOnly, 1000).await;
}

#[tokio::test]
async fn characters_that_xml_does_not_take_are_read_however_they_are_sent() {
    let keys = ["a\u{1}b", "a+b", "line\nfeed", "return\r", "tab\t", "\u{7f}"];
    for habit in [Habit::Encodes, Habit::Replaces, Habit::Plain, Habit::ClaimsOnly] {
        assert_all(&keys, habit, 1000).await;
    }
    // Such a key may be meant.
    assert_all(&["\u{fffd}", "a+b", "a%41"], Habit::ClaimsOnly, 1000).await;
    assert_all(&["\u{fffd}", "a+b", "a%41"], Habit::Encodes, 1000).await;
}

#[tokio::test]
async fn pages_that_lead_nowhere_are_noticed_and_passed_by() {
    let keys = ["date=1", "date=2", "date=3", "date=4", "date=5"];
    for habit in [Habit::LosesEncoded, Habit::LosesTokens, Habit::Encodes] {
        assert_all(&keys, habit, 2).await;
    }
    // By the last key it goes on, and ends.
    assert_all(&keys, Habit::GoesBack, 2).await;
}

#[tokio::test]
async fn segments_of_dots_are_read() {
    // A directory could not hold them, a look at each can.
    let keys = vec!["./c", "a/../b", "a/..", "x/./y"];
    let folder = tempfile::tempdir().unwrap();
    let site = Arc::new(Site { keys: keys.clone(), habit: Habit::Plain, page: 1000 });
    let server = WebServer::start(move |request| site.answer(request)).await;
    let settings = server.s3();
    for (number, key) in keys.iter().enumerate() {
        let to = folder.path().join(number.to_string());
        let arguments = ["copy".to_owned(), format!("s3://photos/{key}"), to.to_str().unwrap().to_owned()];
        let finished = OmsBridge::new(arguments).settings(settings.clone()).run().await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
        assert_eq!(std::fs::read_to_string(to).unwrap(), *key);
    }
    let seen = server.requests();
    assert!(seen.iter().any(|request| request.target.starts_with("/photos/a%2F..%2Fb")), "{seen:?}");
}
