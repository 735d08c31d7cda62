//! `copy --abort-stale`: removes the parts of uploads that nobody finished.

use super::CopyArgs;
use super::location::Location;
use super::services::{Clients, ConfiguredService};
use crate::cli::{Exit, print, print_json, say, store, time, usage};
use object_copy::bulk::{Mode, abort_stale};
use object_copy::clock;
use settings::location::Place;
use settings::text;
use settings::{Invalid, Reader};

pub(super) async fn run(args: &CopyArgs, mut r: Reader, http: &reqwest::Client) -> Exit {
    let place = args.destination.as_deref().or(args.source.as_deref()).unwrap_or_default();
    let to_clean = to_clean(place, &mut r);
    let before = r.accept("--older-than", time::parse(&args.older_than, clock::system()));
    let ((place, service), before) = match r.finish(to_clean.zip(before)) {
        Ok(ready) => ready,
        Err(error) => return usage(&error),
    };
    let bucket = match Clients::new(http).open(service) {
        Ok(opened) => opened.bucket(&place),
        Err(error) => return usage(&error),
    };
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
            Exit::Done
        }
        Err(error) => store(&error),
    }
}

/// The place whose uploads are looked through, and its service.
fn to_clean(place: &str, r: &mut Reader) -> Option<(Place, ConfiguredService)> {
    match r.accept("DST", place.parse())? {
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
