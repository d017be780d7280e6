//! An error and what caused it, on one line, as a person would tell it.

use std::error::Error;
use std::fmt;

use kube::core::Status;

/// Shows the error, then each of its causes, unless the one before has said it already.
///
/// kube shows a refusal of the API server with everything that the answer holds, twice; what a person needs of it is the
/// server's own sentence.
pub struct Causes<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = text(self.0);
        f.write_str(&said)?;
        let mut cause = if refusal(self.0).is_some() { None } else { self.0.source() };
        while let Some(error) = cause {
            let next = text(error);
            if !said.contains(&next) {
                write!(f, ": {next}")?;
                said = next;
            }
            // Its source is the same answer in another form.
            cause = if refusal(error).is_some() { None } else { error.source() };
        }
        Ok(())
    }
}

/// The answer of the API server, if that is what the error is.
fn refusal<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Status> {
    let boxed = || error.downcast_ref::<Box<kube::Error>>().map(AsRef::as_ref);
    match error.downcast_ref::<kube::Error>().or_else(boxed)? {
        kube::Error::Api(status) => Some(status),
        _ => None,
    }
}

fn text(error: &(dyn Error + 'static)) -> String {
    match refusal(error) {
        Some(status) if status.message.is_empty() => {
            format!("the API server answered {} {}", status.code, status.reason)
        }
        Some(status) => status.message.clone(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("reading ConnectUser nobody failed")]
    struct Reading(#[source] Box<kube::Error>);

    fn told(error: kube::Error) -> String {
        Causes(&Reading(Box::new(error))).to_string()
    }

    #[test]
    fn a_refusal_is_told_once_in_the_servers_words() {
        let status = Status::failure("connectusers.contactops.dev \"nobody\" not found", "NotFound").with_code(404);
        assert_eq!(
            told(kube::Error::Api(status.boxed())),
            "reading ConnectUser nobody failed: connectusers.contactops.dev \"nobody\" not found"
        );
        let status = Status::failure("", "Forbidden").with_code(403);
        let said = told(kube::Error::Api(status.boxed()));
        assert_eq!(said, "reading ConnectUser nobody failed: the API server answered 403 Forbidden");
    }

    #[test]
    fn a_cause_that_was_told_already_is_not_told_again() {
        let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "connection refused");
        let said = told(kube::Error::Service(Box::new(refused)));
        assert_eq!(said, "reading ConnectUser nobody failed: ServiceError: connection refused");
    }
}
