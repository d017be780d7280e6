//! Pacing: never faster than Amazon Connect allows, hardly slower, and in an order that serves people.

mod door;
mod fairness;
mod quotas;
mod rates;
mod real_time;
mod summary;
mod waiting;
