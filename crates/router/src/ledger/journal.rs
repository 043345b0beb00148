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
use tokio::sync::watch;
use uuid::Builder;

use super::{JournalConfig, JournalId};

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
}

/// A place in a journal: a segment and an offset in it.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Position {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// A journal that is written to.
pub struct Journal {
    folder: PathBuf,
    id: JournalId,
    active: Mutex<Active>,
    dirty: AtomicBool,
    shipped: watch::Sender<Position>,
    written: tokio::sync::Notify,
    /// Held for the lock on it.
    _lock: File,
}

struct Active {
    file: File,
    position: Position,
    /// A write failed halfway and could not be taken back.
    broken: bool,
}

/// A segment this long gives way to the next.
const LONGEST_SEGMENT: u64 = 8 * 1024 * 1024;
const HEADER: usize = 8;
/// Records are some hundred bytes; a longer length is damage.
const LONGEST_RECORD: usize = 1024 * 1024;

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
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            JournalError::InUse {
                folder: folder.clone(),
            }
        })?;
        let id = identity(&mut lock, &folder)?;
        let segment = segments(&folder)
            .map_err(failed)?
            .last()
            .map_or(1, |last| last + 1);
        let file = create(&folder, segment).map_err(failed)?;
        let position = Position { segment, offset: 0 };
        let journal = Arc::new(Self {
            folder,
            id,
            active: Mutex::new(Active {
                file,
                position,
                broken: false,
            }),
            dirty: AtomicBool::new(false),
            shipped: watch::Sender::default(),
            written: tokio::sync::Notify::new(),
            _lock: lock,
        });
        sync_in_background(&journal, Duration::from_millis(config.sync_milliseconds));
        Ok(journal)
    }

    /// Its identity.
    pub fn id(&self) -> JournalId {
        self.id
    }

    /// Adds a record.
    pub fn append(&self, record: &[u8]) -> Result<(), JournalError> {
        let mut frame = Vec::with_capacity(HEADER + record.len());
        let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(&crc32fast::hash(record).to_le_bytes());
        frame.extend_from_slice(record);
        let mut active = self.lock();
        self.write(&mut active, &frame)
            .map_err(|problem| self.failed(problem))?;
        drop(active);
        self.dirty.store(true, Ordering::Release);
        self.written.notify_one();
        Ok(())
    }

    /// Where the next record will go.
    pub(super) fn written(&self) -> Position {
        self.lock().position
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
        self.shipped.send_replace(position);
        for segment in segments(&self.folder)? {
            if segment < position.segment {
                fs::remove_file(path(&self.folder, segment))?;
            }
        }
        Ok(())
    }

    /// The segments, oldest first.
    pub(super) fn segments(&self) -> io::Result<Vec<u64>> {
        segments(&self.folder)
    }

    /// The whole records of a segment from an offset on, at most `most` bytes of them, and where the
    /// next ones begin. A frame that is cut or damaged ends them.
    pub(super) fn read(&self, from: Position, most: usize) -> io::Result<(Vec<Vec<u8>>, u64)> {
        let mut file = File::open(path(&self.folder, from.segment))?;
        file.seek(SeekFrom::Start(from.offset))?;
        let mut bytes = Vec::new();
        file.take(u64::try_from(most).unwrap_or(u64::MAX))
            .read_to_end(&mut bytes)?;
        let (records, used) = frames(&bytes);
        Ok((records, from.offset + used))
    }

    fn write(&self, active: &mut Active, frame: &[u8]) -> io::Result<()> {
        if active.broken || active.position.offset >= LONGEST_SEGMENT {
            active.file.sync_data()?;
            let segment = active.position.segment + 1;
            active.file = create(&self.folder, segment)?;
            active.position = Position { segment, offset: 0 };
            active.broken = false;
        }
        if let Err(error) = active.file.write_all(frame) {
            // Half a frame would hide what comes after it.
            active.broken = active.file.set_len(active.position.offset).is_err();
            return Err(error);
        }
        active.position.offset += u64::try_from(frame.len()).unwrap_or_default();
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

    fn failed(&self, problem: io::Error) -> JournalError {
        JournalError::File {
            folder: self.folder.clone(),
            problem,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Best effort: the file system has it in any case.
        let _ = self.sync();
    }
}

/// The records in `bytes`, and how many bytes they take.
pub(super) fn frames(bytes: &[u8]) -> (Vec<Vec<u8>>, u64) {
    let mut records = Vec::new();
    let mut rest = bytes;
    while let Some((header, body)) = rest.split_at_checked(HEADER) {
        let (length, crc) = header.split_at(4);
        let number = |four: &[u8]| u32::from_le_bytes(four.try_into().unwrap_or_default());
        let length = usize::try_from(number(length)).unwrap_or(usize::MAX);
        let Some((record, after)) = body.split_at_checked(length) else {
            break;
        };
        if length > LONGEST_RECORD || crc32fast::hash(record) != number(crc) {
            break;
        }
        records.push(record.to_vec());
        rest = after;
    }
    let used = bytes.len() - rest.len();
    (records, u64::try_from(used).unwrap_or_default())
}

fn sync_in_background(journal: &Arc<Journal>, period: Duration) {
    let journal = Arc::downgrade(journal);
    let run = move || {
        while let Some(journal) = journal.upgrade() {
            if let Err(error) = journal.sync() {
                let chain = &error as &dyn std::error::Error;
                tracing::error!(error = chain, "the journal could not be forced to the disk");
            }
            drop(journal);
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

fn create(folder: &Path, segment: u64) -> io::Result<File> {
    let file = private()
        .create_new(true)
        .append(true)
        .open(path(folder, segment))?;
    // The file's name must be safe as well.
    File::open(folder)?.sync_all()?;
    Ok(file)
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
