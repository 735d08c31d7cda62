//! What the arguments and settings ask for, checked before anything is listed.

use std::path::Path;
use std::sync::Arc;

use bridge_core::policy::KeyFilter;
use chrono::SubsecRound as _;
use object_copy::clock;
#[cfg(feature = "aws")]
use object_copy::transfer::Source as AnySource;
use object_copy::transfer::{Directory, Flow, Links, Side as End, Source};
use oss_lite::{Dialect, Endpoint};
use reconcile::estimate::Service;
#[cfg(feature = "aws")]
use reconcile::listing::S3Listing;
use reconcile::listing::{BucketListing, FolderListing};
use reconcile::{Comparison, Filter, Records, Side};
use settings::location::scheme;
use settings::{Invalid, Reader, time};

use super::ReconcileArgs;
use super::inventories::{Access, Argument, LocalInventory, Used};
use crate::cli::places::ends::{Ends, S3Endpoint};
use crate::cli::places::globs;
use crate::cli::places::location::Location;
use crate::cli::places::services::{Clients, DestinationUse, OpenedService, S3Names, Services, prepared};
use crate::failure::Failure;
use crate::features;

/// OMS's own folder in a destination bucket, and the records of this program.
const OWN: [&str; 2] = ["oms/", "oms_source_record/"];

/// The records alone: OMS writes nothing to a source.
const OWN_AT_SOURCE: [&str; 1] = ["oms_source_record/"];

/// What the arguments ask for.
pub(super) struct Plan {
    pub(super) comparison: Comparison,
    pub(super) records: Records,
    pub(super) ends: Ends,
    /// Those in the place of a side.
    pub(super) inventories: Vec<Used>,
    /// Whose list prices the requests to each side have. Services that only speak as Amazon S3 does have
    /// others.
    pub(super) priced: [Option<Service>; 2],
}

impl Plan {
    /// Everything that is wrong with arguments and settings by themselves is reported at once.
    pub(super) async fn new(
        args: &ReconcileArgs,
        mut r: Reader,
        http: &reqwest::Client,
    ) -> Result<Self, Failure> {
        let from = r.accept("SRC", Argument::parse(&args.source));
        let to = r.accept("DST", Argument::parse(&args.destination));
        let local_from = LocalInventory::read(&mut r, "SRC", from.as_ref()).await;
        let local_to = LocalInventory::read(&mut r, "DST", to.as_ref()).await;
        let at = |argument: &Option<Argument>, local: &Option<LocalInventory>| {
            let of = local.as_ref().and_then(|local| local.bucket.clone()).map(Location::Store);
            of.or_else(|| argument.as_ref().map(|argument| argument.location.clone()))
        };
        let (from_at, to_at) = (at(&from, &local_from), at(&to, &local_to));
        let is_s3 = |at: &Option<Location>| matches!(at, Some(Location::S3(_)));
        if (is_s3(&from_at) || is_s3(&to_at)) && !cfg!(feature = "aws") {
            return Err(Failure::configuration(features::missing("aws", "reading s3://")));
        }
        let scheme = |text: &str, at: &Option<Location>| match at {
            Some(Location::Store(place)) => Some(place.dialect),
            _ => Argument::scheme(text),
        };
        let ends = [
            (from_at.as_ref(), scheme(&args.source, &from_at)),
            (to_at.as_ref(), scheme(&args.destination, &to_at)),
        ];
        let services = Services::read(&mut r, ends, DestinationUse::Read, http);
        for (name, argument) in [("SRC", &from), ("DST", &to)] {
            let location = argument.as_ref().filter(|argument| argument.inventory.is_none());
            check(&mut r, name, location.map(|argument| &argument.location));
        }
        args.check_files(&mut r, [&from, &to].map(|argument| argument.as_ref().map(|at| &at.location)));
        let own_endpoint = prepared(&mut r, S3Names::SOURCE, services.s3[0].as_ref()).await;
        let their_endpoint = prepared(&mut r, S3Names::DESTINATION, services.s3[1].as_ref()).await;
        let filter = globs::filter(&mut r, args.include.as_deref(), args.exclude.as_deref());
        let now = clock::system();
        let since = args.since.as_deref().map(|text| r.accept("--since", time::parse(text, now)));
        // Services that speak as Amazon S3 does have buckets of the same names.
        let is_elsewhere = is_s3(&from_at) && own_endpoint != their_endpoint;
        if from.is_some() && from == to && !is_elsewhere {
            let what = Invalid::new("SRC and DST are the same");
            r.problem("DST", what.with_remedy("name another DST"));
        }
        let s3_endpoints = [
            S3Endpoint::new(&r, S3Names::SOURCE, own_endpoint.as_ref()),
            S3Endpoint::new(&r, S3Names::DESTINATION, their_endpoint.as_ref()),
        ];
        let given = from.zip(to).zip(from_at.zip(to_at)).zip(filter);
        let (((from, to), (from_at, to_at)), filter) = r.finish(given)?;
        let ends = Ends::new(&from_at, &to_at, &services, s3_endpoints);
        let clients = Clients::new(http);
        let open = |service| clients.open(service).map_err(Failure::configuration);
        let source = services.source.map(open).transpose()?;
        let destination = services.destination.map(open).transpose()?;
        let of_service = |service: &Option<OpenedService>| service.as_ref().map(|at| at.endpoint.to_string());
        let of_s3 = |endpoint: &Option<Endpoint>| endpoint.as_ref().map(ToString::to_string);
        let endpoints = [
            of_service(&source).or_else(|| of_s3(&own_endpoint)),
            of_service(&destination).or_else(|| of_s3(&their_endpoint)),
        ];
        let [from_s3, to_s3] = services.s3;
        let mut inventories = Vec::new();
        let mut opened = async |argument: &Argument, access: Access<'_>| match &argument.inventory {
            Some(place) => {
                let (side, used) = args.inventories.side(place, access).await?;
                inventories.push(used);
                Ok(side)
            }
            None => side(&argument.location, access.service, access.s3),
        };
        let access =
            Access { ends: &ends, end: End::Source, service: source, s3: from_s3, local: local_from };
        let source = opened(&from, access).await?;
        let access =
            Access { ends: &ends, end: End::Destination, service: destination, s3: to_s3, local: local_to };
        let destination = opened(&to, access).await?;
        let identity = || args.identity([&source, &destination], &endpoints);
        let (checkpoint, resumed) = args.open_checkpoint(identity)?;
        let (started, since) = match &resumed {
            Some(progress) => (progress.started, progress.since),
            // Services have whole seconds.
            None => (now.trunc_subsecs(0), since.flatten()),
        };
        let comparison = Comparison {
            source: source.leaving_out(&OWN_AT_SOURCE),
            destination: destination.leaving_out(&OWN),
            check: args.check(),
            filter: args.is_filtered().then(|| with_globs(filter)),
            since,
            started,
            requests: args.concurrency,
            wants_equal: args.report.is_some(),
            flow: args.bwlimit.map_or_else(Flow::default, Flow::limited),
        };
        let report = args.open_report(resumed.as_ref())?;
        let priced = [priced(&from_at, own_endpoint.is_none()), priced(&to_at, their_endpoint.is_none())];
        Ok(Self { comparison, records: Records { report, checkpoint, resumed }, ends, inventories, priced })
    }
}

