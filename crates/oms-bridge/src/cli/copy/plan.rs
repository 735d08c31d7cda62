//! What the arguments and settings ask for, checked before anything is copied.

use thiserror::Error;

use super::entries::{self, EntriesError};
use super::filter::{CopyFilter, EntryStream};
use super::keys_from::KeyListError;
use super::mapping::{self, MappingError};
use super::next_run::{NextRun, Repeats};
use super::route::{Route, RouteError};
use super::{CopyArgs, LinkChoice, PreserveChoice};
use crate::cli::places::ends::{Ends, S3Endpoint};
use crate::cli::places::globs;
use crate::cli::places::location::{Location, store_scheme};
use crate::cli::places::services::{DestinationUse, S3Names, Services, prepared};
use crate::failure::Failure;
use crate::features;
use bridge_core::policy::KeyFilter;
use object_copy::bulk::BucketListing;
use object_copy::failed_list;
use object_copy::stop::Stop;
use object_copy::transfer::{
    Existing, Extras, Flow, LeftOpen, Options, Preserve, Side, Source, Symlinks, Transfer,
};
use settings::location::{Place, S3Place};
use settings::{ConfigError, Invalid, Reader};

/// Why nothing is copied.
#[derive(Debug, Error)]
pub(super) enum PlanError {
    /// Of settings for what this build cannot do.
    #[error("{0}")]
    Feature(String),
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error(transparent)]
    Route(#[from] RouteError),
    #[error(transparent)]
    Entries(#[from] EntriesError),
}

/// What the arguments ask for.
pub(super) struct CopyPlan {
    pub(super) transfer: Transfer,
    /// Ends the copies of `transfer` early.
    pub(super) stop: Stop,
    pub(super) flow: Flow,
    pub(super) entries: EntryStream,
    /// What the entries will come from, to be listed once more for the progress.
    pub(super) measured: Option<Measured>,
    /// What the globs left out so far is counted here.
    pub(super) filter: CopyFilter,
    pub(super) selection: Selection,
    pub(super) next_run: NextRun,
    pub(super) ends: Ends,
}

/// What says beforehand how much there is to do.
pub(super) enum Measured {
    /// A listing of a service.
    Listing(BucketListing),
    /// A walk of a directory, past the globs.
    Walk(EntryStream),
    /// One file of this many bytes.
    File(u64),
}

/// Whether one object was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    One,
    Many,
}

impl CopyPlan {
    /// Everything that is wrong with arguments and settings by themselves is reported at once. What depends
    /// on the files of this machine, and on how SRC and DST lie to each other, is checked after that.
    pub(super) async fn new(
        args: &CopyArgs,
        mut r: Reader,
        http: &reqwest::Client,
    ) -> Result<Self, PlanError> {
        let location = |r: &mut Reader, name, text: &Option<String>| {
            r.accept(name, text.as_deref().unwrap_or_default().parse::<Location>())
        };
        let (from, to) = (location(&mut r, "SRC", &args.source), location(&mut r, "DST", &args.destination));
        let from_s3 = matches!(from, Some(Location::S3(_)));
        if from_s3 && !cfg!(feature = "aws") {
            // Settings for what cannot be done are nothing to ask for.
            return Err(PlanError::Feature(features::missing("aws", "reading s3://")));
        }
        let dialect = |text: &Option<String>| text.as_deref().and_then(store_scheme);
        let ends = [(from.as_ref(), dialect(&args.source)), (to.as_ref(), dialect(&args.destination))];
        let services = Services::read(&mut r, ends, DestinationUse::Written, http);
        if let Some(from) = &from {
            check_scope(args, from, &mut r);
        }
        let own_endpoint = prepared(&mut r, S3Names::SOURCE, services.s3[0].as_ref()).await;
        let filter = filter(args, &mut r);
        if args.older_than.is_some() {
            let what = Invalid::new("has no effect here, only with --abort-stale");
            r.problem("--older-than", what.with_remedy("leave it out"));
        }
        if from_s3 && !args.preserve.is_empty() {
            r.problem("--preserve", Invalid::new("neither tags nor ACLs are read from Amazon S3"));
        }
        if let Some(list) = args.failed_list.as_ref().filter(|list| list.symlink_metadata().is_ok()) {
            r.problem("--failed-list", failed_list::there_already(list));
        }
        let s3_endpoint = S3Endpoint::new(&r, S3Names::SOURCE, own_endpoint.as_ref());
        let given = r.finish(from.zip(to).zip(filter))?;
        let ((from, to), filter) = given;
        let ends = Ends::new(&from, &to, &services, [s3_endpoint, None]);
        let route = Route::new(&from, &to, args, services, own_endpoint, http)?;
        let flow = args.bwlimit.map_or_else(Flow::default, Flow::limited);
        let stop = Stop::default();
        let options = Options {
            part_size: args.part_size,
            concurrency: args.concurrency,
            flow: flow.clone(),
            existing: if args.force { Existing::Overwrite } else { Existing::Skip },
            symlinks: match args.links {
                LinkChoice::Within | LinkChoice::Follow => Symlinks::Follow,
                LinkChoice::Skip => Symlinks::Skip,
            },
            server_side: route.server_side,
            extras: extras(&args.preserve),
            // The list of what failed has keys, nothing else.
            left_open: LeftOpen::Found,
            stop: stop.clone(),
            ..Options::default()
        };
        let below = if args.filter_keys { "" } else { &*route.names.from };
        let filter = CopyFilter::new(filter, if args.recursive { below } else { "" });
        let measured = measured(args, &from, &route, &filter).await?;
        let entries = entries::entries(args, &from, &route, filter.clone()).await?;
        let selection = if args.recursive { Selection::Many } else { Selection::One };
        let transfer = Transfer::new(route.source, route.destination, options);
        let next_run = NextRun {
            repeats: if args.force { Repeats::All } else { Repeats::Rest },
            lists: args.recursive,
            destination: args.destination.clone().unwrap_or_default(),
        };
        Ok(Self { transfer, stop, flow, entries, measured, filter, selection, next_run, ends })
    }
}

