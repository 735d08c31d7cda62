//! `copy`: direct copies from the command line.

mod bar;
mod failed_list;
mod keys_from;
mod overlap;
mod quantity;
mod report;
mod route;
mod services;

use std::path::PathBuf;
use std::pin::Pin;

use clap::{Args, ValueEnum};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};

use self::quantity::size;
use self::report::{Output, Report};
use self::route::{Ends, Location};
use self::services::{Clients, Services};
use super::{Exit, exit, insisted, internal, print, print_json, say, store_exit, time, usage};
use crate::config::{Command, SettingsOf};
use crate::host::interrupts::Interrupts;
use bridge_core::policy::KeyFilter;
use http_client::{self, Proxies};
use object_copy::bulk::{
    self, BucketListing, Compared, Entry, KeyMapping, ListError, Mode, StopReason, Summary, Tree, abort_stale,
};
use object_copy::clock;
use object_copy::outcome::FailureClass;
use object_copy::transfer::{
    CONCURRENCY, Existing, Extras, Flow, Item, MAX_PART_SIZE, MIN_PART_SIZE, Options, Preserve, Source,
    Symlinks, Transfer,
};
use oss_lite::Endpoint;
use settings::text;
use settings::{Invalid, Reader, features, parse};

const EXAMPLES: &str = "Examples:
  oms-bridge copy oss://photos/2024/a.jpg obs://mirror/2024/
  oms-bridge copy -r oss://photos/2024/ obs://mirror/2024/ --concurrency 32
  oms-bridge copy -r s3://photos/2024/ obs://mirror/2024/
  oms-bridge copy https://example.com/big.iso obs://mirror/iso/
  oms-bridge copy -r oss://photos/ obs://mirror/ --keys-from oms-bridge-failed-20260105T100000Z.txt
  oms-bridge copy --abort-stale obs://mirror/";

fn help() -> String {
    if cfg!(feature = "aws") {
        return exit::help(EXAMPLES);
    }
    exit::help(&format!("{EXAMPLES}\n\nNote: {}.", features::missing("aws", "reading s3://")))
}

/// Copies objects without OMS: between buckets, from any web server, from and to this machine.
///
/// SRC is `oss://bucket/key`, `obs://bucket/key`, `s3://bucket/key`, `https://host/path` or a local path; DST
/// is `oss://…`, `obs://…` or a local path. With `-r` both are folders. A DST that ends in `/`, or names only
/// a bucket, keeps the name of SRC. Objects that are there already are left alone; the next run
/// resumes what was interrupted.
///
/// Everything is copied, up to date, left out by a rule, or failed, and what is left out or failed is named.
/// What was listed or named, and is gone when it is copied, counts as failed (exit code 3). Of this machine
/// only regular files are copied; a directory that cannot be read is one failure. DST must not lie inside
/// SRC. Below a local DST no directory is followed that is a link, and a key that ends in `/` is a folder,
/// which holds no bytes.
#[derive(Args)]
#[command(after_help = help())]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct CopyArgs {
    /// What to copy.
    #[arg(value_name = "SRC", required = true)]
    source: Option<String>,
    /// Where to.
    #[arg(value_name = "DST", required_unless_present = "abort_stale")]
    destination: Option<String>,
    /// Everything below SRC.
    #[arg(short, long)]
    recursive: bool,
    /// Streams open at once: objects, and parts of large ones.
    #[arg(long, value_name = "N", default_value_t = CONCURRENCY, value_parser = concurrency)]
    concurrency: usize,
    /// Objects up to this size go in one request, larger ones in parts of it: 100K to 5G.
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = part_size)]
    part_size: u64,
    /// Bytes read per second at most, such as 10M.
    #[arg(long, value_name = "RATE", value_parser = size)]
    bwlimit: Option<u64>,
    /// Only print the keys that would be copied, one a line.
    #[arg(long)]
    dry_run: bool,
    /// Copy what is there already, too.
    #[arg(long)]
    force: bool,
    /// Links: copy what they stand for under their own name, or leave them out.
    #[arg(long, visible_alias = "symlinks", value_enum, default_value = "within", value_name = "WHICH")]
    links: LinkChoice,
    /// What else goes along; each costs a request per object.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT")]
    preserve: Vec<Extra>,
    /// Comma-separated globs: only keys that match one are copied.
    #[arg(long, value_name = "GLOBS")]
    include: Option<String>,
    /// Comma-separated globs: keys that match one are not copied.
    #[arg(long, value_name = "GLOBS")]
    exclude: Option<String>,
    /// Copy the keys in this file (or of stdin, if it is `-`) and no others: the list that a failed run left.
    /// A missing key counts as failed. Of a directory, a line that ends in `/` stands for all that is below
    /// it; of a web server, each line is a URL below SRC.
    #[arg(long, value_name = "FILE", requires = "recursive")]
    keys_from: Option<PathBuf>,
    /// Where to write the keys that failed: a new file, tried before anything is copied [default:
    /// oms-bridge-failed-<time>.txt].
    #[arg(long, value_name = "FILE")]
    failed_list: Option<PathBuf>,
    /// Copy nothing, but remove the parts of uploads below DST that nobody finished.
    #[arg(long, conflicts_with_all = ["recursive", "force", "keys_from", "failed_list", "bwlimit"])]
    abort_stale: bool,
    /// With `--abort-stale`: only uploads at least this old.
    #[arg(long, value_name = "AGE", default_value = "1d", requires = "abort_stale")]
    older_than: String,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pub(super) settings: SettingsOf<CopyArgs>,
}

