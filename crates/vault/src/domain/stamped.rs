//! A value as it lies in the database: with a MAC that nobody has checked yet.

/// A value and the MAC of its row. Reading gives the value out only against the MAC, see
/// `custody`; so what a database says can't be used unchecked by accident.
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

    /// The value and the MAC, for writing them down and for checking one against the other.
    pub fn into_unchecked(self) -> (T, Vec<u8>) {
        (self.value, self.mac)
    }

    /// Looks at the value without the check. For choosing which MAC key to check it with, no more.
    pub fn peek(&self) -> &T {
        &self.value
    }
}
