//! The command `desk`: browsers, OSS and the desk, over HTTP.

#[cfg(test)]
mod uploads;
