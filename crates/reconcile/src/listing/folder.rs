//! A folder of this machine.

use std::ffi::OsStr;

use futures_util::{TryStreamExt as _, stream};
use object_copy::bulk::{ListError, Tree, TreeEntry};
use object_copy::transfer::{Directory, TransferError};

use super::{Flaw, Holding, HoldingFuture, KnownBy, Listed, Listing, PAGE, Page, PageStream, Precision};

/// The files below a folder. Its keys are their paths below it, so that the prefix of a listing is empty.
#[derive(Clone, Debug)]
pub struct FolderListing(Directory);

impl FolderListing {
    /// Those of `directory`, whose rules for links hold.
    pub fn new(directory: Directory) -> Self {
        Self(directory)
    }
}

impl Listing for FolderListing {
    fn pages(&self, _prefix: &str, after: Option<&str>) -> PageStream {
        let tree = Tree::new(self.0.clone(), String::new(), None).in_key_order();
        let start = Some((tree, after.map(str::to_owned)));
        Box::pin(stream::try_unfold(start, |walk| async move {
            let Some((mut tree, after)) = walk else { return Ok(None) };
            let (page, is_last) = page(&mut tree, after.as_deref()).await?;
            Ok(Some((page, (!is_last).then_some((tree, after)))))
        }))
    }

    /// Counts the files, which takes no request.
    fn holding(&self) -> HoldingFuture {
        let mut pages = self.pages("", None);
        Box::pin(async move {
            let (mut objects, mut bytes) = (0, 0_u64);
            while let Some(page) = pages.try_next().await? {
                for file in page.objects.iter().filter(|listed| listed.flaw.is_none()) {
                    objects += 1;
                    bytes = bytes.saturating_add(file.size);
                }
            }
            let (precision, bytes) = (Precision::Exact, Some(bytes));
            Ok(Some(Holding { objects, precision, bytes, known_by: KnownBy::Files }))
        })
    }
}

/// The next entries behind `after`, and whether there are no more.
async fn page(tree: &mut Tree, after: Option<&str>) -> Result<(Page, bool), TransferError> {
    let mut page = Page::default();
    while page.objects.len() < PAGE {
        let entry = tree.next_entry().await.map_err(|error| match error {
            ListError::Bucket(failed) | ListError::Directory(failed) => failed,
            ListError::Keys(..) => TransferError::permanent(error.to_string()),
        })?;
        let Some(entry) = entry else { return Ok((page, true)) };
        if after.is_some_and(|after| is_done(&entry, after.as_bytes())) {
            continue;
        }
        page.objects.push(match entry {
            TreeEntry::File { name, size, modified } => match name.into_string() {
                Ok(key) => Listed { key, size, modified, ..Listed::default() },
                Err(name) => not_a_key(&name),
            },
            // What is below it is not known, so nothing can be concluded from what is not listed.
            TreeEntry::Failed { name, failed } if name.as_encoded_bytes().ends_with(b"/") => {
                return Err(failed);
            }
            TreeEntry::Failed { name, failed } => match name.into_string() {
                Ok(key) => Listed::flawed(key, Flaw::Failed(failed)),
                Err(name) => not_a_key(&name),
            },
            TreeEntry::LeftOut { name, why } => match name.into_string() {
                Ok(key) => Listed::flawed(key, Flaw::LeftOut(why)),
                Err(name) => not_a_key(&name),
            },
        });
    }
    Ok((page, false))
}

/// Whether an entry, and all that it stands for, lies at or before `after`.
fn is_done(entry: &TreeEntry, after: &[u8]) -> bool {
    match entry {
        TreeEntry::File { name, .. } | TreeEntry::LeftOut { name, .. } => name.as_encoded_bytes() <= after,
        TreeEntry::Failed { name, .. } => {
            let name = name.as_encoded_bytes();
            name <= after && !(name.ends_with(b"/") && after.starts_with(name))
        }
    }
}

fn not_a_key(name: &OsStr) -> Listed {
    let why = TransferError::permanent("the name is not UTF-8, as keys must be");
    Listed::flawed(name.to_string_lossy().into_owned(), Flaw::NoKey(why))
}
