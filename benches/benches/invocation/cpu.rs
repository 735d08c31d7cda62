//! Which CPU does what.

use std::io;

use rustix::process::nice;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The CPU of the servers under measurement: they see one CPU, as a small function does.
pub(crate) const MEASURED: usize = 0;

/// The CPU of load and sinks.
pub(crate) const LOAD: usize = 1;

/// Binds this thread, and what it starts from now on, to one CPU.
pub(crate) fn pin(cpu: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(sched_setaffinity(None, &set)?)
}

/// Whether there is a CPU for either side.
pub(crate) fn two_available() -> io::Result<bool> {
    let available = sched_getaffinity(None)?;
    Ok(available.is_set(MEASURED) && available.is_set(LOAD))
}

/// Asks to go before other programs of this machine, and gives the niceness reached.
pub(crate) fn take_precedence() -> i32 {
    nice(-20).or_else(|_| nice(0)).unwrap_or_default()
}
