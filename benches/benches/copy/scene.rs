//! What there is to copy, and whether it arrived.

use bytes::Bytes;
use fastrand::Rng;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oss_lite::{Bucket, ListOptions, ListedObject, PutOptions, StreamBody};

use crate::Result;
use crate::scale::{SMALL, Scale};

/// Bytes that are made at once.
const BLOCK: u64 = 1 << 20;

/// Small objects that are put at once.
const PUTS: usize = 32;

const SEED: u64 = 0x5eed;

/// What is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// One object of pseudo-random bytes.
    Large,
    /// Many objects of pseudo-random bytes.
    Small,
    /// One object of zeros, which takes no memory at either end.
    Sparse,
}

impl Load {
    /// The key, or what all keys begin with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Large => "large/object",
            Self::Small => "small/",
            Self::Sparse => "sparse/object",
        }
    }

    /// What all keys begin with, up to a slash.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Large => "large/",
            Self::Small => "small/",
            Self::Sparse => "sparse/",
        }
    }
}

/// Puts all there is to copy into a bucket.
pub(crate) async fn fill(bucket: &Bucket, scale: Scale) -> Result<()> {
    let mut random = Rng::with_seed(SEED);
    let noise = move |_| Bytes::from_owner(block(&mut random));
    put(bucket, Load::Large, scale.large, noise).await?;
    let zeros = Bytes::from(vec![0; usize::try_from(BLOCK)?]);
    put(bucket, Load::Sparse, scale.sparse, move |_| zeros.clone()).await?;
    let mut random = Rng::with_seed(!SEED);
    let puts = (0..scale.objects).map(|number| {
        let (key, body) =
            (format!("{}{number:07}", Load::Small.prefix()), block(&mut random)[..SMALL].to_vec());
        async move { bucket.put(&key, body.into(), PutOptions::default()).await }
    });
    stream::iter(puts).buffer_unordered(PUTS).try_for_each(|_| async { Ok(()) }).await?;
    Ok(())
}

fn block(random: &mut Rng) -> Vec<u8> {
    let mut block = vec![0; 1 << 20];
    random.fill(&mut block);
    block
}

async fn put(
    bucket: &Bucket,
    load: Load,
    size: u64,
    block: impl FnMut(u64) -> Bytes + Send + 'static,
) -> Result<()> {
    let blocks = stream::iter((0..size / BLOCK).map(block).map(Ok::<_, std::io::Error>));
    bucket.put_stream(load.prefix(), StreamBody::new(size, blocks), PutOptions::default()).await?;
    Ok(())
}

/// All objects of a load, in the order of their keys.
pub(crate) async fn list(bucket: &Bucket, load: Load) -> Result<Vec<ListedObject>> {
    let options = ListOptions { prefix: Some(load.prefix().to_owned()), ..ListOptions::default() };
    let pages: Vec<_> = bucket.list(options).try_collect().await?;
    Ok(pages.into_iter().flat_map(|page| page.objects).collect())
}

/// Fails unless the destination holds what the source holds, byte for byte.
pub(crate) async fn check(source: &Bucket, destination: &Bucket, load: Load) -> Result<()> {
    if load != Load::Small {
        let (one, other) = tokio::try_join!(source.head(load.prefix()), destination.head(load.prefix()))?;
        return equal(&[(one.size, one.crc64)], &[(other.size, other.crc64)]);
    }
    let known = |object: ListedObject| {
        (object.key, object.size, object.etag.unwrap_or_default().to_ascii_lowercase())
    };
    let (source, destination) = tokio::try_join!(list(source, load), list(destination, load))?;
    let one: Vec<_> = source.into_iter().map(known).collect();
    equal(&one, &destination.into_iter().map(known).collect::<Vec<_>>())
}

fn equal<T: PartialEq>(source: &[T], destination: &[T]) -> Result<()> {
    if source.is_empty() || source != destination {
        return Err(format!("not a copy: {} objects became {}", source.len(), destination.len()).into());
    }
    Ok(())
}

/// Removes what was copied.
pub(crate) async fn remove(bucket: &Bucket, load: Load) -> Result<()> {
    let keys: Vec<String> = list(bucket, load).await?.into_iter().map(|object| object.key).collect();
    for keys in keys.chunks(1000) {
        bucket.delete_multiple(keys).await?;
    }
    Ok(())
}
