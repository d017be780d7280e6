//! The whole state behind the lock.

use crate::call::Call;
use crate::calls::CallRecord;
use crate::error::{Kind, Refusal};
use crate::faults::Fault;
use crate::fixtures::{self, EPOCH};
use crate::instance::Instance;
use crate::lag::Lag;
use crate::options::Options;
use crate::quota::{Buckets, Quotas};
use crate::switches::Switches;
use crate::timestamp::Timestamp;
use crate::validate::ensure;
use std::collections::BTreeMap;

/// Everything that a simulator knows.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) switches: Switches,
    pub(crate) quotas: Option<Quotas>,
    pub(crate) lag: Lag,
    pub(crate) faults: Vec<Fault>,
    pub(crate) instances: BTreeMap<String, Instance>,
    pub(crate) calls: Vec<CallRecord>,
    pub(crate) buckets: Buckets,
    /// The latest `now` of a call: mutations that bring no time of their own happen then.
    pub(crate) now: Timestamp,
    pub(crate) seq: u64,
    ids: u64,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        let mut world = Self {
            switches: options.switches,
            quotas: options.quotas.clone(),
            lag: options.lag,
            options,
            faults: Vec::new(),
            instances: BTreeMap::new(),
            calls: Vec::new(),
            buckets: Buckets::default(),
            now: EPOCH,
            seq: 0,
            ids: 0,
        };
        for instance in [fixtures::managed::instance(), fixtures::saml::instance()] {
            world.add(instance);
        }
        world
    }

    pub(crate) fn add(&mut self, mut instance: Instance) {
        instance.users_quota = self.options.users_quota;
        self.instances.insert(instance.id.clone(), instance);
    }

    /// Everything as at the start; ids and sequence numbers go on, so that nothing old is mistaken for new.
    pub(crate) fn reset(&mut self) {
        let fresh = Self::new(self.options.clone());
        *self = Self { now: self.now, seq: self.seq, ids: self.ids, ..fresh };
    }

    /// A new id that looks like a random UUID and is none.
    pub(crate) fn new_id(&mut self) -> String {
        self.ids += 1;
        uuid(self.ids)
    }

    /// The instance of a call, if it is visible in the Region that the call is signed for.
    pub(crate) fn instance(&self, call: &Call) -> Result<&Instance, Refusal> {
        let raw = call.raw_instance().unwrap_or_default();
        ensure((1..=100).contains(&raw.chars().count()), "InstanceId must have 1 to 100 characters.")?;
        self.visible(raw, &call.region)
    }

    pub(crate) fn instance_mut(&mut self, call: &Call) -> Result<&mut Instance, Refusal> {
        let id = self.instance(call)?.id.clone();
        self.instances.get_mut(&id).ok_or_else(|| unknown_instance(&id))
    }

    pub(crate) fn visible(&self, raw: &str, region: &str) -> Result<&Instance, Refusal> {
        let instance = self.instances.get(bare_instance(raw)).filter(|instance| instance.region == region);
        let instance = instance.filter(|instance| !raw.starts_with("arn:") || instance.arn == raw);
        instance.ok_or_else(|| unknown_instance(raw))
    }
}

fn unknown_instance(raw: &str) -> Refusal {
    Refusal::new(Kind::UnknownInstance, format!("Instance {raw} does not exist or is not accessible."))
}

/// The id in an instance's id or ARN.
pub(crate) fn bare_instance(raw: &str) -> &str {
    if raw.starts_with("arn:") { raw.rsplit('/').next().unwrap_or(raw) } else { raw }
}

/// The id in an id or ARN of something in an instance; `None` for an ARN of something else.
pub(crate) fn bare<'a>(instance: &Instance, kind: &str, raw: &'a str) -> Option<&'a str> {
    if !raw.starts_with("arn:") {
        return Some(raw);
    }
    raw.strip_prefix(instance.arn.as_str())?.strip_prefix('/')?.strip_prefix(kind)?.strip_prefix('/')
}

/// A UUID of version 4 by its looks, determined by `n`.
pub(crate) fn uuid(n: u64) -> String {
    let (high, low) = (scramble(n.wrapping_mul(2)), scramble(n.wrapping_mul(2).wrapping_add(1)));
    let high = (high & 0xffff_ffff_ffff_0fff) | 0x4000;
    let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    let (a, b, c) = (high >> 32, (high >> 16) & 0xffff, high & 0xffff);
    format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

/// The finaliser of splitmix64.
const fn scramble(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