impl Command for CopyArgs {
    const NAME: &'static str = "copy";
    const HEADING: Option<&'static str> = Some("Access");
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LinkChoice {
    /// Follow those that lead to something in SRC; SRC itself may be a link. All symlinks of OSS do.
    Within,
    /// Follow all.
    Follow,
    /// Leave all out.
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Extra {
    /// Object tags.
    Tags,
    /// The canned ACL.
    Acl,
}

fn concurrency(text: &str) -> Result<usize, Invalid> {
    parse::number(text, 1..=1000)
}

fn part_size(text: &str) -> Result<u64, Invalid> {
    match size(text)? {
        size @ MIN_PART_SIZE..=MAX_PART_SIZE => Ok(size),
        _ => Err(Invalid::new("not a size from 100K to 5G")),
    }
}

pub(super) async fn run(args: CopyArgs, reader: Reader) -> Exit {
    let http = match http_client::build(Proxies::FromEnvironment) {
        Ok(http) => http,
        Err(error) => return internal(&error),
    };
    if args.abort_stale {
        return remove_stale(&args, reader, &http).await;
    }
    let job = match Job::new(&args, reader, &http).await {
        Ok(job) => job,
        Err(error) => return usage(&error),
    };
    // Before anything is copied: afterwards nobody could say what failed.
    if let Some(list) = &args.failed_list
        && let Err(error) = failed_list::check(list)
    {
        return usage(&error);
    }
    copy(args, job).await
}

/// What the arguments ask for.
struct Job {
    transfer: Transfer,
    flow: Flow,
    entries: Entries,
    /// What the entries will come from, to be listed once more for the progress bar.
    listed: Option<BucketListing>,
    kind: Kind,
}

/// Whether one object was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    One,
    Many,
}

type Entries = Pin<Box<dyn Stream<Item = Result<Entry, ListError>> + Send>>;

impl Job {
    /// Everything that is wrong with arguments and settings by themselves is reported at once. What depends
    /// on the files of this machine, and on how both ends lie to each other, is checked after that.
    async fn new(args: &CopyArgs, mut r: Reader, http: &reqwest::Client) -> Result<Self, String> {
        let location = |r: &mut Reader, name, text: &Option<String>| {
            r.accept(name, text.as_deref().unwrap_or_default().parse::<Location>())
        };
        let (from, to) = (location(&mut r, "SRC", &args.source), location(&mut r, "DST", &args.destination));
        let from_s3 = matches!(from, Some(Location::S3(_)));
        if from_s3 && !cfg!(feature = "aws") {
            // Settings for what cannot be done are nothing to ask for.
            return Err(features::missing("aws", "reading s3://"));
        }
        let services = Services::read(&mut r, from.as_ref(), to.as_ref(), http);
        let own_endpoint = match &services.s3 {
            Some(s3) => prepared(&mut r, s3).await,
            None => None,
        };
        let filter = filter(args, &mut r);
        if from_s3 && !args.preserve.is_empty() {
            r.problem("--preserve", Invalid::new("neither tags nor ACLs are read from Amazon S3"));
        }
        if let Some(list) = args.failed_list.as_ref().filter(|list| list.symlink_metadata().is_ok()) {
            r.problem("--failed-list", failed_list::there_already(list));
        }
        let ends = r.finish(from.zip(to).zip(filter)).map_err(|error| error.to_string())?;
        let ((from, to), filter) = ends;
        let ends = Ends::new(&from, &to, args, services, own_endpoint, http)?;
        let flow = args.bwlimit.map_or_else(Flow::default, Flow::limited);
        let options = Options {
            part_size: args.part_size,
            concurrency: args.concurrency,
            flow: flow.clone(),
            existing: if args.force { Existing::Overwrite } else { Existing::Skip },
            symlinks: match args.links {
                LinkChoice::Within | LinkChoice::Follow => Symlinks::Follow,
                LinkChoice::Skip => Symlinks::Skip,
            },
            server_side: ends.server_side,
            extras: extras(&args.preserve),
            ..Options::default()
        };
        let entries = entries(args, &ends, filter).await?;
        let kind = if args.recursive { Kind::Many } else { Kind::One };
        let listed = match &ends.source {
            // Of one object the prefix is its key; a filter would make the total a guess.
            Source::Store(bucket) if !args.is_filtered() => {
                Some(BucketListing::new(bucket, &ends.names.from))
            }
            #[cfg(feature = "aws")]
            Source::S3(bucket) if !args.is_filtered() => Some(BucketListing::of_s3(bucket, &ends.names.from)),
            _ => None,
        };
        let transfer = Transfer::new(ends.source, ends.destination, options);
        Ok(Self { transfer, flow, entries, listed, kind })
    }
}

impl CopyArgs {
    fn is_filtered(&self) -> bool {
        self.include.is_some() || self.exclude.is_some() || self.keys_from.is_some()
    }
}

fn extras(preserve: &[Extra]) -> Extras {
    let carry = |extra| if preserve.contains(&extra) { Preserve::Yes } else { Preserve::No };
    Extras { tags: carry(Extra::Tags), acl: carry(Extra::Acl) }
}

/// The objects that the arguments name.
async fn entries(args: &CopyArgs, ends: &Ends, filter: KeyFilter) -> Result<Entries, String> {
    let KeyMapping { from, to } = &ends.names;
    if !args.recursive {
        let item = Item::new(from, to);
        return Ok(Box::pin(futures_util::stream::iter([Ok(Entry::Copy(item))])));
    }
    if let Some(file) = &args.keys_from {
        return keys_from::entries(file, ends, filter).await;
    }
    let all: Entries = match &ends.source {
        Source::Store(bucket) => compared(args, ends, BucketListing::new(bucket, from)),
        #[cfg(feature = "aws")]
        Source::S3(bucket) => compared(args, ends, BucketListing::of_s3(bucket, from)),
        Source::Directory(directory) => {
            Box::pin(Tree::new(directory.clone(), to.clone(), ends.written.clone()).entries())
        }
        Source::Web(_) => {
            return Err("a web server cannot be listed: -r takes buckets and directories".into());
        }
    };
    Ok(filtered(all, filter))
}

/// What `--include` and `--exclude` let through.
fn filter(args: &CopyArgs, r: &mut Reader) -> Option<KeyFilter> {
    let (include, exclude) = (args.include.as_deref(), args.exclude.as_deref());
    // Each by itself first, so that the problem names the right option.
    for (name, globs) in [("--include", include), ("--exclude", exclude)] {
        r.accept(name, KeyFilter::new(globs, None).map_err(Invalid::new));
    }
    KeyFilter::new(include, exclude).ok()
}

/// Settings of Amazon S3 are found before anything is asked for, so that what is missing is an error of the
/// settings. Gives the endpoint where it is not Amazon's own.
#[cfg(feature = "aws")]
async fn prepared(r: &mut Reader, source: &Source) -> Option<Endpoint> {
    let Source::S3(bucket) = source else { return None };
    let failed = match bucket.prepare().await {
        Ok(endpoint) => return endpoint.and_then(|endpoint| endpoint.parse().ok()),
        Err(failed) => failed,
    };
    let message = if failed.is_settings_error() { failed.error.message.clone() } else { failed.to_string() };
    // It begins with the setting, where it is about one. What is wrong with its value is told already.
    match message.split_once(": ") {
        Some((name, _)) if r.has_problem(name) => {}
        Some((name, what)) if name.starts_with("AWS_") => r.problem(name.to_owned(), what.to_owned()),
        _ => r.problem("SRC", message),
    }
    None
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "the other build asks for the settings of AWS")]
async fn prepared(_: &mut Reader, _: &Source) -> Option<Endpoint> {
    None
}

