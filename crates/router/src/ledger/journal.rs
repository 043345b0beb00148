//! The journal: append-only segment files in a folder of this router alone.
//!
//! A frame holds the length and the CRC-32 of its record (both little-endian, 4 bytes), so that a tail
//! cut by a crash is detected. A record is written by one call of `write` before the provider is
//! called, so it survives the death of the process. A thread forces the written records to the disk
//! soon after. A full segment is followed by a new one, and deleted once it has been shipped.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use tokio::sync::watch;
use uuid::Builder;

use super::JournalConfig;
use crate::domain::attempt::JournalId;

/// The journal can't be opened or written to.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// An operation on a file failed.
    #[error("the journal in {} can't be read or written", folder.display())]
    File {
        /// The journal's folder.
        folder: PathBuf,
        /// The error of the operation.
        #[source]
        problem: io::Error,
    },
    /// Another process holds the journal's lock.
    #[error(
        "the journal in {} is locked by another process; give each router its own folder",
        folder.display()
    )]
    InUse {
        /// The journal's folder.
        folder: PathBuf,
    },
    /// The system's source of randomness failed.
    #[error("the system's source of randomness failed")]
    Randomness,
    /// A record is longer than a reader accepts.
    #[error("the record exceeds the journal's limit of 64 KiB")]
    TooLong,
}

/// A position in a journal: a segment and an offset in it.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Position {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// A journal that is open for writing.
pub struct Journal {
    files: Arc<Files>,
    id: JournalId,
    /// Where this process began to write.
    start: Position,
    shipped: watch::Sender<Position>,
    written: tokio::sync::Notify,
    /// The locked file. The thread does not share it, so that dropping the journal unlocks it at once.
    _lock: File,
}

/// The files, shared with the thread that forces them to the disk.
struct Files {
    folder: PathBuf,
    active: Mutex<Active>,
    dirty: AtomicBool,
}

struct Active {
    file: File,
    position: Position,
    /// A write failed halfway, and its bytes could not be removed.
    broken: bool,
}

/// Records of a segment.
pub(super) struct Batch {
    pub(super) records: Vec<Vec<u8>>,
    /// The offset after the last record.
    pub(super) next: u64,
    /// Whether the bytes after the last record are not a whole record.
    pub(super) torn: bool,
}

/// The length at which a segment is full.
pub(super) const MAX_SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
const HEADER: usize = 8;
/// The limit of a record. Records have some hundred bytes, so a longer length means damage.
pub(super) const MAX_RECORD_BYTES: usize = 64 * 1024;
/// The longest record with its frame.
pub(super) const MAX_FRAME_BYTES: usize = HEADER + MAX_RECORD_BYTES;

impl Journal {
    /// Opens the journal, or creates it. It may hold records of earlier processes.
    pub fn open(config: &JournalConfig) -> Result<Arc<Self>, JournalError> {
        let folder = config.folder.clone();
        let failed = |problem| JournalError::File {
            folder: config.folder.clone(),
            problem,
        };
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut lock = private()
            .create(true)
            .read(true)
            .open(folder.join("id"))
            .map_err(failed)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Err(JournalError::InUse { folder }),
            Err(errno) => return Err(failed(errno.into())),
        }
        let id = identity(&mut lock, &folder)?;
        let (file, start) = next_segment(&folder).map_err(failed)?;
        let active = Active {
            file,
            position: start,
            broken: false,
        };
        let files = Arc::new(Files {
            folder,
            active: Mutex::new(active),
            dirty: AtomicBool::new(false),
        });
        sync_in_background(&files, Duration::from_millis(config.sync_milliseconds));
        Ok(Arc::new(Self {
            files,
            id,
            start,
            shipped: watch::Sender::default(),
            written: tokio::sync::Notify::new(),
            _lock: lock,
        }))
    }

    /// The journal's identity.
    pub fn id(&self) -> JournalId {
        self.id
    }

    /// Adds a record.
    pub fn append(&self, record: &[u8]) -> Result<(), JournalError> {
        if record.len() > MAX_RECORD_BYTES {
            return Err(JournalError::TooLong);
        }
        let mut frame = Vec::with_capacity(HEADER + record.len());
        let length = u32::try_from(record.len()).map_err(|_| JournalError::TooLong)?;
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(&crc32fast::hash(record).to_le_bytes());
        frame.extend_from_slice(record);
        self.files
            .write(&frame)
            .map_err(|problem| JournalError::File {
                folder: self.files.folder.clone(),
                problem,
            })?;
        self.written.notify_one();
        Ok(())
    }

    /// Where this process began to write. Earlier records are of earlier processes.
    pub(super) fn start(&self) -> Position {
        self.start
    }

    /// Where the next record will be written.
    pub(super) fn written(&self) -> Position {
        self.files.lock().position
    }

    /// Completes once a record was written since the last completion.
    pub(super) async fn wait_written(&self) {
        self.written.notified().await;
    }

    /// The position before which everything has been shipped.
    pub(super) fn shipped(&self) -> watch::Receiver<Position> {
        self.shipped.subscribe()
    }

    /// Records that everything before `position` has been shipped, and deletes the segments before it.
    pub(super) fn ship_until(&self, position: Position) -> io::Result<()> {
        let before = self.shipped.send_replace(position);
        if before.segment == position.segment {
            return Ok(());
        }
        for segment in self.segments()? {
            if segment < position.segment {
                fs::remove_file(path(&self.files.folder, segment))?;
            }
        }
        Ok(())
    }

    /// The segments, oldest first.
    pub(super) fn segments(&self) -> io::Result<Vec<u64>> {
        segments(&self.files.folder)
    }

    /// Reads whole records from a position on, at most `max_bytes` of their segment. The batch ends
    /// before a cut or damaged frame.
    pub(super) fn read(&self, from: Position, max_bytes: usize) -> io::Result<Batch> {
        let mut file = File::open(path(&self.files.folder, from.segment))?;
        file.seek(SeekFrom::Start(from.offset))?;
        let mut bytes = Vec::new();
        file.take(u64::try_from(max_bytes).unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)?;
        let (records, used) = frames(&bytes);
        Ok(Batch {
            records,
            next: from.offset + u64::try_from(used).unwrap_or_default(),
            torn: used < bytes.len(),
        })
    }
}

