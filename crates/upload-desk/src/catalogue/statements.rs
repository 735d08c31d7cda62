//! The statements, the same text for both databases, and how rows are read.

use sqlx::any::{Any, AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Row as _, Type};

use super::ListFilter;
use super::error::{CatalogueError, CatalogueErrorKind};
use crate::entry::{Entry, Forward, Id, Md5, Md5State, Millis, Multipart, UploadState};

/// A statement with its values.
pub(super) type Statement = Query<'static, Any, AnyArguments>;

const INSERT: &str = "INSERT INTO storage \
    (name, name_search, path, ext, md5, md5_state, bucket, size, content_type, etag, state, forward, note, \
     source_url, updated_at, expires_at, due_at, checks, upload_id, part_size, crc64, id, revision, creator_id, \
     created_at) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

const UPDATE: &str = "UPDATE storage SET \
    name = ?, name_search = ?, path = ?, ext = ?, md5 = ?, md5_state = ?, bucket = ?, size = ?, content_type = ?, \
    etag = ?, state = ?, forward = ?, note = ?, source_url = ?, updated_at = ?, expires_at = ?, due_at = ?, \
    checks = ?, upload_id = ?, part_size = ?, crc64 = ?, revision = revision + 1 \
    WHERE id = ? AND revision = ?";

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, path, ext, md5, md5_state, creator_id, bucket, size, content_type, etag, state, \
             forward, note, source_url, created_at, updated_at, expires_at, due_at, checks, revision, upload_id, \
             part_size, crc64 FROM storage ",
            $rest
        )
    };
}

const FIND: &str = select!("WHERE id = ?");

// MySQL compares text as if the shorter one ended in spaces. `HEX` makes users distinct whose names do.
const SAME: &str = select!(
    "WHERE md5 = ? AND size = ? AND creator_id = ? AND HEX(creator_id) = HEX(?) \
     AND state = 'stored' AND md5_state = 'confirmed' ORDER BY id DESC LIMIT 1"
);

const LIST: &str = select!(
    "WHERE creator_id = ? AND HEX(creator_id) = HEX(?) AND state = 'stored' AND id < ? \
     AND INSTR(name_search, ?) > 0 ORDER BY id DESC LIMIT ?"
);

const DUE: &str = select!("WHERE due_at <= ? ORDER BY due_at, id LIMIT ?");

const COUNT: &str = "SELECT COUNT(*) FROM storage \
    WHERE creator_id = ? AND HEX(creator_id) = HEX(?) AND state = ?";

const UPLOADING: &str = select!(
    "WHERE creator_id = ? AND HEX(creator_id) = HEX(?) AND state = 'uploading' AND id < ? \
     ORDER BY id DESC LIMIT ?"
);

const NEXT_DUE: &str = "SELECT MIN(due_at) FROM storage WHERE due_at IS NOT NULL";

const PING: &str = "SELECT id FROM storage LIMIT 1";

/// Greater than every id.
const BEYOND: &str = "g";

pub(super) fn insert(entry: &Entry) -> Statement {
    changeable(sqlx::query(INSERT), entry).bind(entry.creator.clone()).bind(entry.created_at)
}

pub(super) fn update(entry: &Entry) -> Statement {
    changeable(sqlx::query(UPDATE), entry)
}

/// What both of them begin with.
fn changeable(statement: Statement, entry: &Entry) -> Statement {
    statement
        .bind(entry.name.clone())
        .bind(folded(&entry.name))
        .bind(entry.key.clone())
        .bind(entry.ext.clone())
        .bind(entry.md5.map(|md5| md5.to_string()))
        .bind(entry.md5_state.as_str())
        .bind(entry.bucket.clone())
        .bind(number(entry.size))
        .bind(entry.content_type.clone())
        .bind(entry.etag.clone())
        .bind(entry.state.as_str())
        .bind(entry.forward.as_str())
        .bind(entry.note.clone())
        .bind(entry.source_url.clone())
        .bind(entry.updated_at)
        .bind(entry.expires_at)
        .bind(entry.due_at)
        .bind(i64::from(entry.checks))
        .bind(entry.multipart.as_ref().and_then(|multipart| multipart.upload_id.clone()))
        .bind(entry.multipart.as_ref().map(|multipart| number(multipart.part_size)))
        .bind(entry.multipart.as_ref().and_then(|multipart| multipart.crc64).map(|crc64| crc64.to_string()))
        .bind(entry.id.to_string())
        .bind(i64::from(entry.revision))
}

pub(super) fn find(id: &Id) -> Statement {
    sqlx::query(FIND).bind(id.to_string())
}

pub(super) fn same(creator: &str, md5: Md5, size: u64) -> Statement {
    sqlx::query(SAME)
        .bind(md5.to_string())
        .bind(number(size))
        .bind(creator.to_owned())
        .bind(creator.to_owned())
}

pub(super) fn list(creator: &str, listing: &ListFilter) -> Statement {
    sqlx::query(LIST)
        .bind(creator.to_owned())
        .bind(creator.to_owned())
        .bind(listing.before.map_or_else(|| BEYOND.to_owned(), |id| id.to_string()))
        .bind(listing.name.as_deref().map(folded).unwrap_or_default())
        .bind(i64::from(listing.limit))
}

