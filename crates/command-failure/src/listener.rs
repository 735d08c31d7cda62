//! Addresses of this machine that cannot be listened on.

use std::error::Error;
use std::{io, iter};

use crate::failure::Failure;

/// The option that moves a listener, and how.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// The option.
    pub by: &'static str,
    /// What to do with it, to go on from "or".
    pub how: &'static str,
}

/// Of the commands that have one listener.
pub const LISTEN: Moved = Moved { by: "--listen", how: "name another address with --listen ADDR:PORT" };

/// A listener that did not start. The message of `error` has its address.
pub fn listener(error: &(dyn Error + 'static), moved: Moved) -> Failure {
    let Moved { by, how } = moved;
    let mut causes = iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    let remedy = match causes.find_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind) {
        Some(io::ErrorKind::AddrInUse) => format!("end the process that listens there, or {how}"),
        Some(io::ErrorKind::AddrNotAvailable) => {
            format!("this machine has no such address: {how}, or 0.0.0.0 for all of its addresses")
        }
        Some(io::ErrorKind::PermissionDenied) => {
            format!("ports below 1024 need the capability CAP_NET_BIND_SERVICE: {how}")
        }
        _ => how.to_owned(),
    };
    Failure::out_of_reach(error).of_setting(by).with_remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_follows_the_reason() {
        for (kind, remedy) in [
            (io::ErrorKind::AddrInUse, "end the process that listens there, or name another address"),
            (io::ErrorKind::AddrNotAvailable, "no such address"),
            (io::ErrorKind::PermissionDenied, "CAP_NET_BIND_SERVICE"),
            (io::ErrorKind::Other, "do: name another address with --listen ADDR:PORT"),
        ] {
            let error = io::Error::new(kind, "cannot listen on 127.0.0.1:1 for the desk: because");
            let told = listener(&error, LISTEN).to_string();
            assert!(told.starts_with("--listen: cannot listen on 127.0.0.1:1 for the desk"), "{told}");
            assert!(told.contains(remedy), "{told}");
        }
    }
}
