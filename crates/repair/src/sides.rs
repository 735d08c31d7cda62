//! Sides that can be made equal.

use object_copy::transfer::Source;
use reconcile::Side;

/// Why two sides cannot be made equal in the way that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// Deleted objects would have to be files, or objects of a service that is only read.
    #[error("objects are only deleted in buckets of OSS and OBS")]
    NoBucket,
    /// What the destination has now is not known.
    #[error("DST is an inventory, which does not show what is there now")]
    Inventory,
    /// It cannot be asked whether the source has a key.
    #[error("SRC cannot be asked for single objects, so nothing that it lacks is deleted")]
    CannotAsk,
    /// An object of one side may be one of the other side as well.
    #[error("SRC and DST overlap: an object of one is also an object of the other")]
    Overlap,
}

/// Whether one folder lies in the other, or they are the same one.
pub(crate) fn check_overlap(source: &Side, destination: &Side) -> Result<(), Unsuitable> {
    let (Some(Source::Store(ours)), Some(Source::Store(theirs))) = (&source.objects, &destination.objects)
    else {
        return Ok(());
    };
    let is_one_bucket = ours.dialect() == theirs.dialect() && ours.name() == theirs.name();
    let (ours, theirs) = (source.prefix.as_str(), destination.prefix.as_str());
    if is_one_bucket && (ours.starts_with(theirs) || theirs.starts_with(ours)) {
        return Err(Unsuitable::Overlap);
    }
    Ok(())
}
