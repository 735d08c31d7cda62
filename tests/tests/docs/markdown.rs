//! Documents: their blocks of code, links and headings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A document.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its path in the repository.
    pub(crate) path: PathBuf,
    pub(crate) blocks: Vec<Block>,
    pub(crate) links: Vec<Link>,
    /// What `#…` may name in it, as GitHub makes it of the headings.
    pub(crate) anchors: BTreeSet<String>,
}

/// A block of code.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// `file:line` of its beginning, for messages.
    pub(crate) place: String,
    /// The words of its info string; none in an indented block.
    pub(crate) info: Vec<String>,
    pub(crate) text: String,
}

/// A link or an image.
#[derive(Debug)]
pub(crate) struct Link {
    /// `file:line`, for messages.
    pub(crate) place: String,
    pub(crate) target: String,
}

impl Block {
    /// Whether its info string is exactly this.
    pub(crate) fn is(&self, info: &str) -> bool {
        self.info.join(" ") == info
    }

    /// Whether its language is this.
    pub(crate) fn is_in(&self, language: &str) -> bool {
        self.info.first().is_some_and(|first| first == language)
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// All documents of the repository.
pub(crate) fn documents() -> Vec<Document> {
    let root = root();
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    paths.iter().map(|path| read(path.strip_prefix(&root).unwrap())).collect()
}

/// One document, by its path in the repository.
pub(crate) fn read(path: &Path) -> Document {
    let text = std::fs::read_to_string(root().join(path));
    parse(path, &text.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        let made = ["target", "node_modules", ".git"].iter().any(|made| name == *made);
        if entry.file_type().unwrap().is_dir() && !made {
            collect(&entry.path(), paths);
        } else if entry.path().extension().is_some_and(|extension| extension == "md") {
            paths.push(entry.path());
        }
    }
}

pub(crate) fn parse(path: &Path, text: &str) -> Document {
    let place = |offset: usize| {
        let line = text[..offset].matches('\n').count() + 1;
        format!("{}:{line}", path.display())
    };
    let (mut blocks, mut links, mut anchors) = (Vec::<Block>::new(), Vec::new(), Anchors::default());
    let (mut in_block, mut heading) = (false, None::<String>);
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.split_whitespace().map(str::to_owned).collect(),
                    CodeBlockKind::Indented => Vec::new(),
                };
                blocks.push(Block { place: place(range.start), info, text: String::new() });
                in_block = true;
            }
            Event::End(TagEnd::CodeBlock) => in_block = false,
            Event::Text(words) if in_block => blocks.last_mut().unwrap().text.push_str(&words),
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => anchors.add(&heading.take().unwrap()),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                links.push(Link { place: place(range.start), target: dest_url.into_string() });
            }
            Event::Text(words) | Event::Code(words) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&words);
                }
            }
            _ => {}
        }
    }
    Document { path: path.to_owned(), blocks, links, anchors: anchors.names }
}

#[derive(Default)]
struct Anchors {
    names: BTreeSet<String>,
    seen: BTreeMap<String, usize>,
}

impl Anchors {
    /// By the rule of GitHub: lower case, no punctuation, hyphens for blanks, a number where a name is there
    /// already.
    fn add(&mut self, heading: &str) {
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        let name: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let before = self.seen.entry(name.clone()).or_default();
        self.names.insert(if *before == 0 { name } else { format!("{name}-{before}") });
        *before += 1;
    }
}

#[test]
fn a_document_is_taken_apart() {
    let text = "# `a.py` and B?\n\n## Twice\n## Twice\n\n1. step\n   ```sh no-run\n   x\n   ```\n\n[l](../b.md#c)\n\n    indented\n";
    let document = parse(Path::new("docs/a.md"), text);
    assert_eq!(document.anchors, ["apy-and-b", "twice", "twice-1"].map(str::to_owned).into());
    let blocks: Vec<_> =
        document.blocks.iter().map(|block| (&*block.place, block.info.join(" "), &*block.text)).collect();
    assert_eq!(blocks[0], ("docs/a.md:7", "sh no-run".to_owned(), "x\n"));
    assert_eq!(blocks[1], ("docs/a.md:13", String::new(), "indented\n"));
    assert_eq!((&*document.links[0].place, &*document.links[0].target), ("docs/a.md:11", "../b.md#c"));
}
