//! A turn opens where it was sealed, as it was sealed, and nowhere else.

use ring::rand::SystemRandom;

use super::*;

/// 00 01 02 …
const KEY: Material = {
    let mut key = [0; DataKey::LENGTH];
    let mut index = 0;
    while index < key.len() {
        #[expect(clippy::cast_possible_truncation, reason = "it is below 32")]
        {
            key[index] = index as u8;
        }
        index += 1;
    }
    key
};

/// "Good day", sealed by another implementation (Python's cryptography) as the second turn of the
/// session below, under the key above and the nonce a0 a1 a2 …. Never changed: rows look like this.
const GOLDEN: &str = "01a0a1a2a3a4a5a6a7a8a9aaaba177134965af63c6f06f87376aae6ffe0e2dd0e4eea5a14d";

struct Names {
    data_key: DataKeyName,
    session: SessionName,
}

impl Names {
    fn new(data_key: &str, session: &str) -> Self {
        Self {
            data_key: data_key.parse().unwrap(),
            session: session.parse().unwrap(),
        }
    }

    fn place(&self, turn: u64) -> Place<'_> {
        Place {
            data_key: &self.data_key,
            session: &self.session,
            turn,
        }
    }
}

const DATA_KEY: &str = "workspaces/acme/dataKeys/019aa5b1-0000-7000-8000-000000000000";
const SESSION: &str = "workspaces/acme/sessions/talk";

fn names() -> Names {
    Names::new(DATA_KEY, SESSION)
}

fn golden() -> Vec<u8> {
    let pairs = GOLDEN.as_bytes().chunks(2);
    let pairs = pairs.map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

#[test]
fn the_layout_is_as_it_always_was() {
    let names = names();
    let opened = open(&KEY, names.place(2), golden()).unwrap();
    assert_eq!(opened, b"Good day");
    let nonce = std::array::from_fn(|index| 0xa0 + u8::try_from(index).unwrap());
    let sealed = seal_with(&KEY, nonce, names.place(2), b"Good day").unwrap();
    assert_eq!(sealed, golden());
}

#[test]
fn a_turn_opens_where_it_was_sealed_and_nowhere_else() {
    let rng = SystemRandom::new();
    let names = names();
    let sealed = seal(&KEY, &rng, names.place(1), b"Hello").unwrap();
    assert_eq!(
        open(&KEY, names.place(1), sealed.clone()),
        Ok(b"Hello".to_vec())
    );
    let swapped = open(&KEY, names.place(2), sealed.clone());
    assert_eq!(swapped, Err(Tampered));
    let session = Names::new(DATA_KEY, "workspaces/acme/sessions/other");
    assert_eq!(open(&KEY, session.place(1), sealed.clone()), Err(Tampered));
    let key = DATA_KEY.replace("019a", "019b");
    let key = Names::new(&key, SESSION);
    assert_eq!(open(&KEY, key.place(1), sealed.clone()), Err(Tampered));
    let mut other = KEY;
    other[0] ^= 1;
    assert_eq!(open(&other, names.place(1), sealed), Err(Tampered));
}

#[test]
fn no_bit_of_it_can_be_flipped() {
    let names = names();
    let golden = golden();
    for bit in 0..golden.len() * 8 {
        let mut flipped = golden.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&KEY, names.place(2), flipped), Err(Tampered), "{bit}");
    }
    for length in 0..golden.len() {
        let cut = golden[..length].to_vec();
        assert_eq!(open(&KEY, names.place(2), cut), Err(Tampered), "{length}");
    }
}

#[test]
fn the_same_words_are_never_sealed_alike() {
    let rng = SystemRandom::new();
    let names = names();
    let first = seal(&KEY, &rng, names.place(1), b"Hello").unwrap();
    let second = seal(&KEY, &rng, names.place(1), b"Hello").unwrap();
    assert_ne!(first, second);
}