/// The objects of a listing, compared with that of the destination.
fn compared(args: &CopyArgs, ends: &Ends, source: BucketListing) -> Entries {
    let compare = !args.force;
    let listed = |bucket| BucketListing::new(bucket, &ends.names.to);
    let destination = ends.destination_bucket.as_ref().filter(|_| compare).map(listed);
    let entries = bulk::compared(Compared { source, destination, names: ends.names.clone() });
    match ends.perhaps_inside.clone() {
        Some(folder) => Box::pin(entries.map_ok(move |entry| without_copies(entry, &folder))),
        None => Box::pin(entries),
    }
}

/// Leaves out what lies in `folder`.
fn without_copies(entry: Entry, folder: &str) -> Entry {
    match entry {
        Entry::Copy(Item { key, .. }) | Entry::UpToDate { key, .. } if key.starts_with(folder) => {
            Entry::LeftOut { name: key.into(), why: overlap::PERHAPS_A_COPY }
        }
        entry => entry,
    }
}

fn filtered(entries: Entries, filter: KeyFilter) -> Entries {
    Box::pin(entries.filter(move |entry| {
        let wanted = entry.as_ref().map_or(true, |entry| wanted(&filter, entry));
        std::future::ready(wanted)
    }))
}

fn wanted(filter: &KeyFilter, entry: &Entry) -> bool {
    match entry {
        Entry::Copy(item) => filter.admits(&item.key),
        Entry::UpToDate { key, .. } => filter.admits(key),
        Entry::Failed { name, .. } | Entry::LeftOut { name, .. } => {
            let name = name.to_string_lossy();
            // What is in a directory that cannot be read may be wanted.
            if name.ends_with('/') { !filter.excludes(&name) } else { filter.admits(&name) }
        }
    }
}

