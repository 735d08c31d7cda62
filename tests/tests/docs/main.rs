//! Checks the Markdown of the repository: commands are run, or listed with the reason why not; links lead
//! somewhere; samples are what the binary writes.
//!
//! | module | job |
//! |---|---|
//! | `markdown` | documents: their blocks of code, links and headings |
//! | `links` | where links lead |
//! | `blocks` | every block has a language, JSON parses, samples of records have the members of real ones |
//! | `commands` | names in commands: features, targets, scripts, flags; which commands are not run, and why |
//! | `pages` | runs the commands of each page |
//! | `prose` | what prose and tables name: commands, exit codes, settings, lines of the log |
//! | `session` | one page in a shell: the environment, servers in the background, what each block printed |
//! | `world` | the local cloud that pages are run on, and the values that replace the names in them |
//!
//! A block is run unless its info string says `sh no-run`. Blocks of one page share a shell. `json output`
//! and `text output` show what the block before printed.

#[cfg(test)]
mod blocks;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod links;
#[cfg(test)]
mod markdown;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod prose;
#[cfg(test)]
mod session;
#[cfg(test)]
mod world;
