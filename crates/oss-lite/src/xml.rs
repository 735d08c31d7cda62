//! Reading the small XML documents of both services: names without namespace, any order, any element
//! optional.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};
use thiserror::Error;

/// Deeper than any document of either service.
const DEEPEST: usize = 16;

/// One step through a document. Paths are relative to the root element, such as `Contents/Key`.
pub(crate) enum Node<'a> {
    /// An element without child elements, with its text.
    Leaf(&'a str, String),
    /// The end of an element that has child elements.
    Close(&'a str),
}

/// Why a document cannot be used: it is none, or not what its root element promises.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct Malformed(Cow<'static, str>);

impl Malformed {
    pub(crate) fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self(what.into())
    }
}

/// Visits the elements below the root in the order in which they end. A document that ends early is refused,
/// after its beginning was visited.
pub(crate) fn read(document: &[u8], root: &str, mut visit: impl FnMut(Node<'_>)) -> Result<(), Malformed> {
    let text = std::str::from_utf8(document).map_err(|_| Malformed::new("the document is not UTF-8"))?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut place = Place::default();
    loop {
        match reader.read_event().map_err(|_| Malformed::new("the document is not well-formed"))? {
            Event::Start(start) => {
                let name = start.local_name().into_inner();
                if place.depth() == 0 && name != root {
                    return Err(Malformed::new("the document has another root element than expected"));
                }
                place.enter(name)?;
            }
            Event::End(_) => {
                if place.depth() > 1 {
                    match place.take_text() {
                        Some(text) => visit(Node::Leaf(place.path(), text)),
                        None => visit(Node::Close(place.path())),
                    }
                }
                place.leave();
                if place.depth() == 0 {
                    return Ok(());
                }
            }
            Event::Text(text) => place.add_text(&text),
            Event::CData(text) => place.add_text(&text),
            Event::GeneralRef(reference) => place.add_reference(&reference)?,
            Event::Eof => return Err(Malformed::new("the document ends early")),
            _ => {}
        }
    }
}

/// Where the reader stands. The root's name is not part of the path.
#[derive(Default)]
struct Place {
    path: String,
    starts: Vec<usize>,
    /// Text of the open element, until a child opens.
    text: Option<String>,
}

impl Place {
    fn depth(&self) -> usize {
        self.starts.len()
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn enter(&mut self, name: &str) -> Result<(), Malformed> {
        if self.depth() == DEEPEST {
            return Err(Malformed::new("the document is nested too deeply"));
        }
        self.starts.push(self.path.len());
        if self.depth() > 1 {
            if !self.path.is_empty() {
                self.path.push('/');
            }
            self.path.push_str(name);
        }
        self.text = Some(String::new());
        Ok(())
    }

    fn leave(&mut self) {
        self.path.truncate(self.starts.pop().unwrap_or(0));
        self.text = None;
    }

    fn take_text(&mut self) -> Option<String> {
        self.text.take()
    }

    fn add_text(&mut self, more: &str) {
        if let Some(text) = &mut self.text {
            text.push_str(more);
        }
    }

    fn add_reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Malformed> {
        let unknown = || Malformed::new("the document has an unknown entity");
        match reference.resolve_char_ref() {
            Ok(Some(character)) => self.add_text(character.encode_utf8(&mut [0; 4])),
            Ok(None) => self.add_text(resolve_xml_entity(reference).ok_or_else(unknown)?),
            Err(_) => return Err(unknown()),
        }
        Ok(())
    }
}

/// Appends text so that a reader gets it back; the text must be free of characters that XML cannot carry.
pub(crate) fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn visited(document: &str) -> Result<Vec<String>, Malformed> {
        let mut seen = Vec::new();
        read(document.as_bytes(), "R", |node| {
            seen.push(match node {
                Node::Leaf(path, text) => format!("{path}={text}"),
                Node::Close(path) => format!("-{path}"),
            });
        })?;
        Ok(seen)
    }

    #[test]
    fn elements_are_visited_with_their_paths() {
        let seen = visited(
            "<?xml version=\"1.0\"?>\n<!-- c --><o:R xmlns:o=\"http://x/\"> <o:A>1</o:A>\n<B><C> a &amp;&#x4e2d;<![CDATA[<]]> \
             </C><D/></B></o:R>",
        );
        let expected = ["A=1", "B/C= a &中< ", "B/D=", "-B"];
        assert_eq!(seen.expect("well-formed"), expected);
    }

    #[test]
    fn broken_documents_are_refused() {
        for document in [
            "",
            "  ",
            "<R>",
            "<R><A>1</A>",
            "<R><A></R>",
            "<R>&bomb;</R>",
            "<S></S>",
            "text",
            "<R",
            "\u{feff}",
        ] {
            assert!(visited(document).is_err(), "{document}");
        }
        assert!(visited(&"<R>".repeat(20)).is_err());
    }

    proptest! {
        #[test]
        fn escaped_text_reads_back(text in "[^\\p{Cc}]*") {
            let mut document = "<R><A>".to_owned();
            escape_into(&mut document, &text);
            document.push_str("</A></R>");
            let seen = visited(&document).expect("well-formed");
            prop_assert_eq!(seen, [format!("A={text}")]);
        }

        #[test]
        fn garbage_never_panics(bytes in any::<Vec<u8>>()) {
            let _ = read(&bytes, "R", |_| {});
        }
    }
}
