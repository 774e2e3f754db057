//! Versions as packages and reports know them.

use super::delivery::{DeliveredFile, Delivery};

/// The word by which deliverables ask for the parts that nothing replaces.
pub const ORIGINAL: &str = "original";

/// Index into [`Delivery::versions`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VersionId(pub u32);

/// The same stems and mixes with other parts: a dub language, a clean edit.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Version {
    /// Name in the manifest.
    pub name: String,
    /// Its language, `fr-FR`; empty if none was given.
    pub language: String,
}

impl Delivery {
    /// The version of that id.
    pub fn version(&self, id: VersionId) -> &Version {
        &self.versions[id.0 as usize]
    }

    /// What reports call a version; `None` is the original.
    pub fn version_name(&self, id: Option<VersionId>) -> &str {
        id.map_or(ORIGINAL, |id| &self.version(id).name)
    }

    /// What people call a delivered file: the stem or mix, with the version that was
    /// asked for even where that changes nothing in it: `M (fr)`.
    pub fn file_name(&self, file: &DeliveredFile) -> String {
        let name = self.content_name(file.content);
        let suffix = file.version.map(|id| format!(" ({})", self.version(id).name));
        match suffix.filter(|suffix| !name.ends_with(suffix.as_str())) {
            Some(suffix) => format!("{name}{suffix}"),
            None => name.to_owned(),
        }
    }
}
