//! The one place where code that is not ours enters a process of ours.

use std::path::Path;

use clack_host::entry::{PluginEntry, PluginEntryError};

/// Loads a CLAP file: a library, or on macOS a bundle that holds one.
#[expect(unsafe_code, reason = "a library is trusted to be what it says, or it is not loaded")]
pub(super) fn load(path: &Path) -> Result<PluginEntry, PluginEntryError> {
    // SAFETY: what a library does when it is loaded, no host can know; that is why it
    // is loaded in a process of its own, which holds nothing that could be harmed.
    unsafe { PluginEntry::load(path) }
}
