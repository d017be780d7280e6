//! Between the operator's own words and those of Connect's API: what is sent is in `request`, what is
//! read in `answer`.

pub(super) mod answer;
pub(super) mod request;
