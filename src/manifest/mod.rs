//! `deliverables.yaml` to [`delivery::Delivery`]: parse, then resolve.

pub mod delivery;
pub mod raw;
mod values;
