//! `--fix` and `--delete-extra`: what the arguments and settings ask for.

use std::time::Duration;

use bridge_config::table::copy::{DEST, SOURCE_BUCKET};
use bridge_config::table::oms::{EXCLUDE, FORWARD_MODE, INCLUDE, SYNC_URL};
use bridge_config::{ForwardMode, Settings, keys};
use bridge_core::credentials::SourceCredentials;
use bridge_core::engine::CommonCause;
use bridge_core::oms::task::OmsApi;
use clap::{ArgGroup, Args, ValueEnum};
use object_copy::clock;
use oss_lite::Dialect;
use reconcile::estimate::Bringing;
use repair::{Fix, Forwarded, Forwarder, Repair, RepairError, Repaired};
use settings::location::{Place, scheme};
use settings::{Invalid, Reader, Values, parse};
use signature_breaker::Breakers;

use super::ReconcileArgs;
use super::inventories::Argument;
use super::result::ComparisonEnding;
use super::same_task::{not_for_oms, task_between};
use super::task_failure::TaskEnds;
use super::tasks;
use crate::assemble;
use crate::cli::places::location::Location;
use crate::cli::{say, variable};
use crate::failure::{EngineEnds, Failure};

/// What is changed, and within which limits.
#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("repair").multiple(true).args(["fix", "delete_extra"]))]
pub(super) struct RepairArgs {
    /// Bring over what is missing or different, and record it as events are recorded (`LOG_BUCKET`).
    #[arg(long, value_enum, value_name = "HOW")]
    fix: Option<FixChoice>,
    /// Delete in DST what SRC does not have. SRC is asked for each key before.
    #[arg(long, requires = "max_delete")]
    delete_extra: bool,
    /// With `--delete-extra`: delete nothing at all if more keys than this are extra, 1 to 100000.
    #[arg(long, value_name = "N", requires = "delete_extra", value_parser = deletes)]
    max_delete: Option<usize>,
    /// With `--delete-extra`: delete although nothing in SRC was compared.
    #[arg(long, requires = "delete_extra", hide_short_help = true)]
    allow_empty_source: bool,
    /// With `--fix`: seconds to wait until what OMS accepted has arrived.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "900",
        requires = "fix",
        value_parser = fix_wait,
        hide_short_help = true
    )]
    fix_wait: Duration,
    /// Change nothing, and say what would be brought over and deleted.
    #[arg(long, requires = "repair")]
    dry_run: bool,
}

/// Who brings missing and different objects over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FixChoice {
    /// The keys are sent to OMS's sync task (`SYNC_URL`), which copies.
    Oms,
    /// This program copies.
    Copy,
    /// As `FORWARD_MODE` says, and this program where OMS cannot.
    Auto,
    /// A migration task of OMS copies what a list names, for more than about 100,000 keys. It is followed to
    /// its end.
    OmsTask,
}

fn deletes(text: &str) -> Result<usize, Invalid> {
    parse::number(text, 1..=100_000)
}

fn fix_wait(text: &str) -> Result<Duration, Invalid> {
    parse::seconds(text, Duration::from_hours(24))
}

impl RepairArgs {
    /// Whether a side is to be changed, or would be but for `--dry-run`.
    pub(super) fn changes_sides(&self) -> bool {
        self.fix.is_some() || self.delete_extra
    }

    /// How many extra keys may be deleted, where some may.
    pub(super) fn deletions(&self) -> Option<u64> {
        self.max_delete.filter(|_| self.delete_extra).map(|most| most as u64)
    }

    /// Whether nothing is changed.
    pub(super) fn is_dry(&self) -> bool {
        self.dry_run
    }

    /// Whether an emptied DST was asked for, so that two empty sides are as they should be.
    pub(super) fn may_be_empty(&self) -> bool {
        self.allow_empty_source
    }
}

/// What makes both sides equal, and what its failures are explained by.
pub(super) struct PlannedRepair {
    pub(super) repair: Repair,
    ends: Option<EngineEnds>,
    task_ends: Option<TaskEnds>,
}

