//! They run on a file of SQLite, or in databases of their own on the server that `DESK_TEST_MYSQL` names.

mod errors;
mod faults;
mod files;
mod proxy;
mod races;
mod reading;
mod rows;
mod schema;
mod urls;
pub(crate) mod world;

use std::sync::atomic::{AtomicU8, Ordering};

use self::world::World;
use super::*;
use crate::entry::{Arrival, Forward, Md5State, UploadState};

const NOW: Millis = 1_790_000_000_000;

/// A row as it is when an upload is allowed. No two have the same id; later ones have greater ones.
fn pending(name: &str) -> Entry {
    static COUNT: AtomicU8 = AtomicU8::new(0);
    at(NOW + i64::from(COUNT.fetch_add(1, Ordering::Relaxed)), name)
}

fn at(moment: Millis, name: &str) -> Entry {
    let mut random = [0; 10];
    fastrand::fill(&mut random);
    Entry {
        id: Id::new(moment, random),
        name: name.to_owned(),
        key: format!("uploads/eric/{name}"),
        ext: "jpg".into(),
        md5: None,
        md5_state: Md5State::Declared,
        creator: "eric".into(),
        bucket: "photos".into(),
        size: 3,
        content_type: None,
        etag: None,
        state: UploadState::Pending,
        forward: Forward::Waiting,
        note: None,
        source_url: None,
        multipart: None,
        created_at: moment,
        updated_at: moment,
        expires_at: Some(moment + 1000),
        due_at: Some(moment + 61_000),
        checks: 0,
        revision: 0,
    }
}

fn stored(moment: Millis, name: &str) -> Entry {
    let mut entry = at(moment, name);
    entry.record_arrival(Arrival { etag: Some("X-1".into()), size: 3, ..Arrival::default() }, moment);
    entry
}

fn md5() -> Md5 {
    Md5::from_hex("900150983cd24fb0d6963f7d28e17f72").unwrap()
}

/// What becomes of a row by a put.
fn next(entry: &Entry) -> Entry {
    Entry { revision: entry.revision + 1, ..entry.clone() }
}