pub(super) fn due(now: Millis, limit: u32) -> Statement {
    sqlx::query(DUE).bind(now).bind(i64::from(limit))
}

pub(super) fn count_of(creator: &str, state: UploadState) -> Statement {
    sqlx::query(COUNT).bind(creator.to_owned()).bind(creator.to_owned()).bind(state.as_str())
}

pub(super) fn uploading(creator: &str, limit: u32) -> Statement {
    sqlx::query(UPLOADING)
        .bind(creator.to_owned())
        .bind(creator.to_owned())
        .bind(BEYOND)
        .bind(i64::from(limit))
}

pub(super) fn next_due() -> Statement {
    sqlx::query(NEXT_DUE)
}

pub(super) fn ping() -> Statement {
    sqlx::query(PING)
}

/// As names are searched: databases do not agree on what the case of a letter is.
fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// Sizes beyond are refused before they come here.
fn number(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

pub(super) fn moment(row: &AnyRow) -> Result<Option<Millis>, CatalogueError> {
    row.try_get(0).map_err(|error| CatalogueError::of("cannot read when work is due", error))
}

pub(super) fn count(row: &AnyRow) -> Result<u64, CatalogueError> {
    let count: i64 =
        row.try_get(0).map_err(|error| CatalogueError::of("cannot read how many rows there are", error))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(super) fn entry(row: &AnyRow) -> Result<Entry, CatalogueError> {
    let id: String =
        row.try_get(0).map_err(|error| CatalogueError::of("cannot read the id of a row", error))?;
    let row = Columns { id: &id, row };
    Ok(Entry {
        id: row.parsed(0, |text| text.parse().ok())?,
        name: row.get(1)?,
        key: row.get(2)?,
        ext: row.get(3)?,
        md5: row.get::<Option<String>>(4)?.map(|md5| row.known(4, Md5::from_hex(&md5), &md5)).transpose()?,
        md5_state: row.parsed(5, Md5State::parse)?,
        creator: row.get(6)?,
        bucket: row.get(7)?,
        size: row.unsigned(8)?,
        content_type: row.get(9)?,
        etag: row.get(10)?,
        state: row.parsed(11, UploadState::parse)?,
        forward: row.parsed(12, Forward::parse)?,
        note: row.get(13)?,
        source_url: row.get(14)?,
        multipart: row.multipart()?,
        created_at: row.get(15)?,
        updated_at: row.get(16)?,
        expires_at: row.get(17)?,
        due_at: row.get(18)?,
        checks: row.unsigned(19)?,
        revision: row.unsigned(20)?,
    })
}

/// Every statement, and the index that it goes by.
#[cfg(test)]
pub(super) fn texts() -> [(&'static str, &'static str); 8] {
    [
        (UPDATE, "sqlite_autoindex_storage_1 (id=?)"),
        (FIND, "sqlite_autoindex_storage_1 (id=?)"),
        (SAME, "storage_md5 (md5=? AND size=? AND creator_id=?)"),
        (LIST, "storage_list (creator_id=? AND state=? AND id<?)"),
        (DUE, "storage_due (due_at<?)"),
        (COUNT, "storage_list (creator_id=? AND state=?)"),
        (UPLOADING, "storage_list (creator_id=? AND state=? AND id<?)"),
        (NEXT_DUE, "storage_due"),
    ]
}

/// The columns of one row, by their place in the statements.
struct Columns<'a> {
    id: &'a str,
    row: &'a AnyRow,
}

impl Columns<'_> {
    fn get<T>(&self, column: usize) -> Result<T, CatalogueError>
    where
        T: for<'r> sqlx::Decode<'r, Any> + Type<Any>,
    {
        self.row.try_get(column).map_err(|error| CatalogueError::of(&self.doing(column), error))
    }

    fn parsed<T>(&self, column: usize, parse: impl Fn(&str) -> Option<T>) -> Result<T, CatalogueError> {
        let text: String = self.get(column)?;
        self.known(column, parse(&text), &text)
    }

    fn multipart(&self) -> Result<Option<Multipart>, CatalogueError> {
        let Some(size) = self.get::<Option<i64>>(22)? else { return Ok(None) };
        // A division by it follows.
        let part_size = u64::try_from(size).ok().filter(|size| *size > 0);
        let crc64: Option<String> = self.get(23)?;
        Ok(Some(Multipart {
            upload_id: self.get(21)?,
            part_size: self.known(22, part_size, size)?,
            crc64: crc64.map(|text| self.known(23, text.parse().ok(), &text)).transpose()?,
        }))
    }

    fn unsigned<T: TryFrom<i64>>(&self, column: usize) -> Result<T, CatalogueError> {
        let number: i64 = self.get(column)?;
        self.known(column, T::try_from(number).ok(), number)
    }

    fn known<T>(
        &self,
        column: usize,
        value: Option<T>,
        shown: impl std::fmt::Debug,
    ) -> Result<T, CatalogueError> {
        value.ok_or_else(|| {
            CatalogueError::new(
                CatalogueErrorKind::Corrupt,
                format!("{}: this program does not write {shown:?}", self.doing(column)),
            )
        })
    }

    fn doing(&self, column: usize) -> String {
        use sqlx::Column as _;
        let name = self.row.columns().get(column).map_or("?", |column| column.name());
        format!("cannot read {name} of row {}", self.id)
    }
}
