//! Accepted keys beside their markers, from listings that are read together in the order of keys.

use std::collections::HashSet;
use std::pin::Pin;

use futures_util::stream::{BoxStream, Peekable};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use oss_lite::{Error, ListOptions, ListedObject};

use super::OpenJournal;
use super::accepted::{AcceptedEntry, AcceptedKey, MarkerRef, Position};
use super::layout::{Markers, Naming, RecordStatus};
use super::marker::{self, Marker};

/// How much is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Keys with a success record: what is left to do is among them.
    Open,
    /// And the markers of those that were confirmed, which have none any more.
    All,
}

/// Markers with the key or hash that they are about.
type MarkerStream = Pin<Box<Peekable<BoxStream<'static, Result<(String, MarkerRef), Error>>>>>;
type Objects = BoxStream<'static, Result<ListedObject, Error>>;

/// Listings in the order of keys.
struct Listings {
    journal: OpenJournal,
    naming: Naming,
    folder: usize,
    accepted: Pin<Box<Peekable<Objects>>>,
    markers: MarkerStream,
}

impl OpenJournal {
    /// The accepted keys that begin with `prefix`, after `after`, each with its markers, in the order of
    /// keys. Pages of the listings are asked for as the stream is read. Of keys that are named by their hash
    /// all come, whatever the prefix.
    pub fn accepted(
        &self,
        reach: Reach,
        prefix: &str,
        after: Option<&Position>,
    ) -> impl Stream<Item = Result<AcceptedEntry, Error>> + Send + use<> {
        let by_key = match after {
            Some(Position::Hash(_)) => None,
            Some(Position::Key(key)) => Some(self.listings(reach, Naming::Key, prefix, Some(key))),
            None => Some(self.listings(reach, Naming::Key, prefix, None)),
        };
        let after = match after {
            Some(Position::Hash(hash)) => Some(hash.as_str()),
            _ => None,
        };
        let by_hash = self.listings(reach, Naming::Hash, "", after);
        let entries = stream::iter(by_key.into_iter().chain([by_hash])).flat_map(Listings::entries);
        // A key of nearly the greatest length is named in its success record, and by its hash in its markers,
        // which are longer: they came with the key, and are no orphans among the hashes.
        let mut known = HashSet::new();
        entries.try_filter(move |entry| {
            let is_new = match entry {
                AcceptedEntry::Key(key) if key.is_named_by_key() => {
                    let by_hash = key.markers().iter().filter(|marker| marker.is_named_by_hash());
                    known.extend(by_hash.map(|marker| marker.name().to_owned()));
                    true
                }
                AcceptedEntry::Key(_) => true,
                AcceptedEntry::Orphan(marker) => !known.remove(marker.name()),
            };
            std::future::ready(is_new)
        })
    }

    fn listings(&self, reach: Reach, naming: Naming, prefix: &str, after: Option<&str>) -> Listings {
        let folder = self.journal.layout().folder(RecordStatus::Success, naming);
        let accepted = self.objects(
            [&folder, prefix].concat(),
            after.map(|after| [&folder, after].concat()),
            folder.len(),
        );
        let open = self.markers(Markers::Open, naming, prefix, after);
        let markers = match reach {
            Reach::Open => open,
            Reach::All => both(open, self.markers(Markers::Confirmed, naming, prefix, after)),
        };
        Listings {
            journal: self.clone(),
            naming,
            folder: folder.len(),
            accepted: Box::pin(accepted.peekable()),
            markers,
        }
    }

    /// The markers of a folder, in the order of keys, from the keys that begin with `prefix`, after `after`.
    pub(super) fn markers(
        &self,
        markers: Markers,
        naming: Naming,
        prefix: &str,
        after: Option<&str>,
    ) -> MarkerStream {
        let folder = self.journal.layout().markers(markers, naming);
        let escaped = |text: &str| match naming {
            Naming::Key => marker::escaped(text).into_owned(),
            Naming::Hash => text.to_owned(),
        };
        // All suffixes begin with a letter after the separator.
        let behind = |after: &str| [&folder, &*escaped(after), "!~"].concat();
        let length = folder.len();
        let objects = self.objects([&folder, &*escaped(prefix)].concat(), after.map(behind), length);
        let read = move |object| std::future::ready(Ok(MarkerRef::of(object, length, naming)));
        Box::pin(objects.try_filter_map(read).boxed().peekable())
    }

