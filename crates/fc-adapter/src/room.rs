//! Memory for events: what all events being handled may take together.
//!
//! - Bodies of up to [`SMALL`] bytes have a part of the room to themselves, so that they wait only for each
//!   other: larger ones may be few, slow and in front of them.
//! - A body of a known length waits for all that it needs before any of it is read. One of unknown length
//!   begins among the small ones with [`FIRST`] bytes and takes more as it comes, without waiting, of one
//!   half of that part: the other half is for those that come later. Where it finds no more there, it waits
//!   for the most that it may come to need among the large ones. Nothing among the large ones waits for
//!   anything else, so that there is always one that ends.
//! - A handler that has read the event says how much of it is left ([`keep_memory`]).

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is given out in pieces of this size.
const PIECE: usize = 1 << 10;

/// Longest body that is small. Platforms send no asynchronous event that is longer than half of it.
const SMALL: usize = 256 << 10;

/// What a body of unknown length is taken for at first.
const FIRST: usize = 4 << 10;

tokio::task_local! {
    /// Memory held for the current event.
    static HELD: RefCell<Taken>;
}

/// Releases what was reserved of [`Adapter::memory`](crate::Adapter::memory) for the current event beyond
/// `bytes`, for a handler that has dropped the event and goes on with less. It never takes more; outside of
/// the task in which the adapter runs the handler, it does nothing.
pub fn keep_memory(bytes: usize) {
    // Outside of a task of the adapter there is nothing to release.
    _ = HELD.try_with(|taken| taken.borrow_mut().keep(pieces(bytes)));
}

/// Runs `work` with `taken` as what is held for it.
pub(crate) async fn holding<W: Future>(taken: Taken, work: W) -> W::Output {
    HELD.scope(RefCell::new(taken), work).await
}

/// See [`Adapter::memory`](crate::Adapter::memory).
pub(crate) struct Room {
    small: Pool,
    large: Pool,
    weight: Box<dyn Fn(usize) -> usize + Send + Sync>,
}

struct Pool {
    pieces: Arc<Semaphore>,
    total: u32,
}

/// A part of the room, until it is dropped.
pub(crate) struct Taken {
    permit: Option<OwnedSemaphorePermit>,
    /// The length of a body that it is enough for.
    length: usize,
}

impl Pool {
    fn new(total: u32) -> Self {
        Self { pieces: Arc::new(Semaphore::new(total as usize)), total }
    }

    /// Waits for `pieces`, or for all there are.
    async fn take(&self, pieces: u32) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.pieces).acquire_many_owned(pieces.min(self.total)).await.ok()
    }

    /// Takes `pieces` if that leaves half of all free.
    fn try_take(&self, pieces: usize) -> Option<OwnedSemaphorePermit> {
        let spare = self.pieces.available_permits().saturating_sub(self.total as usize / 2);
        let pieces = u32::try_from(pieces).ok().filter(|pieces| *pieces as usize <= spare)?;
        Arc::clone(&self.pieces).try_acquire_many_owned(pieces).ok()
    }
}

impl Taken {
    /// Releases all but `pieces`.
    fn keep(&mut self, pieces: u32) {
        if let Some(permit) = &mut self.permit {
            drop(permit.split(permit.num_permits().saturating_sub(pieces as usize)));
        }
    }
}

impl Room {
    pub(crate) fn new(bytes: usize, weight: impl Fn(usize) -> usize + Send + Sync + 'static) -> Self {
        let total = pieces(bytes);
        let small = total / 4;
        Self { small: Pool::new(small), large: Pool::new(total - small), weight: Box::new(weight) }
    }

    /// Waits until there is room for a body of `length` bytes, or for the beginning of one of unknown length.
    /// One that weighs more than everything has it for itself.
    pub(crate) async fn take(&self, length: Option<usize>) -> Taken {
        let length = length.unwrap_or(FIRST);
        let pool = if length <= SMALL { &self.small } else { &self.large };
        Taken { permit: pool.take(self.pieces_for(length)).await, length }
    }

    /// Sees to it that there is room for `length` bytes of a body that may come to have `most`.
    pub(crate) async fn grow(&self, taken: &mut Taken, length: usize, most: usize) {
        if length <= taken.length {
            return;
        }
        let next = length.max(taken.length.saturating_mul(2)).min(SMALL).min(most);
        if length <= next {
            let held = taken.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let missing = (self.pieces_for(next).min(self.small.total) as usize).saturating_sub(held);
            let more = self.small.try_take(missing);
            if let (Some(permit), Some(more)) = (&mut taken.permit, more) {
                permit.merge(more);
                taken.length = next;
                return;
            }
        }
        *taken = Taken { permit: self.large.take(self.pieces_for(most)).await, length: most };
    }

