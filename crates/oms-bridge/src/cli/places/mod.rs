//! SRC and DST of the commands that read or compare objects: how they are written, which service they lie in
//! and what opens it, and what their failures mean.

pub(in crate::cli) mod ends;
pub(in crate::cli) mod globs;
pub(in crate::cli) mod location;
pub(in crate::cli) mod own_files;
pub(in crate::cli) mod services;
