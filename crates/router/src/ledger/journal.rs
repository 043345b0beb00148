//! The journal: files that are only added to, in a folder of this router's own.
//!
//! Each record is framed by its length and its CRC-32 (both little-endian, 4 bytes), so that a tail
//! that was cut by a crash is told from a whole record. A record is written by one call of `write`
//! before the call it tells of goes on: it survives the death of the process. A thread forces it
//! to the disk soon after, together with all that came in between. A segment that is full gives
//! way to the next; one that has been shipped whole is deleted.

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

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file of it failed.
    #[error("the journal in {} failed", folder.display())]
    File {
        /// The journal's folder.
        folder: PathBuf,
        /// What happened.
        #[source]
        problem: io::Error,
    },
    /// Another process writes to it.
    #[error("the journal in {} belongs to another process", folder.display())]
    InUse {
        /// The journal's folder.
        folder: PathBuf,
    },
    /// The system's source of randomness failed.
    #[error("the source of randomness failed")]
    Randomness,
    /// A record is longer than a reader would take for one.
    #[error("the record is too long")]
    TooLong,
}

/// A place in a journal: a segment and an offset in it.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Position {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// A journal that is written to.
pub struct Journal {
    files: Arc<Files>,
    id: JournalId,
    /// Where this process began to write.
    start: Position,
    shipped: watch::Sender<Position>,
    written: tokio::sync::Notify,
    /// Held for the lock on it: not by the thread, so that a journal that is dropped is free at once.
    _lock: File,
}

/// What the thread that forces it to the disk weighted_keys.
struct Files {
    folder: PathBuf,
    active: Mutex<Active>,
    dirty: AtomicBool,
}

struct Active {
    file: File,
    position: Position,
    /// A write failed halfway and could not be taken back.
    broken: bool,
}

/// Records of a segment.
pub(super) struct Batch {
    /// The records.
    pub(super) records: Vec<Vec<u8>>,
    /// The offset after the last one.
    pub(super) next: u64,
    /// Bytes were read behind it that are no whole record.
    pub(super) torn: bool,
}

/// A segment this long gives way to the next.
pub(super) const MAX_SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
const HEADER: usize = 8;
/// Records are some hundred bytes; a longer length is damage.
pub(super) const MAX_RECORD_BYTES: usize = 64 * 1024;
/// The longest record with its frame.
pub(super) const MAX_FRAME_BYTES: usize = HEADER + MAX_RECORD_BYTES;

impl Journal {
    /// Opens the journal, or makes it. What earlier processes left in it is still to be shipped.
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

    /// Its identity.
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
        let written = self.files.write(&frame);
        written.map_err(|problem| JournalError::File {
            folder: self.files.folder.clone(),
            problem,
        })?;
        self.written.notify_one();
        Ok(())
    }

    /// Where this process began to write: what is before was left by earlier ones.
    pub(super) fn start(&self) -> Position {
        self.start
    }

    /// Where the next record will go.
    pub(super) fn written(&self) -> Position {
        self.files.lock().position
    }

    /// Completes when something was written since the last time.
    pub(super) async fn wait_written(&self) {
        self.written.notified().await;
    }

    /// How far it has been shipped.
    pub(super) fn shipped(&self) -> watch::Receiver<Position> {
        self.shipped.subscribe()
    }

    /// Notes that everything before `position` has been shipped, and deletes the segments before it.
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

    /// The whole records of a segment from an offset on, at most `most` bytes of them. A frame that
    /// is cut or damaged ends them.
    pub(super) fn read(&self, from: Position, most: usize) -> io::Result<Batch> {
        let mut file = File::open(path(&self.files.folder, from.segment))?;
        file.seek(SeekFrom::Start(from.offset))?;
        let mut bytes = Vec::new();
        file.take(u64::try_from(most).unwrap_or(u64::MAX))
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
            // Half a frame would hide what comes after it.
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
        // A handle of its own, so that writers don't wait for the disk.
        let file = self.lock().file.try_clone()?;
        file.sync_data()
    }

    fn lock(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Best effort: the file system has it in any case.
        let _ = self.files.sync();
    }
}

/// The records in `bytes`, and how many bytes they take.
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
                tracing::error!(error = chain, "the journal could not be forced to the disk");
            }
            drop(files);
            std::thread::sleep(period.max(Duration::from_millis(1)));
        }
    };
    let spawned = std::thread::Builder::new()
        .name("journal-sync".to_owned())
        .spawn(run);
    if let Err(error) = spawned {
        tracing::error!(%error, "the journal's thread could not be started");
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
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".journal"));
        found.extend(number.and_then(|number| number.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Makes a segment after all that are there.
fn next_segment(folder: &Path) -> io::Result<(File, Position)> {
    let segment = segments(folder)?.last().map_or(1, |last| last + 1);
    let file = private()
        .create_new(true)
        .append(true)
        .open(path(folder, segment))?;
    // The file's name must be safe as well.
    File::open(folder)?.sync_all()?;
    Ok((file, Position { segment, offset: 0 }))
}

fn path(folder: &Path, segment: u64) -> PathBuf {
    folder.join(format!("{segment:020}.journal"))
}

/// Accounts are the owner's business.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}
