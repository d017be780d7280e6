//! Asking a person before something happens to many.

use std::io::{BufRead, IsTerminal, Write};

/// Why nothing is done.
#[derive(Debug, thiserror::Error)]
pub(in crate::kubectl) enum Unconfirmed {
    /// Nobody can be asked.
    #[error("{0}: nobody can be asked, since standard input is no terminal; give --yes if that is meant")]
    NobodyToAsk(String),
    /// A person said no.
    #[error("nothing was done, as you said")]
    Refused,
    /// The answer cannot be read.
    #[error("reading the answer failed")]
    Unreadable(#[source] std::io::Error),
}

/// Asks on standard error whether `what` shall be done; only `y` and `yes` mean it.
pub(in crate::kubectl) fn confirm(what: &str) -> Result<(), Unconfirmed> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Unconfirmed::NobodyToAsk(what.to_owned()));
    }
    eprint!("{what}? [y/N] ");
    std::io::stderr().flush().ok();
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).map_err(Unconfirmed::Unreadable)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Unconfirmed::Refused),
    }
}