    /// The objects whose names are longer than `folder`, which some tools create as an object.
    fn objects(&self, prefix: String, start_after: Option<String>, folder: usize) -> Objects {
        let options = ListOptions { prefix: Some(prefix), start_after, ..ListOptions::default() };
        let pages = self.bucket.list(options);
        let objects = pages.map_ok(|page| stream::iter(page.objects.into_iter().map(Ok))).try_flatten();
        objects.try_filter(move |object| std::future::ready(object.key.len() > folder)).boxed()
    }

    /// The markers of one key, in one folder.
    pub(super) async fn markers_of(&self, markers: Markers, key: &str) -> Result<Vec<MarkerRef>, Error> {
        let (naming, start) = self.journal.layout().marker_start(markers, key);
        let folder = self.journal.layout().markers(markers, naming).len();
        let objects: Vec<ListedObject> =
            self.objects(format!("{start}!"), None, folder).try_collect().await?;
        let found = objects.into_iter().filter_map(|object| MarkerRef::of(object, folder, naming));
        Ok(found.map(|(_, marker)| marker).collect())
    }
}

/// Two listings of markers as one. What both say of a key comes once: a run was killed while it moved it.
fn both(open: MarkerStream, confirmed: MarkerStream) -> MarkerStream {
    let state = (open, confirmed, None::<(String, Vec<Marker>)>);
    let next = |(mut open, mut confirmed, mut last): (MarkerStream, MarkerStream, Option<_>)| async move {
        loop {
            let first = match (open.as_mut().peek().await, confirmed.as_mut().peek().await) {
                (Some(Ok((one, _))), Some(Ok((other, _)))) => one <= other,
                (Some(_), Some(Ok(_)) | None) => true,
                _ => false,
            };
            let next =
                if first { open.as_mut().try_next().await? } else { confirmed.as_mut().try_next().await? };
            let Some((key, marker)) = next else { return Ok(None) };
            let (of, said): &mut (String, Vec<Marker>) = last.get_or_insert_default();
            if *of != key {
                key.clone_into(of);
                said.clear();
            }
            if !said.contains(&marker.marker) {
                said.push(marker.marker);
                return Ok(Some(((key, marker), (open, confirmed, last))));
            }
        }
    };
    Box::pin(stream::try_unfold(state, next).boxed().peekable())
}

impl Listings {
    fn entries(self) -> BoxStream<'static, Result<AcceptedEntry, Error>> {
        let next = |mut own: Self| async move { Ok(own.next().await?.map(|entry| (entry, own))) };
        stream::try_unfold(self, next).boxed()
    }

    async fn next(&mut self) -> Result<Option<AcceptedEntry>, Error> {
        let folder = self.folder;
        let accepted = match self.accepted.as_mut().peek().await {
            Some(Ok(object)) => Some(object.key[folder..].to_owned()),
            // Taken below.
            Some(Err(_)) => None,
            None => {
                let orphan = self.markers.as_mut().try_next().await?;
                return Ok(orphan.map(|(_, marker)| AcceptedEntry::Orphan(marker)));
            }
        };
        let Some(key) = accepted else {
            // The listings end with the first error.
            return match self.accepted.as_mut().try_next().await {
                Err(error) => Err(error),
                Ok(_) => Ok(None),
            };
        };
        let before =
            self.markers.as_mut().next_if(|next| next.as_ref().is_ok_and(|(own, _)| *own < key)).await;
        if let Some(orphan) = before {
            return orphan.map(|(_, marker)| Some(AcceptedEntry::Orphan(marker)));
        }
        let mut markers = Vec::new();
        while let Some(own) =
            self.markers.as_mut().next_if(|next| next.as_ref().map_or(true, |(own, _)| *own == key)).await
        {
            markers.push(own?.1);
        }
        let by_hash = || self.journal.layout().marker_start(Markers::Open, &key).0 == Naming::Hash;
        if self.naming == Naming::Key && by_hash() {
            markers = self.journal.markers_of(Markers::Open, &key).await?;
        }
        let Some(object) = self.accepted.as_mut().try_next().await? else { return Ok(None) };
        Ok(Some(AcceptedEntry::Key(AcceptedKey::new(object, folder, self.naming, markers))))
    }
}
