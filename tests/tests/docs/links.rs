//! Every relative link leads to a file of the repository, and its fragment to a heading.

use std::path::{Component, Path, PathBuf};

use crate::markdown::{Document, Link, documents, read, root};

/// Resolves `.` and `..` by their names; `None` where that leads out of the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir if !normal.pop() => return None,
            Component::ParentDir | Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(normal)
}

/// What is wrong with a link, if anything is.
fn fault(document: &Document, link: &Link) -> Option<String> {
    if ["https://", "http://", "mailto:"].iter().any(|scheme| link.target.starts_with(scheme)) {
        return None;
    }
    let (file, fragment) = link.target.split_once('#').unwrap_or((&link.target, ""));
    let folder = document.path.parent().unwrap();
    let path = if file.is_empty() { Some(document.path.clone()) } else { normal(&folder.join(file)) };
    let Some(path) = path.filter(|path| *path == document.path || root().join(path).exists()) else {
        return Some(format!("{}: {} leads to no file", link.place, link.target));
    };
    let is_there = match path.extension() {
        _ if fragment.is_empty() => true,
        _ if path == document.path => document.anchors.contains(fragment),
        Some(extension) if extension == "md" => read(&path).anchors.contains(fragment),
        _ => false,
    };
    (!is_there).then(|| format!("{}: {} leads to no heading", link.place, link.target))
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    let links = documents.iter().flat_map(|document| document.links.iter().map(move |link| (document, link)));
    let faults: Vec<_> = links.filter_map(|(document, link)| fault(document, link)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let text = "# Here\n[1](#here) [2](deploy.md#five-steps-to-function-compute) [3](../s.yaml) [4](https://example.com/)\n\
                [5](#there) [6](gone.md) [7](../../outside.md) [8](deploy.md#gone) [9](../s.yaml#here) ![10](gone.png)\n";
    let document = crate::markdown::parse(Path::new("docs/made-up.md"), text);
    let faults: Vec<_> = document.links.iter().map(|link| fault(&document, link).is_some()).collect();
    assert_eq!(faults, [false, false, false, false, true, true, true, true, true, true]);
}

#[test]
fn pages_in_two_languages_name_each_other() {
    for document in documents() {
        let path = document.path.to_str().unwrap();
        let other = match path.strip_suffix(".zh-CN.md") {
            Some(stem) => format!("{stem}.md"),
            None => format!("{}.zh-CN.md", path.strip_suffix(".md").unwrap()),
        };
        if !root().join(&other).exists() {
            assert!(!path.ends_with(".zh-CN.md"), "{path} is there in Chinese only");
            continue;
        }
        let name = Path::new(&other).file_name().unwrap().to_str().unwrap();
        assert!(document.links.iter().any(|link| link.target == name), "{path} does not lead to {other}");
    }
}
