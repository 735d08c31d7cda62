//! Who may depend on whom, asked of cargo itself.

#[cfg(test)]
mod documents;
#[cfg(test)]
mod tests;