impl ReconcileArgs {
    pub(super) fn is_filtered(&self) -> bool {
        self.include.is_some() || self.exclude.is_some()
    }

    /// The options that decide which keys are compared, and by what.
    pub(super) fn choosing(&self) -> impl Iterator<Item = String> {
        let encoding = self.inventories.key_encoding().map(|encoding| encoding.to_string());
        let options = [
            ("--check", Some(self.check().name().to_owned())),
            ("--since", self.since.clone()),
            ("--include", self.include.clone()),
            ("--exclude", self.exclude.clone()),
            ("--inventory-keys", encoding),
        ];
        options.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?)))
    }

    /// What a checkpoint is of. Buckets of one name at two endpoints are two buckets.
    fn identity(&self, sides: [&Side; 2], endpoints: &[Option<String>; 2]) -> String {
        let options = [
            ("--report", self.report.as_deref().and_then(Path::to_str)),
            ("--report-format", self.report.is_some().then(|| self.report_format().name())),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?)));
        let sides = sides.into_iter().zip(endpoints).map(|(side, endpoint)| match endpoint {
            Some(endpoint) => format!("{} at {endpoint}", side.name),
            None => side.name.clone(),
        });
        sides.chain(self.choosing()).chain(given).collect::<Vec<_>>().join(" ")
    }
}

fn priced(at: &Location, is_amazon: bool) -> Option<Service> {
    match at {
        Location::Store(place) => Some(match place.dialect {
            Dialect::Oss => Service::Oss,
            Dialect::Obs => Service::Obs,
        }),
        Location::S3(_) => is_amazon.then_some(Service::S3),
        Location::Web(_) | Location::Local(_) => None,
    }
}

fn with_globs(globs: KeyFilter) -> Filter {
    Filter::new(move |key| globs.admits(key))
}

/// A web server has no listing, and a folder must be there: otherwise a slip would make all of the other side
/// missing.
fn check(r: &mut Reader, name: &'static str, location: Option<&Location>) {
    match location {
        // Of DST it is said already.
        Some(Location::Web(_)) if name == "SRC" => r.problem(
            name,
            Invalid::new("a web server cannot be listed")
                .with_remedy("name a bucket or a folder of this machine"),
        ),
        Some(Location::Local(path)) => {
            if let Err(error) = std::fs::read_dir(path) {
                let what = Invalid::new(format_args!("{:?}: {error}", path.display()));
                r.problem(name, what.with_remedy("name a folder that is there and can be read"));
            }
        }
        _ => {}
    }
}

fn side(location: &Location, service: Option<OpenedService>, s3: Option<Source>) -> Result<Side, Failure> {
    let own = Vec::new();
    match (location, service, s3) {
        (Location::Store(place), Some(service), _) => {
            let (bucket, prefix) = (service.bucket(place), place.folder());
            let name = format!("{}://{}/{prefix}", scheme(place.dialect), place.bucket);
            let listing = Arc::new(BucketListing::new(bucket.clone()));
            Ok(Side { name, prefix, listing, objects: Some(Source::Store(bucket)), own })
        }
        #[cfg(feature = "aws")]
        (Location::S3(place), _, Some(AnySource::S3(bucket))) => {
            let prefix = place.folder();
            let name = format!("s3://{}/{prefix}", place.bucket);
            let listing = Arc::new(S3Listing::new(bucket.clone()));
            Ok(Side { name, prefix, listing, objects: Some(Source::S3(bucket)), own })
        }
        (Location::Local(path), ..) => {
            let directory = Directory::new(path).following(Links::Within);
            let (name, prefix) = (path.display().to_string(), String::new());
            let listing = Arc::new(FolderListing::new(directory.clone()));
            Ok(Side { name, prefix, listing, objects: Some(Source::Directory(directory)), own })
        }
        // Said with the settings.
        _ => Err(Failure::internal(location.bucket().unwrap_or_default())),
    }
}