    /// Gives back what a body does not need that turned out to have `length` bytes.
    pub(crate) fn keep(&self, taken: &mut Taken, length: usize) {
        taken.keep(self.pieces_for(length));
    }

    fn pieces_for(&self, length: usize) -> u32 {
        pieces((self.weight)(length))
    }
}

fn pieces(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX >> 4).min(u32::MAX >> 4)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const LARGE: usize = 300 << 10;

    /// Twice [`LARGE`] for large bodies, and a third of that for small ones.
    fn room() -> Room {
        Room::new(LARGE * 8 / 3, |length| length)
    }

    #[tokio::test]
    async fn bodies_wait_for_each_other_and_none_for_ever() {
        let room = room();
        let mut first = room.take(Some(2 * LARGE)).await;
        assert!(room.take(Some(LARGE)).now_or_never().is_none(), "all is taken");
        room.keep(&mut first, LARGE);
        let second = room.take(Some(LARGE)).now_or_never();
        assert!(second.is_some(), "half is taken");
        assert!(room.take(Some(100 * LARGE)).now_or_never().is_none());
        drop((first, second));
        assert!(room.take(Some(100 * LARGE)).now_or_never().is_some(), "more than there is gets all");
        assert!(room.take(Some(2 * LARGE)).now_or_never().is_some(), "and gives it back");
    }

    #[tokio::test]
    async fn small_bodies_do_not_wait_for_large_ones() {
        let room = room();
        let _large = room.take(Some(2 * LARGE)).await;
        let _first_in_line = Box::pin(room.take(Some(LARGE))).as_mut().now_or_never();
        let small = room.take(Some(2 * LARGE / 3)).now_or_never();
        assert!(small.is_some());
        assert!(room.take(Some(1)).now_or_never().is_none(), "but for each other");
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_takes_what_has_come() {
        let room = room();
        let mut silent = Vec::new();
        for _ in 0..10 {
            silent.push(room.take(None).now_or_never().unwrap());
        }
        assert_eq!(room.small.pieces.available_permits(), 200 - 10 * 4, "they hold next to nothing");
        let mut growing = room.take(None).now_or_never().unwrap();
        room.grow(&mut growing, FIRST, 2 * LARGE).now_or_never().unwrap();
        room.grow(&mut growing, FIRST + 1, 2 * LARGE).now_or_never().unwrap();
        assert_eq!(room.small.pieces.available_permits(), 200 - 10 * 4 - 8);
        room.grow(&mut growing, SMALL + 1, 2 * LARGE).now_or_never().unwrap();
        assert_eq!(room.small.pieces.available_permits(), 200 - 10 * 4, "it went to the large ones");
        assert_eq!(room.large.pieces.available_permits(), 0);
        room.keep(&mut growing, SMALL + 1);
        assert_eq!(room.large.pieces.available_permits(), 600 - 257);
    }

    #[tokio::test]
    async fn two_that_grow_do_not_wait_for_each_other() {
        let room = room();
        let (mut one, mut other) = (room.take(None).await, room.take(None).await);
        room.grow(&mut one, 40 << 10, LARGE).now_or_never().unwrap();
        room.grow(&mut other, 40 << 10, LARGE).now_or_never().unwrap();
        assert_eq!(room.small.pieces.available_permits(), 200 - 2 * 40, "half is left for others");
        assert_eq!(room.large.pieces.available_permits(), 600);
        room.grow(&mut one, 180 << 10, LARGE).now_or_never().unwrap();
        assert_eq!(room.large.pieces.available_permits(), 300);
    }

    #[tokio::test]
    async fn a_handler_gives_back_what_it_does_not_need() {
        let room = room();
        keep_memory(0);
        let taken = room.take(Some(LARGE)).await;
        let available = || room.large.pieces.available_permits();
        holding(taken, async {
            assert_eq!(available(), 300);
            keep_memory(LARGE * 2);
            assert_eq!(available(), 300, "it takes no more");
            keep_memory(PIECE + 1);
            assert_eq!(available(), 598);
        })
        .await;
        assert_eq!(available(), 600);
    }
}
