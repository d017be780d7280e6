//! The operator process against a Connect with quotas, in real time.
