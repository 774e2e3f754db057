//! What is known of operators outside without running them again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::audio::AudioInfo;
use crate::key::Key;

/// What an operator made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Made {
    /// What the header of its output said.
    pub info: AudioInfo,
    /// Digests of all segments of its output.
    pub digests: Vec<Key>,
}

/// What operators made, and which were seen to make the same again.
#[derive(Clone, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OutsideMemo {
    /// By recipe: the operator and the keys of all that it heard.
    pub made: BTreeMap<Key, Made>,
    /// Operators, whatever they heard.
    pub proven: BTreeSet<Key>,
}
