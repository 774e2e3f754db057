//! Package documents.
