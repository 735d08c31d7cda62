//! The little XML the object services need: escaping, element writing, and the leaves of a request document.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

/// Escapes text content. Control characters become character references, as XML 1.0 cannot hold them raw.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => out.extend(["&#", &u32::from(c).to_string(), ";"]),
            c => out.push(c),
        }
    }
    out
}

/// A document under construction.
#[derive(Debug)]
pub(crate) struct Document {
    text: String,
    root: &'static str,
}

impl Document {
    pub(crate) fn new(root: &'static str, namespace: Option<&str>) -> Self {
        let attribute = namespace.map(|uri| format!(" xmlns=\"{uri}\"")).unwrap_or_default();
        Self { text: format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}{attribute}>"), root }
    }

    pub(crate) fn leaf(&mut self, name: &str, value: &str) -> &mut Self {
        self.text.extend(["<", name, ">", &escape(value), "</", name, ">"]);
        self
    }

    pub(crate) fn group(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.text.extend(["<", name, ">"]);
        fill(self);
        self.text.extend(["</", name, ">"]);
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.text.push_str(&escape(value));
        self
    }

    pub(crate) fn finish(self) -> String {
        self.text + "</" + self.root + ">"
    }
}

/// An element of a request document, with its text exactly as sent (blanks included).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Node {
    Open(String),
    Close { name: String, text: String },
}

/// A document that is no XML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MalformedXml;

/// The elements of a request document in order.
pub(crate) fn parse(document: &[u8]) -> Result<Vec<Node>, MalformedXml> {
    let document = std::str::from_utf8(document).map_err(|_| MalformedXml)?;
    let mut reader = Reader::from_str(document);
    let mut nodes = Vec::new();
    let mut text = String::new();
    let mut depth = 0_usize;
    loop {
        match reader.read_event().map_err(|_| MalformedXml)? {
            Event::Start(start) => {
                text.clear();
                depth += 1;
                nodes.push(Node::Open(start.local_name().as_ref().to_owned()));
            }
            Event::Empty(empty) => {
                let name = empty.local_name().as_ref().to_owned();
                nodes.push(Node::Open(name.clone()));
                nodes.push(Node::Close { name, text: String::new() });
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                let name = end.local_name().as_ref().to_owned();
                nodes.push(Node::Close { name, text: std::mem::take(&mut text) });
            }
            Event::Text(content) => text.push_str(&content.xml10_content()),
            Event::CData(content) => text.push_str(&content),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => text.push(character),
                Ok(None) => {
                    text.push_str(resolve_predefined_entity(&reference).ok_or(MalformedXml)?);
                }
                Err(_) => return Err(MalformedXml),
            },
            Event::Eof if depth == 0 && !nodes.is_empty() => return Ok(nodes),
            Event::Eof => return Err(MalformedXml),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(document: &str) -> Vec<(String, String)> {
        let nodes = parse(document.as_bytes()).unwrap();
        nodes
            .into_iter()
            .filter_map(|node| match node {
                Node::Close { name, text } => Some((name, text)),
                Node::Open(_) => None,
            })
            .collect()
    }

    #[test]
    fn text_keeps_blanks_entities_and_character_references() {
        let nodes = texts("<?xml version=\"1.0\"?>\n<a>\n <k> x &amp; &#x1; y </k><k/></a>");
        assert_eq!(nodes[0], ("k".to_owned(), " x & \u{1} y ".to_owned()));
        assert_eq!(nodes[1], ("k".to_owned(), String::new()));
    }

    #[test]
    fn what_is_escaped_reads_back_the_same() {
        let key = "<a>&\"'\u{1}\u{7f} 目";
        assert_eq!(texts(&format!("<k>{}</k>", escape(key)))[0].1, key);
    }

    #[test]
    fn broken_documents_are_refused() {
        for document in ["", "<a>", "<a></b>", "text", "<a>&nope;</a>"] {
            assert!(parse(document.as_bytes()).is_err(), "{document}");
        }
    }
}
