//! Memory for events: what all that are in hand at once may take together.

use std::{fmt, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory is given out in pieces of this size.
const PIECE: usize = 1 << 10;

/// See [`Adapter::memory`](crate::Adapter::memory).
pub(crate) struct Room {
    pieces: Arc<Semaphore>,
    total: u32,
    weight: Box<dyn Fn(usize) -> usize + Send + Sync>,
}

/// A part of the room, until it is dropped.
pub(crate) struct Taken(Option<OwnedSemaphorePermit>);

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("total", &self.total).finish_non_exhaustive()
    }
}

impl Room {
    pub(crate) fn new(bytes: usize, weight: impl Fn(usize) -> usize + Send + Sync + 'static) -> Self {
        let total = pieces(bytes);
        Self { pieces: Arc::new(Semaphore::new(total as usize)), total, weight: Box::new(weight) }
    }

    /// Waits until there is room for a body of `length` bytes. One that weighs more than everything has it for itself.
    pub(crate) async fn take(&self, length: usize) -> Taken {
        let wanted = self.pieces_for(length);
        // The semaphore is never closed.
        Taken(Arc::clone(&self.pieces).acquire_many_owned(wanted).await.ok())
    }

    /// Gives back what a body does not need that turned out to have `length` bytes.
    pub(crate) fn keep(&self, taken: &mut Taken, length: usize) {
        let needed = self.pieces_for(length) as usize;
        if let Some(permit) = &mut taken.0 {
            drop(permit.split(permit.num_permits().saturating_sub(needed)));
        }
    }

    fn pieces_for(&self, length: usize) -> u32 {
        pieces((self.weight)(length)).min(self.total)
    }
}

fn pieces(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX >> 4).min(u32::MAX >> 4)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn bodies_wait_for_each_other_and_none_for_ever() {
        let room = Room::new(10 * PIECE, |length| 2 * length);
        let mut first = room.take(4 * PIECE).await;
        assert!(room.take(2 * PIECE).now_or_never().is_none(), "8 of 10 are taken");
        room.keep(&mut first, PIECE);
        let second = room.take(4 * PIECE).now_or_never();
        assert!(second.is_some(), "2 of 10 are taken");
        assert!(room.take(100 * PIECE).now_or_never().is_none());
        drop((first, second));
        assert!(room.take(100 * PIECE).now_or_never().is_some(), "more than there is gets all");
        assert!(room.take(10 * PIECE).now_or_never().is_some(), "and gives it back");
    }
}
