//! Reads two settings from the environment and reports everything that is wrong with them at once:
//! `WORKERS=many BUCKET=oss://photos/ cargo run -p settings --example read`.

use std::env;

use oss_lite::{BucketName, Dialect};
use settings::setting::{Unset, text};
use settings::{ConfigError, Reader, Spec, Values, lenient, parse};

settings::table! {
    /// The settings of this program.
    static TABLE;
    WORKERS: u32 = |text| parse::number(text, 1..=64), Spec { unset: Unset::Is(text("4", "4")), ..Spec::BASE };
    BUCKET: BucketName = |text| lenient::bucket(text, Dialect::Oss), Spec::BASE;
}

fn read() -> Result<(u32, BucketName), ConfigError> {
    let mut values = Values::default();
    for spec in TABLE {
        values.set(spec, &env::var(spec.name).unwrap_or_default());
    }
    let mut reader = Reader::new(values);
    let workers = reader.get(&WORKERS).unwrap_or(4);
    let bucket = reader.need(&BUCKET);
    reader.finish(bucket.map(|bucket| (workers, bucket)))
}

fn main() {
    match read() {
        Ok((workers, bucket)) => println!("{workers} workers for the bucket {bucket}"),
        Err(problems) => println!("{problems}"),
    }
}
