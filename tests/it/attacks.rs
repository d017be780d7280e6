//! What a tenant may try against another, against the rules of an instance and against Amazon Connect, and that
//! nothing comes of it: docs/security.md names these tests.

mod adoption;
mod annotations;
mod forgery;
mod ground;
mod input;
mod policy;
mod profiles;
mod tenants;
