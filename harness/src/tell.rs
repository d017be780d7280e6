//! What the demo and the end-to-end run have in common: how they speak, and how they look at things.

pub mod amazon;
pub mod http;
pub mod story;
pub mod tool;
