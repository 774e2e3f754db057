//! Keys: what a segment of a signal is made from, as one hash.
//!
//! Two segments with equal keys hold equal samples. The key of a node's segment
//! is BLAKE3 over the operator, its parameters and the keys of the input
//! segments within its reach; at the root stands the digest of the segment's
//! decoded samples. Digital silence has one key however it came about, so what
//! is silent in a second drops out of every key of that second.

pub mod digest;
pub mod reason;
pub mod segment;
pub mod whole;

use crate::plan::op::Sink;

/// What the renderer does to samples. Raised whenever the same plan would give
/// other bytes; every key of every delivered segment changes with it.
pub const RENDER_VERSION: u32 = 1;

/// A BLAKE3 hash that stands for the samples of a segment.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Key(pub [u8; 32]);

impl Key {
    /// Digital silence of any length and width.
    pub const SILENCE: Key = Key([0; 32]);

    /// Whether it stands for digital silence.
    pub fn is_silence(self) -> bool {
        self == Self::SILENCE
    }

    /// The hash as 64 hexadecimal digits.
    pub fn hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hex()[..12])
    }
}

/// Builds a [`Key`] from fields. Each field is preceded by its length, so that
/// no two lists of fields have the same bytes.
pub struct KeyBuilder(blake3::Hasher);

impl KeyBuilder {
    /// Starts a key of one kind; the kind keeps keys of different things apart.
    pub fn new(kind: &str) -> Self {
        let mut builder = Self(blake3::Hasher::new());
        builder.bytes(kind.as_bytes());
        builder
    }

    /// Adds a whole number.
    pub fn number(&mut self, number: u64) -> &mut Self {
        self.bytes(&number.to_le_bytes());
        self
    }

    /// Adds a text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes());
        self
    }

    /// Adds another key.
    pub fn key(&mut self, key: Key) -> &mut Self {
        self.bytes(&key.0);
        self
    }

    /// Adds a list of keys.
    pub fn keys(&mut self, keys: &[Key]) -> &mut Self {
        self.number(keys.len() as u64);
        keys.iter().for_each(|key| self.bytes(&key.0));
        self
    }

    /// The key.
    pub fn finish(&self) -> Key {
        Key(*self.0.finalize().as_bytes())
    }
}

impl Sink for KeyBuilder {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u32).to_le_bytes());
        self.0.update(bytes);
    }

    fn words(&mut self, _: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_boundary_between_fields_changes_the_key() {
        let key = |parts: [&str; 2]| {
            let mut builder = KeyBuilder::new("test");
            builder.text(parts[0]).text(parts[1]);
            builder.finish()
        };
        assert_ne!(key(["ab", "c"]), key(["a", "bc"]));
    }
}
