//! A user in the operator's own words: as declared, as observed, and what of it is owned. Pure.

pub mod declared;
pub mod desired;
pub mod identity;
pub mod ids;
pub mod observed;
pub mod ownership;
pub mod password;
pub mod settings;
