//! Inventories in the place of a side.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args;
use inventory::{Files, Inventory, KeyEncoding, Options, Place, Vendor};
#[cfg(feature = "aws")]
use object_copy::transfer::Source as AnySource;
use object_copy::transfer::{Side as End, Source};
use oss_lite::{BucketName, Dialect};
use reconcile::Side;
use reconcile::listing::{Held, InventoryListing};
use serde::Serialize;
use settings::location;
use settings::text::printable;
use settings::{Invalid, Reader};

use crate::cli::places::ends::Ends;
use crate::cli::places::location::{Location, store_scheme};
use crate::cli::places::services::OpenedService;
use crate::cli::say;
use crate::failure::Failure;
use bridge_config::table::copy::{DEST_ENDPOINT, SOURCE_ENDPOINT};
use bridge_config::table::oss::OSS_ENDPOINT;
use terminal::numbers::counted;

/// How inventories are read.
#[derive(Args)]
pub(super) struct InventoryArgs {
    /// Only keys of the inventory that begin with this; they are compared by what stands behind it.
    #[arg(
        long,
        value_name = "PREFIX",
        default_value = "",
        hide_default_value = true,
        hide_short_help = true
    )]
    inventory_prefix: String,
    /// How keys are encoded in the inventory: `form` (a `+` is a blank), `percent` (a `+` is a `+`) or
    /// `plain`. Default: `percent` in those of OSS, `form` in others.
    #[arg(long, value_name = "FORM", hide_short_help = true)]
    inventory_keys: Option<KeyEncoding>,
}

/// SRC or DST: where it is, and whether an inventory is there that stands for another bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    pub(super) location: Location,
    pub(super) inventory: Option<Place>,
}

impl Argument {
    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        if Place::address(text).is_none() {
            return Ok(Self { location: text.parse()?, inventory: None });
        }
        let place: Place = text.parse()?;
        let location = match &place {
            Place::Store(place) => Location::Store(place.clone()),
            Place::S3(place) => Location::S3(place.clone()),
            Place::Local(path) => Location::Local(path.clone()),
        };
        Ok(Self { location, inventory: Some(place) })
    }

    /// Whose bucket its address names by its scheme, whatever else is wrong with it.
    pub(super) fn scheme(text: &str) -> Option<Dialect> {
        store_scheme(Place::address(text).unwrap_or(text))
    }
}

/// An inventory on this machine, and the bucket that it is of, where the settings say how that is reached.
pub(super) struct LocalInventory {
    pub(super) inventory: Inventory,
    pub(super) bucket: Option<location::Place>,
}

impl LocalInventory {
    /// The inventory of an argument, if it is on this machine. What is wrong with it is a problem.
    pub(super) async fn read(
        r: &mut Reader,
        name: &'static str,
        argument: Option<&Argument>,
    ) -> Option<Self> {
        let place = argument?.inventory.as_ref().filter(|place| matches!(place, Place::Local(_)))?;
        let inventory = Inventory::open(Files::Local, place).await.map_err(Invalid::new);
        let inventory = r.accept(name, inventory)?;
        let bucket = dialect(&inventory).and_then(|dialect| {
            let has_endpoint = match (name, dialect) {
                ("DST", _) => r.is_set(&DEST_ENDPOINT.spec),
                (_, Dialect::Oss) => r.is_set(&SOURCE_ENDPOINT.spec) || r.is_set(&OSS_ENDPOINT.spec),
                (_, Dialect::Obs) => r.is_set(&SOURCE_ENDPOINT.spec),
            };
            bucket(&inventory, dialect).filter(|_| has_endpoint)
        });
        Some(Self { inventory, bucket })
    }
}

/// The service of the bucket that an inventory is of.
fn dialect(inventory: &Inventory) -> Option<Dialect> {
    match inventory.manifest().vendor? {
        Vendor::Oss => Some(Dialect::Oss),
        Vendor::Obs => Some(Dialect::Obs),
        Vendor::S3 | Vendor::Cos => None,
    }
}

/// The bucket that an inventory is of.
fn bucket(inventory: &Inventory, dialect: Dialect) -> Option<location::Place> {
    let bucket = BucketName::parse(&inventory.manifest().source_bucket, dialect).ok()?;
    Some(location::Place { dialect, bucket, prefix: String::new() })
}

/// What opens the bucket of an inventory.
pub(super) struct Access<'a> {
    pub(super) ends: &'a Ends,
    pub(super) end: End,
    pub(super) service: Option<OpenedService>,
    pub(super) s3: Option<Source>,
    pub(super) local: Option<LocalInventory>,
}

impl InventoryArgs {
    /// How keys are encoded, where the arguments say so.
    pub(super) fn key_encoding(&self) -> Option<KeyEncoding> {
        self.inventory_keys
    }

