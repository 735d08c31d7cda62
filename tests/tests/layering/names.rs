//! Which module a path leads to: through modules, imports, re-exports and globs, as the compiler would.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path as FilePath, PathBuf};

use crate::source::{Path, Scope, Source};

/// The modules of one crate.
#[derive(Debug, Default)]
pub(crate) struct Crate {
    /// By path, `["a", "b"]`; the root is the empty path.
    modules: BTreeMap<Path, Module>,
    /// Every file, by its path from the folder of the crate's source.
    pub(crate) files: BTreeMap<PathBuf, Source>,
}

#[derive(Debug)]
struct Module {
    scope: Scope,
    file: PathBuf,
}

/// One module that names another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reference {
    pub(crate) from: Path,
    pub(crate) to: Path,
    /// File, line, and the path that is there.
    pub(crate) place: String,
}

/// What a path leads to.
enum Target {
    Module(Path),
    /// Something in this module.
    Item(Path),
}

/// A chain of imports longer than this goes in a circle.
const DEPTH: usize = 32;

impl Crate {
    /// Reads a crate from its root file on: `main` is `lib.rs` or its like.
    pub(crate) fn read(main: &FilePath) -> Self {
        let folder = main.parent().unwrap();
        let root = PathBuf::from(main.file_name().unwrap());
        Self::from_files(root, &|file| fs::read_to_string(folder.join(file)).ok())
    }

    /// Reads a crate whose files `text` has.
    pub(crate) fn from_files(root: PathBuf, text: &dyn Fn(&FilePath) -> Option<String>) -> Self {
        let mut this = Self::default();
        this.file(root, FilePath::new(""), Path::new(), false, text);
        this
    }

    /// Reads `file`, which is the module `path`; its own modules are in `folder`.
    fn file(
        &mut self,
        file: PathBuf,
        folder: &FilePath,
        path: Path,
        of_tests: bool,
        text: &dyn Fn(&FilePath) -> Option<String>,
    ) {
        let content = text(&file).unwrap_or_else(|| panic!("no file {}", file.display()));
        let mut source = Source::read(&content);
        if of_tests {
            source.of_tests = source.code.clone();
        }
        for declared in &source.scope.files {
            let of_tests = of_tests || declared.of_tests;
            let below = folder.join(&declared.name);
            let as_file = folder.join(format!("{}.rs", declared.name));
            let child = if text(&as_file).is_some() { as_file } else { below.join("mod.rs") };
            let path = [path.clone(), vec![declared.name.clone()]].concat();
            self.file(child, &below, path, of_tests, text);
        }
        if !of_tests {
            self.add(std::mem::take(&mut source.scope), path, &file);
        }
        self.files.insert(file, source);
    }

    fn add(&mut self, mut scope: Scope, path: Path, file: &FilePath) {
        for (name, inner) in std::mem::take(&mut scope.inline) {
            self.add(inner, [path.clone(), vec![name]].concat(), file);
        }
        self.modules.insert(path, Module { scope, file: file.to_owned() });
    }

    /// The names of the modules that the root declares.
    pub(crate) fn top_level(&self) -> Vec<&str> {
        self.modules.keys().filter(|path| path.len() == 1).map(|path| &*path[0]).collect()
    }

    /// Where each type and trait is declared, those of tests apart: file and line, by name.
    pub(crate) fn types(&self) -> BTreeMap<&str, BTreeSet<String>> {
        let mut found = BTreeMap::<&str, BTreeSet<String>>::new();
        for module in self.modules.values() {
            for (name, line) in &module.scope.types {
                found.entry(name).or_default().insert(format!("{}:{line}", module.file.display()));
            }
        }
        found
    }

    /// Everything in a module that names another module of the crate.
    pub(crate) fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        for (from, module) in &self.modules {
            for (path, line) in &module.scope.references {
                let Some(Target::Module(to) | Target::Item(to)) = self.resolve(from, path, 0) else {
                    continue;
                };
                if to != *from {
                    let place = format!("{}:{line} {}", module.file.display(), path.join("::"));
                    found.push(Reference { from: from.clone(), to, place });
                }
            }
        }
        found
    }

    /// What the modules below the root name of another crate: the top-level module, and the path within that
    /// crate.
    pub(crate) fn taken_from(&self, other: &str) -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for (module, Module { scope, .. }) in &self.modules {
            let Some(top) = module.first() else { continue };
            let paths = scope.references.iter().map(|(path, _)| path);
            for path in paths.filter(|path| path[0] == other && self.resolve(module, path, 0).is_none()) {
                found.insert((top.clone(), path[1..].join("::")));
            }
        }
        found
    }

    /// Where `path` leads from `module`; none for what is not of this crate.
    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        if depth > DEPTH {
            return None;
        }
        match &**first {
            "" => None,
            "crate" => Some(self.walk(&[], rest, depth)),
            "self" => Some(self.walk(module, rest, depth)),
            "super" => {
                let above = module.split_last()?.1;
                // `super::super::a` goes on from there.
                if rest.first().is_some_and(|next| next == "super") {
                    return self.resolve(above, rest, depth + 1);
                }
                Some(self.walk(above, rest, depth))
            }
            name => self.enter(module, name, rest, depth),
        }
    }

    /// Goes on from a module of this crate.
    fn walk(&self, module: &[String], rest: &[String], depth: usize) -> Target {
        let Some((name, after)) = rest.split_first() else { return Target::Module(module.to_vec()) };
        self.enter(module, name, after, depth).unwrap_or_else(|| Target::Item(module.to_vec()))
    }

    /// Looks `name` up in `module` and goes on from there; none if it is not known to be there.
    fn enter(&self, module: &[String], name: &str, rest: &[String], depth: usize) -> Option<Target> {
        let child = [module, &[name.to_owned()]].concat();
        if self.modules.contains_key(&child) {
            return Some(self.walk(&child, rest, depth));
        }
        let scope = &self.modules.get(module)?.scope;
        for import in scope.imports.get(name).into_iter().flatten() {
            // An import of a crate by its own name.
            if import.len() == 1 && import[0] == name {
                continue;
            }
            match self.resolve(module, import, depth + 1) {
                Some(Target::Module(target)) => return Some(self.walk(&target, rest, depth + 1)),
                Some(item) => return Some(item),
                None => {}
            }
        }
        if scope.items.contains(name) {
            return Some(Target::Item(module.to_vec()));
        }
        scope.globs.iter().find_map(|glob| match self.resolve(module, glob, depth + 1) {
            Some(Target::Module(target)) if target != module => self.enter(&target, name, rest, depth + 1),
            _ => None,
        })
    }
}
