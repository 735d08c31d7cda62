//! Two buckets in a local cloud of this process, which are equal or differ in one key of a thousand.

use std::fs;
use std::path::PathBuf;

use bench::{Result, juicefs};
use chrono::{TimeDelta, Utc};
use cloud_twin::{ManualClock, Twin};
use tempfile::TempDir;

pub(crate) const SOURCE: &str = "source";
pub(crate) const MIRROR: &str = "mirror";

/// How the buckets relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sides {
    /// Nothing differs.
    Equal,
    /// One key of a thousand differs, in its content.
    OneOfAThousandDiffers,
}

impl Sides {
    fn differs(self, number: usize) -> bool {
        match self {
            Self::Equal => false,
            Self::OneOfAThousandDiffers => number.is_multiple_of(1000),
        }
    }
}

/// The service of the source; the destination is OBS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Oss,
    Obs,
}

pub(crate) struct Scene {
    pub(crate) twin: Twin,
    pub(crate) from: From,
    pub(crate) keys: usize,
    sides: Sides,
    folder: TempDir,
}

impl Scene {
    /// With `by_names` the services listen where `juicefs` looks for them.
    pub(crate) async fn fill(from: From, keys: usize, sides: Sides, by_names: bool) -> Result<Self> {
        // What is old needs no second look.
        let clock = ManualClock::new(Utc::now() - TimeDelta::hours(1));
        let mut config = Twin::builder().clock(clock.clone());
        if by_names {
            config = config.oss_addr(juicefs::OSS).obs_addr(juicefs::OBS);
        }
        let twin = config.start().await?;
        for number in 0..keys {
            let key = format!("photos/{:02}/image-{number:08}.jpg", number % 12);
            let other = sides.differs(number);
            match from {
                From::Oss => twin.oss().put(SOURCE, &key, "photo"),
                From::Obs => twin.obs().put(SOURCE, &key, "photo"),
            }
            twin.obs().put(MIRROR, &key, if other { "other" } else { "photo" });
        }
        clock.set(Utc::now());
        Ok(Self { twin, from, keys, sides, folder: tempfile::tempdir()? })
    }

    pub(crate) fn requests(&self) -> u64 {
        self.twin.stats().requests.iter().map(|requests| requests.count).sum()
    }

    /// A folder for the programs.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Keys that differ.
    pub(crate) fn differences(&self) -> usize {
        (0..self.keys).filter(|number| self.sides.differs(*number)).count()
    }

    /// Whether the last report of the product has each key, and each difference.
    pub(crate) fn check(&self) -> Result<()> {
        let report = fs::read_to_string(self.file("product.txt"))?;
        let different = report.lines().filter(|line| line.starts_with("* ")).count();
        let equal = report.lines().filter(|line| line.starts_with("= ")).count();
        let wanted = self.differences();
        if (different, equal) == (wanted, self.keys - wanted) {
            Ok(())
        } else {
            Err(format!("{different} different and {equal} equal, and {wanted} of {} differ", self.keys)
                .into())
        }
    }
}