impl Files {
    fn write(&self, frame: &[u8]) -> io::Result<()> {
        let mut active = self.lock();
        if active.broken || active.position.offset >= MAX_SEGMENT_BYTES {
            active.file.sync_data()?;
            let (file, position) = next_segment(&self.folder)?;
            *active = Active {
                file,
                position,
                broken: false,
            };
        }
        if let Err(error) = active.file.write_all(frame) {
            // A partial frame would hide the records after it.
            active.broken = active.file.set_len(active.position.offset).is_err();
            return Err(error);
        }
        active.position.offset += u64::try_from(frame.len()).unwrap_or_default();
        self.dirty.store(true, Ordering::Release);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        if !self.dirty.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        // With a second handle the lock is free during the operation, so writers don't wait.
        let file = self.lock().file.try_clone()?;
        file.sync_data()
    }

    fn lock(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // An error loses nothing unless the machine fails too: the file system has the records.
        let _ = self.files.sync();
    }
}

/// The records at the beginning of `bytes`, and the length of their frames.
pub(super) fn frames(bytes: &[u8]) -> (Vec<Vec<u8>>, usize) {
    let mut records = Vec::new();
    let mut rest = bytes;
    while let Some((header, body)) = rest.split_at_checked(HEADER) {
        let (length, crc) = header.split_at(4);
        let number = |four: &[u8]| u32::from_le_bytes(four.try_into().unwrap_or_default());
        let length = usize::try_from(number(length)).unwrap_or(usize::MAX);
        let Some((record, after)) = body.split_at_checked(length) else {
            break;
        };
        if length > MAX_RECORD_BYTES || crc32fast::hash(record) != number(crc) {
            break;
        }
        records.push(record.to_vec());
        rest = after;
    }
    (records, bytes.len() - rest.len())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the thread is the journal's own, and its files block"
)]
fn sync_in_background(files: &Arc<Files>, period: Duration) {
    let files = Arc::downgrade(files);
    let run = move || {
        while let Some(files) = files.upgrade() {
            if let Err(error) = files.sync() {
                let chain = &error as &dyn std::error::Error;
                tracing::error!(error = chain, "journal sync failed");
            }
            drop(files);
            std::thread::sleep(period.max(Duration::from_millis(1)));
        }
    };
    let spawned = std::thread::Builder::new()
        .name("journal-sync".to_owned())
        .spawn(run);
    if let Err(error) = spawned {
        tracing::error!(%error, "journal thread could not start");
    }
}

fn identity(lock: &mut File, folder: &Path) -> Result<JournalId, JournalError> {
    let failed = |problem| JournalError::File {
        folder: folder.to_owned(),
        problem,
    };
    let mut text = String::new();
    lock.read_to_string(&mut text).map_err(failed)?;
    if let Ok(id) = text.trim().parse() {
        return Ok(JournalId(id));
    }
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| JournalError::Randomness)?;
    let id = Builder::from_random_bytes(bytes).into_uuid();
    lock.set_len(0).map_err(failed)?;
    lock.seek(SeekFrom::Start(0)).map_err(failed)?;
    writeln!(lock, "{id}").map_err(failed)?;
    lock.sync_all().map_err(failed)?;
    Ok(JournalId(id))
}

fn segments(folder: &Path) -> io::Result<Vec<u64>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".journal"));
        segments.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    segments.sort_unstable();
    Ok(segments)
}

/// Creates a segment after all existing ones.
fn next_segment(folder: &Path) -> io::Result<(File, Position)> {
    let segment = segments(folder)?.last().map_or(1, |last| last + 1);
    let file = private()
        .create_new(true)
        .append(true)
        .open(path(folder, segment))?;
    // The folder's entry for the file must be on the disk as well.
    File::open(folder)?.sync_all()?;
    Ok((file, Position { segment, offset: 0 }))
}

fn path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.journal"))
}

/// Only the router's user may read the account.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}
