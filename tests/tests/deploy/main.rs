//! `s.yaml` against the schema of the deploy tool, and against what the platform's documentation says.
//!
//! The tool validates at debug level only and drops what it does not know, so nobody would be told of a mistake.

#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
