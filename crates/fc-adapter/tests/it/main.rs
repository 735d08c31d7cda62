//! The adapter from outside: over real HTTP on loopback, and as a process.

#[cfg(test)]
mod admission;
#[cfg(test)]
mod common;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod http_hook;
#[cfg(test)]
mod invocations;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod log_markers;
#[cfg(test)]
#[cfg(unix)]
mod process;
#[cfg(test)]
mod room;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod same_bounds;
