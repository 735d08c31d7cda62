//! Hosts: thin layers that determine credentials and time budget, call the pipeline and translate its report.

pub(crate) mod access;
pub(crate) mod fc;
pub(crate) mod function;
pub(crate) mod lambda;
