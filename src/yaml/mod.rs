//! YAML as people write it, and records said once.
//!
//! Common ground for manifests and specs. [`syntax`] alone knows the YAML crate
//! and hands on a tree in which every value has its place; [`record`] turns such
//! trees into Rust structs, collecting every mistake instead of stopping at the
//! first, and describes the same structs as JSON Schema.

pub mod record;
pub mod scalars;
pub mod syntax;
pub mod times;
