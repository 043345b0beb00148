//! The journal's files.

use std::fs;

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::journal::{MAX_RECORD_BYTES, MAX_SEGMENT_BYTES, frames};
use super::*;

const ALL: usize = usize::MAX;

/// Some records, and the bytes of their segment.
fn written() -> (Vec<Vec<u8>>, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let records = vec![b"first".to_vec(), Vec::new(), b"the third one".to_vec()];
    for record in &records {
        journal.append(record).unwrap();
    }
    (records, fs::read(file(folder.path(), 1)).unwrap())
}

#[test]
fn records_are_read_as_they_were_written() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    journal.append(b"one").unwrap();
    let batch = journal.read(beginning(1), ALL).unwrap();
    assert_eq!(batch.records, [b"one"]);
    journal.append(b"two").unwrap();
    journal.append(b"three").unwrap();
    let from = Position {
        segment: 1,
        offset: batch.next,
    };
    let batch = journal.read(from, ALL).unwrap();
    assert_eq!(batch.records, [&b"two"[..], b"three"]);
    assert!(!batch.torn);
    assert_eq!(journal.written().offset, batch.next);
}

#[test]
fn a_torn_tail_loses_only_its_own_record() {
    let (records, bytes) = written();
    for length in 0..bytes.len() {
        let folder = TempDir::new().unwrap();
        fs::write(file(folder.path(), 1), &bytes[..length]).unwrap();
        let journal = open(folder.path());
        let batch = journal.read(beginning(1), ALL).unwrap();
        assert_eq!(batch.records, records[..batch.records.len()], "{length}");
        let ends = records.iter().scan(0, |end, record| {
            *end += 8 + record.len();
            Some(*end)
        });
        let whole = ends.filter(|end| *end <= length).count();
        assert_eq!(batch.records.len(), whole, "{length}");
        assert_eq!(batch.torn, u64::try_from(length).unwrap() > batch.next);
        // Later records go to another segment.
        journal.append(b"new").unwrap();
        assert_eq!(journal.read(beginning(2), ALL).unwrap().records, [b"new"]);
    }
}

#[test]
fn a_flipped_bit_never_yields_a_different_record() {
    let (records, bytes) = written();
    for position in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[position / 8] ^= 1 << (position % 8);
        let (decoded, _) = frames(&damaged);
        assert!(decoded.len() < records.len(), "{position}");
        assert_eq!(decoded, records[..decoded.len()], "{position}");
    }
}

#[test]
fn a_full_segment_is_followed_by_a_new_one() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let record = vec![7; MAX_RECORD_BYTES];
    let mut count = 0;
    while journal.segments().unwrap() == [1] {
        journal.append(&record).unwrap();
        count += 1;
    }
    assert_eq!(journal.segments().unwrap(), [1, 2]);
    let first = journal.read(beginning(1), ALL).unwrap();
    assert!(first.next >= MAX_SEGMENT_BYTES);
    let second = journal.read(beginning(2), ALL).unwrap();
    assert_eq!(first.records.len() + second.records.len(), count);
    journal.ship_until(beginning(2)).unwrap();
    assert_eq!(journal.segments().unwrap(), [2]);
    assert_eq!(*journal.shipped().borrow(), beginning(2));
}

#[test]
fn a_journal_has_one_owner_at_a_time() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let second = Journal::open(&config(folder.path()));
    assert!(matches!(second.err().unwrap(), JournalError::InUse { .. }));
    let id = journal.id();
    drop(journal);
    assert_eq!(open(folder.path()).id(), id);
}

#[test]
fn an_unreadable_identity_is_replaced() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("id"), "scribble").unwrap();
    let id = open(folder.path()).id();
    assert_eq!(open(folder.path()).id(), id);
}

#[test]
fn an_error_names_a_folder_that_cannot_be_created() {
    let folder = TempDir::new().unwrap();
    let inside_a_file = folder.path().join("file/journal");
    fs::write(folder.path().join("file"), "").unwrap();
    let error = Journal::open(&config(&inside_a_file)).err().unwrap();
    assert!(matches!(&error, JournalError::File { folder, .. } if *folder == inside_a_file));
}

#[test]
fn writing_begins_after_an_existing_segment() {
    let folder = TempDir::new().unwrap();
    fs::write(file(folder.path(), 41), "").unwrap();
    let journal = open(folder.path());
    assert_eq!(journal.start(), beginning(42));
}

#[test]
fn a_record_over_the_limit_is_refused() {
    let folder = TempDir::new().unwrap();
    let journal = open(folder.path());
    let long = journal.append(&vec![0; MAX_RECORD_BYTES + 1]);
    assert!(matches!(long.unwrap_err(), JournalError::TooLong));
    journal.append(&vec![0; MAX_RECORD_BYTES]).unwrap();
    let batch = journal.read(beginning(1), ALL).unwrap();
    assert_eq!(batch.records.len(), 1);
}

#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let _journal = open(folder.path());
    for entry in fs::read_dir(folder.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

fn framed(records: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        bytes.extend_from_slice(&u32::try_from(record.len()).unwrap().to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(record).to_le_bytes());
        bytes.extend_from_slice(record);
    }
    bytes
}

proptest! {
    #[test]
    fn frames_decode_to_the_records_written(records in any::<Vec<Vec<u8>>>()) {
        let bytes = framed(&records);
        prop_assert_eq!(frames(&bytes), (records, bytes.len()));
    }

    #[test]
    fn bytes_after_the_last_whole_frame_are_not_consumed(
        records in any::<Vec<Vec<u8>>>(),
        cut in 1_usize..8,
    ) {
        let whole = framed(&records);
        let mut bytes = whole.clone();
        bytes.extend_from_slice(&framed(&[b"torn".to_vec()])[..cut]);
        prop_assert_eq!(frames(&bytes), (records, whole.len()));
    }

    #[test]
    fn any_bytes_decode_without_a_panic(bytes in any::<Vec<u8>>()) {
        let (records, used) = frames(&bytes);
        prop_assert_eq!(framed(&records), &bytes[..used]);
    }
}
