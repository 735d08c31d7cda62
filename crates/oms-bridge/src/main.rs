//! The `oms-bridge` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    oms_bridge::cli::main()
}
