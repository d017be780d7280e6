//! What goes wrong at the API server, with which requests, how often.

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Refused with this status, without effect.
    Refused(u16),
    /// It takes effect and is answered with this status.
    AnsweredWrongly(u16),
    /// The connection closes before anything happens.
    Lost,
    /// It takes effect and the connection closes without an answer.
    AnswerLost,
}

/// Something that goes wrong with the requests that it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub harm: Harm,
    /// Only writes, or only reads other than watches.
    pub writes: bool,
    /// Only requests for this kind, by its plural.
    pub plural: Option<String>,
    /// A client that it never hits.
    pub spares: Option<String>,
    /// How many matching requests pass before the first hit.
    pub skip: u32,
    /// How many it hits.
    pub times: u32,
}

/// Consumes and returns what hits this request.
pub(super) fn strike(faults: &mut Vec<Fault>, client: &str, plural: &str, is_write: bool) -> Option<Harm> {
    let mut hit = None;
    for fault in faults.iter_mut() {
        let matches = fault.writes == is_write
            && fault.plural.as_deref().is_none_or(|other| other == plural)
            && fault.spares.as_deref() != Some(client);
        if hit.is_some() || !matches || fault.times == 0 {
            continue;
        }
        if fault.skip > 0 {
            fault.skip -= 1;
        } else {
            fault.times -= 1;
            hit = Some(fault.harm);
        }
    }
    faults.retain(|fault| fault.times > 0);
    hit
}