    /// The side that an inventory stands for, and the inventory.
    pub(super) async fn side(&self, place: &Place, access: Access<'_>) -> Result<(Side, Used), Failure> {
        let Access { ends, end, service, s3, local } = access;
        let name = end_name(end);
        let failure = |error: inventory::Error| match error.transfer() {
            Some(failed) => ends.failure_at(Some(end), &failed.clone().at(end)),
            None => Failure::configuration(error).of_setting(name),
        };
        let (inventory, objects) = match (place, service, s3, local) {
            (Place::Local(_), service, _, Some(LocalInventory { inventory, bucket })) => {
                let objects = service.zip(bucket).map(|(service, of)| Source::Store(service.bucket(&of)));
                (inventory, objects)
            }
            (Place::Store(at), Some(service), ..) => {
                let files = Files::Store(service.bucket(at));
                let inventory = Inventory::open(files, place).await.map_err(failure)?;
                // Services write inventories to buckets of the same account and region.
                let of = dialect(&inventory).filter(|dialect| *dialect == at.dialect);
                let of = of.and_then(|dialect| bucket(&inventory, dialect));
                (inventory, of.map(|of| Source::Store(service.bucket(&of))))
            }
            #[cfg(feature = "aws")]
            (Place::S3(_), _, Some(AnySource::S3(at)), _) => {
                let inventory = Inventory::open(Files::S3(at.clone()), place).await.map_err(failure)?;
                let of = inventory.manifest().vendor == Some(Vendor::S3);
                let of = of.then(|| at.sibling(&inventory.manifest().source_bucket).ok()).flatten();
                (inventory, of.map(AnySource::S3))
            }
            // Said with the settings.
            _ => return Err(Failure::internal("an inventory without a service")),
        };
        let used = Used::new(end, &inventory, objects.is_some());
        say(format_args!("{name}: the inventory {} of {}", printable(&used.manifest), used.time()));
        let prefix = self.inventory_prefix.clone();
        let name = format!("inventory:{}", used.manifest);
        let name = if prefix.is_empty() { name } else { format!("{name} below {prefix:?}") };
        let options = Options { key_encoding: self.inventory_keys, ..Options::default() };
        let listing = InventoryListing::new(inventory, options);
        let used = Used { listing: Some(listing.clone()), ..used };
        Ok((Side { name, prefix, listing: Arc::new(listing), objects, own: Vec::new() }, used))
    }
}

fn end_name(end: End) -> &'static str {
    match end {
        End::Source => "SRC",
        End::Destination => "DST",
    }
}

/// An inventory in the place of a side.
#[derive(Clone)]
pub(super) struct Used {
    pub(super) end: End,
    manifest: String,
    taken_at: Option<DateTime<Utc>>,
    /// Whether the bucket that it is of can be asked for single objects.
    pub(super) can_ask: bool,
    listing: Option<InventoryListing>,
}

/// The same, as `--json` prints it.
#[derive(Serialize)]
pub(super) struct JsonInventory {
    argument: &'static str,
    manifest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_at: Option<DateTime<Utc>>,
    rows: u64,
    old_versions: u64,
    delete_markers: u64,
    duplicates: u64,
    unreadable_times: u64,
}

impl Used {
    fn new(end: End, inventory: &Inventory, can_ask: bool) -> Self {
        Self { end, manifest: inventory.address(), taken_at: inventory.taken_at(), can_ask, listing: None }
    }

    fn time(&self) -> String {
        match self.taken_at {
            Some(time) => time.format("%Y-%m-%d %H:%M UTC").to_string(),
            None => "an unknown time".to_owned(),
        }
    }

    /// Requests that finding it took.
    pub(super) fn requests(&self) -> u64 {
        self.listing.as_ref().map_or(0, |listing| listing.inventory().requests())
    }

    /// Requests that its files take.
    pub(super) fn files_in_bucket(&self) -> u64 {
        let inventory = self.listing.as_ref().map(InventoryListing::inventory);
        let in_bucket = inventory.filter(|inventory| !inventory.is_local());
        in_bucket.map_or(0, |inventory| inventory.manifest().files.len() as u64)
    }

    fn held(&self) -> Held {
        self.listing.as_ref().and_then(InventoryListing::held).unwrap_or_default()
    }

    pub(super) fn json(&self) -> JsonInventory {
        let Held { summary, duplicates } = self.held();
        JsonInventory {
            argument: end_name(self.end),
            manifest: self.manifest.clone(),
            taken_at: self.taken_at,
            rows: summary.rows,
            old_versions: summary.old_versions,
            delete_markers: summary.delete_markers,
            duplicates,
            unreadable_times: summary.unreadable_times,
        }
    }

    /// Says which of its rows stand for no object.
    pub(super) fn remark(&self) {
        let Held { summary, duplicates } = self.held();
        let name = end_name(self.end);
        for (rows, what) in [
            (summary.old_versions, "earlier versions"),
            (summary.delete_markers, "deleted keys"),
            (duplicates, "keys that came twice"),
        ] {
            if rows > 0 {
                say(format_args!("left out of the inventory {name}: {} ({what})", counted(rows, "row")));
            }
        }
        if summary.unreadable_times > 0 {
            let rows = counted(summary.unreadable_times, "row");
            say(format_args!("of {rows} of the inventory {name} the time cannot be read"));
        }
    }
}
