//! `--estimate`: what the comparison will take, before it is made.

mod own_price;
mod shown;

use clap::Args;
use object_copy::transfer::{Concern, Side as End, Source, TransferError};
use reconcile::Side;
use reconcile::estimate::{Bringing, Expected, Prices, Service, SideReading, Span, Work};
use reconcile::listing::{Holding, KnownBy, Precision};
use repair::Extras;
use settings::{Invalid, Reader, parse};

use self::own_price::OwnPrice;
use self::shown::ShownEstimate;
use super::ReconcileArgs;
use super::inventories::Used;
use super::plan::Plan;
use super::repair_plan::{PlannedRepair, bringing};
use super::result::ComparisonEnding;
use crate::cli::places::ends::Ends;
use crate::cli::{Ended, Exit};
use crate::failure::Failure;
use terminal::output::OutputFormat;

/// How much there is to do, and what is paid for it.
#[derive(Args)]
pub(super) struct EstimateArgs {
    /// Say how many requests the comparison will take, and roughly what they cost by list prices, and end.
    #[arg(long, conflicts_with_all = ["report", "metrics"])]
    estimate: bool,
    /// With `--estimate`: objects at each side, where the services do not say how many there are, or not of
    /// this part of a bucket.
    #[arg(long, value_name = "N", requires = "estimate", value_parser = keys, hide_short_help = true)]
    keys: Option<u64>,
    /// With `--estimate`: a price of your own, such as `src-list=0.01CNY`. Those of a side take the place of
    /// all its list prices. Of 10,000 requests: `src-list`, `src-read`, `dst-list`, `dst-read`; of a GiB that
    /// leaves the cloud: `src-traffic`, `dst-traffic`.
    #[arg(long, value_name = "WHAT=PRICE", requires = "estimate", hide_short_help = true)]
    price: Vec<OwnPrice>,
}

fn keys(text: &str) -> Result<u64, Invalid> {
    parse::number(text, 0..=1_000_000_000_000)
}

impl EstimateArgs {
    /// Whether nothing is compared.
    pub(super) fn is_wanted(&self) -> bool {
        self.estimate
    }
}

/// A side, and what is known of it.
struct KnownSide<'p> {
    end: End,
    side: &'p Side,
    /// What it holds; the reason where the service refuses to tell.
    told: Result<Option<Holding>, TransferError>,
    /// Objects that the run of the checkpoint listed.
    listed: u64,
    inventory: Option<&'p Used>,
    prices: Option<Prices>,
}

/// Asks what is known, and says what follows from it. What the command itself would refuse is refused.
pub(super) async fn run(args: &ReconcileArgs, mut reader: Reader, http: &reqwest::Client) -> Ended {
    let own = own_price::of_sides(&mut reader, &args.estimate.price);
    let bringing = bringing(args)?;
    let planned = PlannedRepair::new(args, http).await?;
    let Plan { comparison, records, ends, inventories, priced } = Plan::new(args, reader, http).await?;
    if let Some(planned) = &planned {
        let most = planned.repair.max_delete.unwrap_or_default();
        // Both sides of --fix are buckets, so that of these checks only that for an overlap can strike
        // there.
        if let Err(unsuitable) = Extras::new(&comparison.source, &comparison.destination, most) {
            let ending = ComparisonEnding::new(args, &comparison, ends, inventories);
            return Err(planned.ended(&unsuitable.into(), &ending));
        }
    }
    let resumed = records.resumed.as_ref();
    let listed = resumed.map_or([0; 2], |resumed| [resumed.totals.source, resumed.totals.destination]);
    // The plan asks OMS for the sync task.
    let of_plan = u64::from(matches!(bringing, Some(Bringing::Oms | Bringing::Task)));
    let mut asked = of_plan + inventories.iter().map(Used::requests).sum::<u64>();
    let mut known = async |end: End, side, listed, own: Option<Prices>, service: Option<Service>| {
        let told = match (told(side, end, &ends, &mut asked).await?, args.estimate.keys) {
            // What is known is known better.
            (Ok(Some(holding)), _) if holding.precision != Precision::AtMost => Ok(Some(holding)),
            (_, Some(objects)) => Ok(Some(given(objects))),
            (told, None) => told,
        };
        let inventory = inventories.iter().find(|used| used.end == end);
        let prices = own.or_else(|| service.and_then(Prices::listed));
        Ok::<_, Failure>(KnownSide { end, side, told, listed, inventory, prices })
    };
    let ([own_ours, own_theirs], [ours, theirs]) = (own, priced);
    let source = known(End::Source, &comparison.source, listed[0], own_ours, ours).await?;
    let destination = known(End::Destination, &comparison.destination, listed[1], own_theirs, theirs).await?;
    let can_seek = [&source, &destination].iter().all(|known| known.side.listing.can_seek());
    let work = Work {
        check: comparison.check,
        ranges: if can_seek { (comparison.requests as u64 / 2).max(1) } else { 1 },
        open: resumed.map_or(1, |resumed| resumed.ranges.len() as u64),
        bringing,
        is_one_service: ours.is_some() && ours == theirs,
        deletions: args.repair.deletions(),
        is_dry: args.repair.is_dry(),
    };
    let shown = ShownEstimate::new([&source, &destination], work, asked);
    match OutputFormat::of(args.json) {
        OutputFormat::Json => shown.print_json(),
        OutputFormat::Text => shown.print(),
    }
    Ok(Exit::Done)
}

/// What the user says that a side holds.
fn given(objects: u64) -> Holding {
    Holding { objects, precision: Precision::Exact, bytes: None, known_by: KnownBy::Given }
}

/// What a side says that it holds. A missing right is no reason to end: the number is not known then.
/// Anything else would end the comparison too.
async fn told(
    side: &Side,
    end: End,
    ends: &Ends,
    asked: &mut u64,
) -> Result<Result<Option<Holding>, TransferError>, Failure> {
    let is_asked = matches!(side.objects, Some(Source::Store(_))) && side.listing.complete_to().is_none();
    *asked += u64::from(is_asked);
    match side.holding().await {
        Ok(holding) => Ok(Ok(holding)),
        Err(failed) if refuses_to_tell(&failed) => Ok(Err(failed)),
        Err(failed) => Err(ends.failure_at(Some(end), &failed.at(end))),
    }
}

fn refuses_to_tell(failed: &TransferError) -> bool {
    let is_unknown_operation = matches!(failed.error.status, Some(405 | 501));
    failed.refusal() == Some(Concern::Permission) || is_unknown_operation
}

impl KnownSide<'_> {
    fn expected(&self) -> Expected {
        let reading = match (self.inventory, &self.side.objects) {
            (Some(used), _) => {
                SideReading::Inventory { files: used.files_in_bucket(), can_ask: used.can_ask }
            }
            (None, Some(Source::Directory(_))) => SideReading::Files,
            (None, _) => SideReading::Service,
        };
        let Ok(Some(Holding { objects, precision, bytes, .. })) = self.told else {
            return Expected { reading, objects: Span::UNKNOWN, bytes: Span::UNKNOWN };
        };
        let left = objects.saturating_sub(self.listed);
        let span = |number| match precision {
            Precision::Exact => Span::exactly(number),
            Precision::About | Precision::AtMost => Span::up_to(number),
        };
        // Which objects are left says nothing about their size.
        let of_left = |bytes| if self.listed > 0 { Span::up_to(bytes) } else { span(bytes) };
        Expected { reading, objects: span(left), bytes: bytes.map_or(Span::UNKNOWN, of_left) }
    }
}
