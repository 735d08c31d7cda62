//! The single task that writes: changes that arrive during a commit share the next transaction.

use std::collections::VecDeque;
use std::time::Duration;

use sqlx::{AnyConnection, Connection as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::connect::{Connector, DatabaseKind, Purpose, REST};
use super::error::{CatalogueError, is_broken, is_deadlock, unanswered};
use super::file::WatchedFile;
use super::statements::{self, Statement};
use crate::entry::Entry;

/// Most changes of one transaction.
const LARGEST: usize = 256;

/// A transaction that took this long is committed, whatever is pending: the server may be far away.
const ENOUGH: Duration = Duration::from_millis(500);

/// Time limit of one transaction, including a new connection.
const LIMIT: Duration = Duration::from_millis(2500);

/// A row to write.
#[derive(Debug)]
pub(super) enum Change {
    Add(Box<Entry>),
    Put(Box<Entry>),
}

impl Change {
    fn statement(&self) -> Statement {
        match self {
            Self::Add(entry) => statements::insert(entry),
            Self::Put(entry) => statements::update(entry),
        }
    }
}

/// Number of rows that a change matched.
pub(super) type WriteResult = Result<u64, CatalogueError>;

/// A message to the writer.
#[derive(Debug)]
pub(super) enum WriterMessage {
    /// Write this, and reply once it is durable.
    Write(Change, oneshot::Sender<WriteResult>),
    /// Finish earlier messages, and end.
    Close(oneshot::Sender<()>),
}

struct PendingWrite {
    change: Change,
    reply: oneshot::Sender<WriteResult>,
}

/// The point of a failure, and so the state of the changes.
enum WriteFailure {
    /// Before any of them was made: they may be repeated.
    Undone(sqlx::Error),
    /// In the statement at this index: the others are valid.
    Statement(usize, sqlx::Error),
    /// Unknown whether they were committed.
    Unknown(sqlx::Error),
}

pub(super) struct Writer {
    connector: Connector,
    file: Option<WatchedFile>,
    connection: Option<AnyConnection>,
    used: Instant,
}

impl Writer {
    /// Starts it with an open connection. It ends when all senders are dropped.
    pub(super) fn start(
        connector: Connector,
        file: Option<WatchedFile>,
        connection: AnyConnection,
    ) -> mpsc::Sender<WriterMessage> {
        let (sender, messages) = mpsc::channel(4 * LARGEST);
        let writer = Self { connector, file, connection: Some(connection), used: Instant::now() };
        tokio::spawn(writer.run(messages));
        sender
    }

    async fn run(mut self, mut messages: mpsc::Receiver<WriterMessage>) {
        let mut arrived = Vec::new();
        let mut closing = None;
        while closing.is_none() && messages.recv_many(&mut arrived, LARGEST).await > 0 {
            let mut batch = VecDeque::with_capacity(arrived.len());
            for message in arrived.drain(..) {
                match message {
                    // The caller timed out, and writing it would delay the others.
                    WriterMessage::Write(_, reply) if reply.is_closed() => {}
                    WriterMessage::Write(change, reply) => batch.push_back(PendingWrite { change, reply }),
                    WriterMessage::Close(reply) => closing = Some(reply),
                }
            }
            if !batch.is_empty() {
                self.write(&mut batch).await;
            }
        }
        if let Some(connection) = self.connection.take() {
            let _ = timeout(LIMIT, connection.close()).await;
        }
        if let Some(reply) = closing {
            let _ = reply.send(());
        }
    }

    async fn write(&mut self, batch: &mut VecDeque<PendingWrite>) {
        while !batch.is_empty() {
            let error = match timeout(LIMIT, self.attempt(batch)).await {
                Ok(Ok(())) => {
                    self.used = Instant::now();
                    batch.retain(|job| !job.reply.is_closed());
                    continue;
                }
                Ok(Err(error)) => error,
                Err(_) => unanswered("write"),
            };
            // It may be in the middle of a transaction, so it is not reused.
            self.connection = None;
            for job in batch.drain(..) {
                let _ = job.reply.send(Err(error.clone()));
            }
        }
    }

    /// Writes as many changes as fit one transaction.
    async fn attempt(&mut self, batch: &mut VecDeque<PendingWrite>) -> Result<(), CatalogueError> {
        if let Some(file) = &self.file {
            file.check().await?;
        }
        let mut again = true;
        loop {
            let engine = self.connector.engine;
            let connection =
                self.connection().await.map_err(|error| CatalogueError::of("cannot connect", error))?;
            let outcome = match batch.len() {
                1 => return one_by_one(connection, batch).await,
                _ => together(connection, engine, batch).await,
            };
            match outcome {
                Ok(verdicts) => {
                    for (job, met) in batch.drain(..verdicts.len()).zip(verdicts) {
                        let _ = job.reply.send(Ok(met));
                    }
                    return Ok(());
                }
                Err(WriteFailure::Undone(error)) if again && is_broken(&error) => {
                    again = false;
                    self.connection = None;
                }
                Err(WriteFailure::Statement(at, error)) => {
                    if !is_deadlock(&error)
                        && let Some(job) = batch.remove(at)
                    {
                        let _ = job.reply.send(Err(CatalogueError::of("cannot write", error)));
                    }
                    return one_by_one(connection, batch).await;
                }
                Err(WriteFailure::Undone(error) | WriteFailure::Unknown(error)) => {
                    return Err(CatalogueError::of("cannot write", error));
                }
            }
        }
    }

    async fn connection(&mut self) -> Result<&mut AnyConnection, sqlx::Error> {
        let mut ready = self.connection.take();
        if let Some(connection) = &mut ready
            && self.used.elapsed() > REST
            && connection.ping().await.is_err()
        {
            ready = None;
        }
        let ready = match ready {
            Some(connection) => connection,
            None => self.connector.connect(Purpose::Writing).await?,
        };
        Ok(self.connection.insert(ready))
    }
}

async fn together(
    connection: &mut AnyConnection,
    engine: DatabaseKind,
    batch: &VecDeque<PendingWrite>,
) -> Result<Vec<u64>, WriteFailure> {
    let mut transaction = match engine {
        // Waits for the lock here, so that no statement fails for it.
        DatabaseKind::Sqlite => connection.begin_with("BEGIN IMMEDIATE").await,
        DatabaseKind::MySql => connection.begin().await,
    }
    .map_err(WriteFailure::Undone)?;
    let begun = Instant::now();
    let mut verdicts = Vec::with_capacity(batch.len());
    for (at, job) in batch.iter().enumerate() {
        match job.change.statement().execute(&mut *transaction).await {
            Ok(done) => verdicts.push(done.rows_affected()),
            Err(error) if is_broken(&error) => return Err(WriteFailure::Undone(error)),
            Err(error) => {
                transaction.rollback().await.map_err(WriteFailure::Undone)?;
                return Err(WriteFailure::Statement(at, error));
            }
        }
        if begun.elapsed() > ENOUGH {
            break;
        }
    }
    transaction.commit().await.map_err(WriteFailure::Unknown)?;
    Ok(verdicts)
}

/// Writes each change in a transaction of its own. Ends early when the connection breaks.
async fn one_by_one(
    connection: &mut AnyConnection,
    batch: &mut VecDeque<PendingWrite>,
) -> Result<(), CatalogueError> {
    while let Some(job) = batch.front() {
        let verdict = match job.change.statement().execute(&mut *connection).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) if is_broken(&error) => return Err(CatalogueError::of("cannot write", error)),
            Err(error) => Err(CatalogueError::of("cannot write", error)),
        };
        if let Some(job) = batch.pop_front() {
            let _ = job.reply.send(verdict);
        }
    }
    Ok(())
}
