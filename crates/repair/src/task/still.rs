//! Whether a key is still to be copied when it goes on a list: a comparison may have looked at it hours ago,
//! and a task replaces what it finds.

use object_copy::transfer::{ObjectFacts, Side as End, Source, TransferError};
use reconcile::judge::{Verdict, by_facts};
use reconcile::{Finding, Side};

use crate::listed::{facts, is_as_listed};

/// Both sides, which are asked once more.
#[derive(Clone, Debug)]
pub(super) struct Sides {
    source: Source,
    source_prefix: String,
    destination: Source,
    destination_prefix: String,
}

impl Sides {
    /// `None` where one of them cannot be asked for single objects.
    pub(super) fn of(source: &Side, destination: &Side) -> Option<Self> {
        Some(Self {
            source: source.objects.clone()?,
            source_prefix: source.prefix.clone(),
            destination: destination.objects.clone()?,
            destination_prefix: destination.prefix.clone(),
        })
    }

    /// The whole key at the source.
    pub(super) fn key(&self, finding: &Finding) -> String {
        [&self.source_prefix, finding.key()].concat()
    }

    /// Whether the source has a key.
    pub(super) async fn source_has(&self, key: &str) -> Result<bool, TransferError> {
        let facts = self.source.facts(key).await.map_err(|failed| failed.at(End::Source))?;
        Ok(facts.is_some())
    }

    /// Whether what was found missing or different still is.
    pub(super) async fn still(&self, finding: &Finding) -> Result<bool, TransferError> {
        let (ours, theirs) = (self.key(finding), [&self.destination_prefix, finding.key()].concat());
        let (ours, theirs) = tokio::join!(self.source.facts(&ours), self.destination.facts(&theirs));
        let ours = ours.map_err(|failed| failed.at(End::Source))?;
        let theirs = theirs.map_err(|failed| failed.at(End::Destination))?;
        Ok(is_to_copy(finding, ours.as_ref(), theirs.as_ref()))
    }
}

/// By what both sides have now. What was written since it was listed is judged anew.
fn is_to_copy(finding: &Finding, ours: Option<&ObjectFacts>, theirs: Option<&ObjectFacts>) -> bool {
    let Some(ours) = ours else { return false };
    let Some(theirs) = theirs else { return true };
    let is_same = |listed: &Option<_>, now| listed.as_ref().is_some_and(|it| is_as_listed(&facts(it), now));
    is_same(&finding.source, ours) && is_same(&finding.destination, theirs)
        || matches!(by_facts(ours, theirs), Verdict::Different(_))
}

#[cfg(test)]
mod tests {
    use reconcile::judge::Basis;
    use reconcile::listing::Listed;

    use super::*;

    fn now(size: u64, etag: &str) -> ObjectFacts {
        ObjectFacts { size: Some(size), etag: Some(etag.to_owned()), ..ObjectFacts::default() }
    }

    fn listed(size: u64, etag: &str) -> Listed {
        Listed { key: "k".to_owned(), size, etag: Some(etag.into()), ..Listed::default() }
    }

    fn found(destination: Option<Listed>) -> Finding {
        let verdict = match destination {
            Some(_) => Verdict::Different(Basis::Etag),
            None => Verdict::Missing,
        };
        Finding { verdict, source: Some(listed(3, "a")), destination }
    }

    #[test]
    fn what_is_gone_from_the_source_or_has_arrived_since_is_not_copied() {
        let (missing, different) = (found(None), found(Some(listed(3, "b"))));
        let (as_listed, other) = (now(3, "a"), now(3, "b"));
        for finding in [&missing, &different] {
            assert!(!is_to_copy(finding, None, None) && !is_to_copy(finding, None, Some(&other)));
            assert!(is_to_copy(finding, Some(&as_listed), None));
        }
        assert!(is_to_copy(&different, Some(&as_listed), Some(&other)), "as it was listed");
        // An object that came since, and of which nothing says that it is another one.
        assert!(!is_to_copy(&missing, Some(&as_listed), Some(&now(3, "c"))));
        assert!(!is_to_copy(&different, Some(&as_listed), Some(&now(3, "c"))));
        assert!(is_to_copy(&missing, Some(&as_listed), Some(&now(4, "c"))), "another size");
        let copy = |of: &str| ObjectFacts { source_etag: Some(of.to_owned()), ..now(3, "c") };
        assert!(!is_to_copy(&different, Some(&as_listed), Some(&copy("a"))), "it was copied since");
        assert!(is_to_copy(&different, Some(&as_listed), Some(&copy("older"))));
    }
}
