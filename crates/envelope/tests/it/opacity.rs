//! Types that hold secrets cannot be printed, copied or compared by accident. This file compiles
//! exactly as long as that holds.

use latchkey_envelope::{BranchKey, DataKey, LookupKey, MacKey, RootKey, Secret, TranscriptKey};

/// `Marked` has one `mark` for every type and a second one for types with the trait; naming it is
/// ambiguous, and so does not compile, for a type that has the trait.
macro_rules! lacks {
    ($holder:ty: $($trait:path),+) => {$({
        trait Marked<Which> {
            fn mark() {}
        }
        struct Every;
        struct WithTrait;
        impl<T: ?Sized> Marked<Every> for T {}
        impl<T: ?Sized + $trait> Marked<WithTrait> for T {}
        <$holder as Marked<_>>::mark();
    })+};
}

macro_rules! is_opaque {
    ($($holder:ty),+) => {$(
        lacks!(
            $holder: std::fmt::Debug, std::fmt::Display, Clone, Default, PartialEq, AsRef<[u8]>,
            std::ops::Deref, std::hash::Hash, Into<Vec<u8>>
        );
    )+};
}

#[test]
fn holders_of_secrets_are_opaque() {
    is_opaque!(
        Secret,
        RootKey,
        BranchKey,
        LookupKey,
        DataKey,
        MacKey,
        TranscriptKey
    );
}

#[test]
fn holders_of_secrets_cross_threads() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<Secret>();
    crosses::<RootKey>();
    crosses::<BranchKey>();
    crosses::<LookupKey>();
    crosses::<DataKey>();
    crosses::<MacKey>();
    crosses::<TranscriptKey>();
}
