//! `deliverables.yaml` to [`delivery::Delivery`]: parse, then resolve.

mod chain;
mod check;
pub mod delivery;
mod downmixes;
mod expand;
mod files;
mod fit;
pub mod framing;
mod hints;
mod image;
mod links;
mod members;
mod names;
mod normalize;
pub mod over_time;
pub mod pace;
mod outside;
mod packages;
mod placement;
pub mod process;
mod programme;
pub mod raw;
mod resolve;
pub mod settings;
pub mod signals;
mod sums;
mod takes;
mod timeline;
mod tracks;
pub mod values;
mod version;
mod versions;

pub use resolve::{Loaded, Probe, load, output_root, resolve};

use crate::yaml::record::Field;

/// The JSON Schema (draft 2020-12) of manifests.
pub fn schema() -> serde_json::Value {
    crate::yaml::record::document("rebounce manifest", raw::Manifest::schema())
}
