//! `copy --abort-stale`: removes the parts of uploads that nobody finished.

use super::CopyArgs;
use super::location::{Location, store_scheme};
use super::services::{Clients, ConfiguredService};
use crate::cli::{Ended, Exit, print, print_json, say, time};
use crate::failure::{Failure, of_store};
use object_copy::bulk::{Mode, abort_stale};
use object_copy::clock;
use settings::location::Place;
use settings::text;
use settings::{Invalid, Reader};

pub(super) async fn run(args: &CopyArgs, mut r: Reader, http: &reqwest::Client) -> Ended {
    let place = args.destination.as_deref().or(args.source.as_deref()).unwrap_or_default();
    let to_clean = to_clean(place, &mut r);
    let before = r.accept("--older-than", time::parse(&args.older_than, clock::system()));
    let ((place, service), before) = r.finish(to_clean.zip(before))?;
    let end = service.clone();
    let bucket = Clients::new(http).open(service).map_err(Failure::configuration)?.bucket(&place);
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Copy };
    let shown = |key: &str, begun: Option<_>| {
        if !args.json {
            let begun = begun.map(text::time).unwrap_or_default();
            print(&format!("{begun}  {}", text::printable(key)));
        }
    };
    match abort_stale(&bucket, &place.prefix, before, mode, shown).await {
        Ok(stale) => {
            if args.json {
                print_json(&stale);
            } else {
                let verb = if mode == Mode::DryRun { "would be removed" } else { "removed" };
                let open = text::counted(stale.open, "upload");
                say(format_args!("{open} open, {} {verb}", stale.aborted));
            }
            Ok(Exit::Done)
        }
        Err(error) => Err(of_store(&error, end.end(place.bucket.as_str(), "DST"), "ListMultipartUploads")),
    }
}

/// The place whose uploads are looked through, and its service.
fn to_clean(place: &str, r: &mut Reader) -> Option<(Place, ConfiguredService)> {
    let location = r.accept("DST", place.parse());
    if location.is_none()
        && let Some(dialect) = store_scheme(place)
    {
        // What is wrong with its settings is told with what is wrong with the address.
        ConfiguredService::destination(r, dialect);
    }
    match location? {
        Location::Store(place) => {
            ConfiguredService::destination(r, place.dialect).map(|service| (place, service))
        }
        Location::S3(_) | Location::Web(_) | Location::Local(_) => {
            r.problem(
                "DST",
                Invalid::new("--abort-stale takes oss://bucket[/prefix] or obs://bucket[/prefix]"),
            );
            None
        }
    }
}
