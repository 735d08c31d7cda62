//! Hosts: thin layers that find credentials and the time budget, call the pipeline and translate its report.

pub(crate) mod access;
pub(crate) mod fc;
pub(crate) mod function;
pub(crate) mod lambda;
pub(crate) mod send;