async fn copy(args: CopyArgs, job: Job) -> Exit {
    let Job { transfer, flow, entries, listed, kind } = job;
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Copy };
    let output = if args.json { Output::Json } else { Output::Text };
    let mut report = Report::new(args.failed_list, transfer.clone(), mode, output, kind, flow);
    let bar = report.bar();
    let (mut first, again) = (Interrupts::from_keyboard(), Interrupts::from_keyboard());
    let summary = tokio::select! {
        summary = bulk::run(&transfer, entries, args.concurrency, mode, &mut report, first.next()) => summary,
        never = bar.measure(listed) => match never {},
        () = insisted(again) => return Exit::Interrupted,
    };
    finish(&summary, report, kind)
}

fn finish(summary: &Summary, report: Report, kind: Kind) -> Exit {
    // Of one object that was named, nothing was done.
    let left_out = kind == Kind::One && summary.skipped > 0;
    let exit = exit_of(summary, left_out);
    report.finish(summary, exit);
    if left_out {
        say("error: SRC is a symlink, or lies behind one, and --links leaves it out");
    }
    exit
}

fn exit_of(summary: &Summary, left_out: bool) -> Exit {
    let all = |some: u64| summary.failed > 0 && some == summary.failed && summary.copied == 0;
    match &summary.stopped {
        Some(StopReason::Interrupted) => Exit::Interrupted,
        Some(StopReason::CredentialsRefused) => Exit::CredentialsRefused,
        Some(StopReason::Settings(_)) => Exit::Usage,
        Some(StopReason::Listing(ListError::Bucket(error))) => store_exit(error),
        Some(StopReason::Listing(ListError::S3(failed))) => match failed.class {
            FailureClass::Auth => Exit::CredentialsRefused,
            FailureClass::Permanent => Exit::Usage,
            FailureClass::Transient | FailureClass::Throttled => Exit::Internal,
        },
        Some(StopReason::Listing(ListError::Directory(_) | ListError::Keys(..))) => Exit::Internal,
        None if all(summary.refused) => Exit::CredentialsRefused,
        None if all(summary.of_settings) => Exit::Usage,
        None if summary.failed > 0 || left_out => Exit::SomeFailed,
        None => Exit::Done,
    }
}

async fn remove_stale(args: &CopyArgs, mut r: Reader, http: &reqwest::Client) -> Exit {
    let place = args.destination.as_deref().or(args.source.as_deref()).unwrap_or_default();
    let to_clean = route::to_clean(place, &mut r);
    let before = r.accept("--older-than", time::parse(&args.older_than, clock::system()));
    let ((place, end), before) = match r.finish(to_clean.zip(before)) {
        Ok(ready) => ready,
        Err(error) => return usage(&error),
    };
    let bucket = match Clients::new(http).open(end) {
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
        Err(error) => super::store(&error),
    }
}