impl PlannedRepair {
    /// What the arguments ask for; `None` where nothing is to be changed.
    pub(super) async fn new(args: &ReconcileArgs, http: &reqwest::Client) -> Result<Option<Self>, Failure> {
        let RepairArgs { fix, delete_extra, max_delete, allow_empty_source, fix_wait, dry_run } = args.repair;
        if !args.repair.changes_sides() {
            return Ok(None);
        }
        let (mut ends, mut task_ends) = (None, None);
        let fix = match fix {
            Some(FixChoice::OmsTask) => {
                let (from, to) = places(args)?;
                let (values, _) = values(FixChoice::OmsTask, args.settings.values(), &from, &to)?;
                let (forwarder, of) = tasks::forwarder(args, values, (&from, &to), http).await?;
                task_ends = Some(of);
                Some(Fix::Tasks(Box::new(forwarder)))
            }
            Some(choice) => {
                let (forwarder, of) = forwarder(choice, args, http).await?;
                ends = Some(of);
                Some(Fix::Pipeline(Box::new(forwarder)))
            }
            None => None,
        };
        let repair = Repair {
            fix,
            max_delete: max_delete.filter(|_| delete_extra),
            may_source_be_empty: allow_empty_source,
            wait: fix_wait,
            is_dry: dry_run,
            clock: clock::system,
        };
        Ok(Some(Self { repair, ends, task_ends }))
    }

    /// Why nothing more could be forwarded, if that is so.
    pub(super) fn failure(&self, repaired: &Repaired) -> Option<Failure> {
        let Forwarded { report, .. } = repaired.forwarded.as_ref()?;
        let of_all =
            if report.accepted == 0 { CommonCause::of_all(&report.cause, report.failed) } else { None };
        let refused = report.cause.first().filter(|_| report.refused_credentials > 0);
        refused.or(of_all).zip(self.ends.as_ref()).map(|(failed, ends)| ends.failure(failed))
    }

    /// Why it ended early.
    pub(super) fn ended(&self, error: &RepairError, ending: &ComparisonEnding) -> Failure {
        match error {
            RepairError::Unsuitable(_) => {
                let option = if self.repair.max_delete.is_some() { "--delete-extra" } else { "--fix" };
                Failure::configuration(error).of_setting(option).with_remedy("leave it out for these sides")
            }
            RepairError::Task(failed) => match &self.task_ends {
                Some(ends) => ends.failure(failed, ending),
                None => Failure::internal(error),
            },
        }
    }
}

/// OMS copies a key to the same key.
fn oms_can(from: &Place, to: &Place) -> bool {
    to.dialect == Dialect::Obs && from.folder() == to.folder()
}

async fn forwarder(
    choice: FixChoice,
    args: &ReconcileArgs,
    http: &reqwest::Client,
) -> Result<(Forwarder, EngineEnds), Failure> {
    let (from, to) = places(args)?;
    let (values, mode) = values(choice, args.settings.values(), &from, &to)?;
    let mut reader = Reader::new(values);
    let settings = Settings::read(&mut reader);
    keys::need_oss(&mut reader);
    let settings = reader.finish(settings)?;
    if let (ForwardMode::Oms | ForwardMode::OmsThenCopy, Some(oms)) = (mode, settings.mode.oms()) {
        let breaker = Breakers::new(clock::system).of_oms(&oms.huawei);
        let api = OmsApi::new(http.clone(), &oms.sync_url, oms.huawei.clone(), breaker);
        if task_between(&api, oms.sync_url.host(), &from, &to).await?.is_none() {
            say(
                "whether SYNC_URL is a task from SRC to DST is not known: the right oms:synctask:get is missing",
            );
        }
    }
    let ends = EngineEnds::of(&settings);
    let pipeline = assemble::pipeline(settings, http).map_err(Failure::configuration)?;
    let credentials = SourceCredentials::new(variable);
    let copies_later = mode != ForwardMode::Copy;
    Ok((Forwarder { pipeline, credentials, prefix: from.folder(), copies_later }, ends))
}

