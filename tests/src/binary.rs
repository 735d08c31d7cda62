//! The binary under test.

use std::env;
use std::ffi::OsString;

/// Path of the `oms-bridge` binary that cargo has built together with the test that runs.
///
/// Cargo tells it to integration tests of the package the binary belongs to, which is why the test target
/// `e2e` is one of `oms-bridge`, although it lives here.
pub fn binary() -> OsString {
    let names = ["CARGO_BIN_EXE_oms-bridge", "NEXTEST_BIN_EXE_oms-bridge"];
    names
        .into_iter()
        .find_map(env::var_os)
        .expect("run the tests through cargo: cargo test -p oms-bridge --test e2e")
}
