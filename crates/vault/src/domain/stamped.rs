//! A value as it is stored: with a MAC that has not been checked yet.

/// A value and the MAC of its row. `custody` returns the value only after it has checked the MAC, so
/// that a stored value can't be used unchecked by accident.
#[derive(Clone, Debug)]
pub struct Stamped<T> {
    value: T,
    mac: Vec<u8>,
}

impl<T> Stamped<T> {
    /// Puts a value and its MAC together.
    pub fn new(value: T, mac: Vec<u8>) -> Self {
        Self { value, mac }
    }

    /// The value and the MAC, for storing them and for checking one against the other.
    pub fn into_unchecked(self) -> (T, Vec<u8>) {
        (self.value, self.mac)
    }

    /// The unchecked value. Use it only to find the key that checks it, or to name a damaged row.
    pub fn peek(&self) -> &T {
        &self.value
    }
}
