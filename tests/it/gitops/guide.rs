//! The guide and the examples say what is so.
