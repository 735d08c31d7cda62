//! `--metrics` of `copy`: the file may not lie in what is copied.

use std::path::Path;

use super::{CopyArgs, mapping};
use crate::cli::places::location::Location;
use crate::cli::places::own_files;
use crate::cli::run_metrics::{MetricsArgs, RunMetrics};
use settings::{Invalid, Reader};

/// The metrics of a run. A file in SRC or DST is a problem, and is not written: it may be one of those that
/// are copied, or would be copied itself.
pub(in crate::cli) fn metrics(args: &CopyArgs, r: &mut Reader) -> RunMetrics {
    const NAME: &str = "copy";
    let Some(side) = args.metrics.file().and_then(|file| side_of(file, args)) else {
        return args.metrics.of(NAME);
    };
    let what = Invalid::new(format_args!("lies in {side}, whose files are copied"));
    r.problem("--metrics", what.with_remedy("name a file elsewhere"));
    MetricsArgs::default().of(NAME)
}

/// The side that `file` lies in, if it does.
fn side_of(file: &Path, args: &CopyArgs) -> Option<&'static str> {
    let location = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Location>().ok());
    let (from, to) = (location(&args.source), location(&args.destination));
    let lies_in = |path: &Path| {
        if args.recursive { own_files::is_below(file, path) } else { own_files::is_same(file, path) }
    };
    let from_path = local(from.as_ref()).is_some_and(lies_in);
    // One object that is copied into a directory has its own name there.
    let name = from.as_ref().filter(|_| !args.recursive).and_then(own_name);
    let to_path = local(to.as_ref()).is_some_and(|path| {
        lies_in(path) || name.is_some_and(|name| own_files::is_same(file, &path.join(name)))
    });
    match (from_path, to_path) {
        (true, _) => Some("SRC"),
        (false, true) => Some("DST"),
        (false, false) => None,
    }
}

/// The name of the one object that SRC names.
fn own_name(from: &Location) -> Option<String> {
    let key = match from {
        Location::Store(place) => &place.prefix,
        Location::S3(place) => &place.prefix,
        Location::Web(url) => url,
        Location::Local(path) => return path.file_name()?.to_str().map(str::to_owned),
    };
    mapping::last_name(key, from).ok()
}

fn local(location: Option<&Location>) -> Option<&Path> {
    match location? {
        Location::Local(path) => Some(path),
        Location::Store(_) | Location::S3(_) | Location::Web(_) => None,
    }
}