/// Who would bring objects over; `None` without `--fix`.
pub(super) fn bringing(args: &ReconcileArgs) -> Result<Option<Bringing>, Failure> {
    let Some(choice) = args.repair.fix else { return Ok(None) };
    let (from, to) = places(args)?;
    let (_, mode) = values(choice, args.settings.values(), &from, &to)?;
    Ok(Some(match (choice, mode) {
        (FixChoice::OmsTask, _) => Bringing::Task,
        (_, ForwardMode::Copy) => Bringing::Copy,
        (_, ForwardMode::Oms | ForwardMode::OmsThenCopy) => Bringing::Oms,
    }))
}

/// SRC and DST, where objects can be forwarded between them.
fn places(args: &ReconcileArgs) -> Result<(Place, Place), Failure> {
    let parsed = |name: &'static str, text: &str| {
        Argument::parse(text).map_err(|invalid| Failure::configuration(invalid).of_setting(name))
    };
    match (parsed("SRC", &args.source)?, parsed("DST", &args.destination)?) {
        (
            Argument { location: Location::Store(from), inventory: None },
            Argument { location: Location::Store(to), inventory: None },
        ) if from.dialect == Dialect::Oss => Ok((from, to)),
        (Argument { inventory: Some(_), .. }, _) | (_, Argument { inventory: Some(_), .. }) => {
            let what = Invalid::new("an inventory does not show what is there now");
            let remedy = "name the buckets themselves, or leave it out";
            Err(Failure::configuration(what).of_setting("--fix").with_remedy(remedy))
        }
        _ => {
            let what = Invalid::new("works from a bucket of OSS to a bucket of OSS or OBS");
            let remedy = "leave it out, and use `oms-bridge copy -r` for these sides";
            Err(Failure::configuration(what).of_setting("--fix").with_remedy(remedy))
        }
    }
}

/// The settings of the pipeline: what SRC, DST and `--fix` say goes before the environment.
fn values(
    choice: FixChoice,
    values: Values,
    from: &Place,
    to: &Place,
) -> Result<(Values, ForwardMode), Failure> {
    let (ours, theirs) = (from.folder(), to.folder());
    let oms_can = oms_can(from, to);
    let mut values = values.unmissed();
    let given = values.get(&FORWARD_MODE.spec).map(|text| text.trim().parse::<ForwardMode>()).transpose();
    let given =
        given.map_err(|invalid| Failure::configuration(invalid).of_setting(FORWARD_MODE.spec.name))?;
    let by_default = if values.get(&SYNC_URL.spec).is_some() { ForwardMode::Oms } else { ForwardMode::Copy };
    let mode = match choice {
        FixChoice::Oms | FixChoice::OmsTask => ForwardMode::Oms,
        FixChoice::Auto if oms_can => given.unwrap_or(by_default),
        FixChoice::Auto | FixChoice::Copy => ForwardMode::Copy,
    };
    if mode != ForwardMode::Copy && !oms_can {
        return Err(not_for_oms());
    }
    // The engine puts the folder of its destination before whole keys of the source.
    let before = theirs.strip_suffix(ours.as_str()).filter(|rest| rest.is_empty() || rest.ends_with('/'));
    let destination = before.map(|before| format!("{}://{}/{before}", scheme(to.dialect), to.bucket));
    let is_meant = |text: &String| {
        let folder = text.parse::<Place>().map(|place| place.folder());
        folder.is_ok_and(|folder| [&folder, ours.as_str()].concat() == theirs)
    };
    let Some(destination) = destination.filter(is_meant) else {
        let what = Invalid::new("copies keep the whole key, so the folder in DST must end as that in SRC");
        let remedy = "name such a folder, or use `oms-bridge copy -r` for these sides";
        return Err(Failure::configuration(what).of_setting("--fix").with_remedy(remedy));
    };
    values.set(&FORWARD_MODE.spec, mode.as_str());
    values.set(&SOURCE_BUCKET.spec, from.bucket.as_str());
    values.set(&DEST.spec, if mode == ForwardMode::Oms { "" } else { &destination });
    // What is compared is said by the options of the comparison.
    values.set(&INCLUDE.spec, "");
    values.set(&EXCLUDE.spec, "");
    Ok((values, mode))
}
