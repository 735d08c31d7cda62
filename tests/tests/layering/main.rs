//! Who may depend on whom: members of the workspace, asked of cargo itself; modules of a crate, read from the
//! source.
//!
//! | module | job |
//! |---|---|
//! | `tests` | members of the workspace and their libraries |
//! | `modules` | the rules for the modules of every crate, and for sizes and comments |
//! | `source` | reading a file: its modules, imports, paths, lines of code |
//! | `names` | which module a path leads to, through imports and re-exports |
//! | `arrows` | which module names which; cycles |
//! | `allowed` | the tables in `allowed/`: which module may name which |
//! | `documents` | paths, crates and constants that the documents of maintainers name |
//! | `checker` | the check itself, on small made-up sources |

#[cfg(test)]
mod allowed;
#[cfg(test)]
mod arrows;
#[cfg(test)]
mod checker;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod modules;
#[cfg(test)]
mod names;
#[cfg(test)]
mod source;
#[cfg(test)]
mod tests;