/// Whether SRC is one object or many, against `-r`: told with what is wrong with the settings.
fn check_scope(args: &CopyArgs, from: &Location, r: &mut Reader) {
    let invalid = match from {
        Location::Web(_) if args.recursive && args.keys_from.is_none() => {
            Invalid::new("a web server cannot be listed: -r takes buckets and directories")
                .with_remedy("leave out -r, or name the URLs with --keys-from")
        }
        Location::Store(Place { prefix, .. }) | Location::S3(S3Place { prefix, .. })
            if !args.recursive && prefix.is_empty() =>
        {
            Invalid::new("SRC names a bucket").with_remedy("use -r for all that is in it")
        }
        Location::Local(_) => match mapping::local_root(from, args.recursive) {
            Ok(_) => return,
            Err(error @ MappingError::Unreadable { .. }) => {
                Invalid::new(error).with_remedy("allow reading it, or name another SRC")
            }
            Err(error @ MappingError::NoDirectory(_)) => Invalid::new(error)
                .with_remedy("correct the path; a bucket is oss://bucket/ or obs://bucket/"),
            Err(error) => Invalid::new(error),
        },
        Location::Store(_) | Location::S3(_) | Location::Web(_) => return,
    };
    r.problem("SRC", invalid);
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Settings(error) => error.into(),
            PlanError::Route(RouteError::Overlap(error)) => {
                Self::configuration(&error).of_setting("DST").with_remedy(error.remedy())
            }
            PlanError::Entries(EntriesError::KeyList(error)) => {
                let remedy = match error {
                    KeyListError::Encoding { .. } => "save it as UTF-8",
                    KeyListError::Unreadable { .. } => "name a file that can be read, one key a line",
                    KeyListError::Source(_) => "correct SRC",
                };
                Self::configuration(error).of_setting("--keys-from").with_remedy(remedy)
            }
            error => Self::configuration(error),
        }
    }
}

/// What can be counted without asking for each object.
async fn measured(
    args: &CopyArgs,
    from: &Location,
    route: &Route,
    filter: &CopyFilter,
) -> Result<Option<Measured>, EntriesError> {
    Ok(match (&route.source, from) {
        (Source::Directory(_), _) if args.recursive && args.keys_from.is_none() => {
            Some(Measured::Walk(entries::entries(args, from, route, filter.uncounted()).await?))
        }
        (Source::Directory(_), Location::Local(file)) if !args.recursive => {
            tokio::fs::metadata(file).await.ok().map(|found| Measured::File(found.len()))
        }
        // Of one object the prefix is its key; a filter would make the total a guess.
        (Source::Store(bucket), _) if !args.is_filtered() => {
            Some(Measured::Listing(BucketListing::new(Side::Source, bucket, &route.names.from)))
        }
        #[cfg(feature = "aws")]
        (Source::S3(bucket), _) if !args.is_filtered() => {
            Some(Measured::Listing(BucketListing::of_s3(bucket, &route.names.from)))
        }
        _ => None,
    })
}

impl CopyArgs {
    fn is_filtered(&self) -> bool {
        self.include.is_some() || self.exclude.is_some() || self.keys_from.is_some()
    }
}

fn extras(preserve: &[PreserveChoice]) -> Extras {
    let carry = |extra| if preserve.contains(&extra) { Preserve::Yes } else { Preserve::No };
    Extras { tags: carry(PreserveChoice::Tags), acl: carry(PreserveChoice::Acl) }
}

/// What `--include` and `--exclude` let through.
fn filter(args: &CopyArgs, r: &mut Reader) -> Option<KeyFilter> {
    let (include, exclude) = (args.include.as_deref(), args.exclude.as_deref());
    if include.or(exclude).is_none() && args.filter_keys {
        let what = Invalid::new("has no effect here, only with --include or --exclude");
        r.problem("--filter-keys", what.with_remedy("leave it out"));
    }
    globs::filter(r, include, exclude)
}
