//! Who may depend on whom, asked of cargo itself.

#[cfg(test)]
mod tests;
