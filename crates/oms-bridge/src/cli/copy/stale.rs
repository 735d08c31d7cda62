//! `copy --abort-stale`: removes the parts of uploads that nobody finished.

use serde::Serialize;

use super::CopyArgs;
use crate::cli::json_list::JsonList;
use crate::cli::places::location::{Location, store_scheme};
use crate::cli::places::services::{Clients, ConfiguredService};
use crate::cli::{Ended, Exit, print_json, say};
use crate::failure::{Failure, of_store};
use object_copy::bulk::{Mode, StaleUploads, abort_stale};
use object_copy::clock;
use settings::location::Place;
use settings::{Invalid, Reader, text, time};
use terminal::numbers::{count, counted};
use terminal::output::OutputFormat;

const ACCEPTED: &str = "--abort-stale takes oss://bucket[/prefix] or obs://bucket[/prefix]";

pub(super) async fn run(args: &CopyArgs, mut r: Reader, http: &reqwest::Client) -> Ended {
    let place = args.destination.as_deref().or(args.source.as_deref());
    let to_clean = if let Some(place) = place {
        to_clean(place, &mut r)
    } else {
        r.problem("DST", Invalid::new("missing").with_remedy(ACCEPTED));
        None
    };
    let before =
        r.accept("--older-than", time::parse(args.older_than.as_deref().unwrap_or("1d"), clock::system()));
    let ((place, service), before) = r.finish(to_clean.zip(before))?;
    let end = service.clone();
    let bucket = Clients::new(http).open(service).map_err(Failure::configuration)?.bucket(&place);
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Copy };
    let is_dry = mode == Mode::DryRun;
    let listed = JsonList::new(OutputFormat::of(args.json));
    let shown = |key: &str, begun: Option<_>| {
        if is_dry || !args.json {
            let begun = begun.map(text::time).unwrap_or_default();
            listed.add(key, &format!("{begun}  {}", text::printable(key)));
        }
    };
    match abort_stale(&bucket, &place.prefix, before, mode, shown).await {
        Ok(stale) => {
            if args.json && is_dry {
                listed.finish(&StalePreview { dry_run: true, would_abort: stale.aborted, stale: &stale });
            } else if args.json {
                print_json(&StaleResult { stale: &stale, aborted: stale.aborted });
            } else {
                let verb = if is_dry { "would be removed" } else { "removed" };
                let open = counted(stale.open, "upload");
                say(format_args!("{open} open, {} {verb}", count(stale.aborted)));
            }
            Ok(if args.exit_code && stale.aborted > 0 { Exit::SomeFailed } else { Exit::Done })
        }
        Err(error) => {
            let action = error.action().unwrap_or("ListMultipartUploads");
            Err(of_store(&error, end.end(place.bucket.as_str(), "DST"), action))
        }
    }
}

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct StaleResult<'s> {
    #[serde(flatten)]
    stale: &'s StaleUploads,
    aborted: u64,
}

/// The result of a dry run, as `--json` prints it behind the keys.
#[derive(Serialize)]
struct StalePreview<'s> {
    dry_run: bool,
    would_abort: u64,
    #[serde(flatten)]
    stale: &'s StaleUploads,
}

/// The place whose uploads are looked through, and its service.
fn to_clean(place: &str, r: &mut Reader) -> Option<(Place, ConfiguredService)> {
    let location = r.accept("DST", place.parse());
    if location.is_none()
        && let Some(dialect) = store_scheme(place)
    {
        // Problems of its settings are reported together with those of the address.
        ConfiguredService::destination(r, dialect);
    }
    match location? {
        Location::Store(place) => {
            ConfiguredService::destination(r, place.dialect).map(|service| (place, service))
        }
        Location::S3(_) | Location::Web(_) | Location::Local(_) => {
            r.problem("DST", Invalid::new(ACCEPTED));
            None
        }
    }
}
