//! Whether traces are wanted, as the environment variables of OpenTelemetry say.

use crate::serve::traces::Wanted;

/// Names of the service and of the variables.
const SERVICE: &str = "connect-user-operator";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const TRACES_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";

/// Why what is wanted cannot be done.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// TLS.
    #[error(
        "traces can only be sent over plain http, and {variable} is {value}: send them to a collector in the cluster, such as http://collector.monitoring:4318, which passes them on"
    )]
    NotHttp {
        /// The variable.
        variable: &'static str,
        /// What it says.
        value: String,
    },
    /// Another protocol.
    #[error(
        "traces can only be sent as http/protobuf, and {variable} is {value}: set it to http/protobuf, or unset it, and use the collector's port for it, usually 4318"
    )]
    Protocol {
        /// The variable.
        variable: &'static str,
        /// What it says.
        value: String,
    },
}

/// Where to send traces, if anywhere: on as soon as an endpoint is named.
pub(super) fn wanted(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Wanted>, Error> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let is = |name: &str, value: &str| variable(name).is_some_and(|found| found.eq_ignore_ascii_case(value));
    if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
        return Ok(None);
    }
    let (name, endpoint) = match (variable(TRACES_ENDPOINT), variable(ENDPOINT)) {
        // The one for traces is the whole address; the other is that of all signals.
        (Some(endpoint), _) => (TRACES_ENDPOINT, endpoint),
        (None, Some(endpoint)) => (ENDPOINT, format!("{}/v1/traces", endpoint.trim_end_matches('/'))),
        (None, None) => return Ok(None),
    };
    if !endpoint.starts_with("http://") {
        return Err(Error::NotHttp { variable: name, value: endpoint });
    }
    let protocol = [TRACES_PROTOCOL, PROTOCOL].into_iter().find_map(|name| Some((name, variable(name)?)));
    if let Some((variable, value)) = protocol.filter(|(_, value)| value != "http/protobuf") {
        return Err(Error::Protocol { variable, value });
    }
    let is_named = variable("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|attributes| attributes.contains("service.name="));
    let service = match variable("OTEL_SERVICE_NAME") {
        Some(name) => Some(name),
        None if is_named => None,
        None => Some(SERVICE.to_owned()),
    };
    Ok(Some(Wanted { endpoint, service }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted_with(variables: &[(&str, &str)]) -> Result<Option<Wanted>, Error> {
        wanted(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn endpoint(variables: &[(&str, &str)]) -> Option<String> {
        wanted_with(variables).unwrap().map(|wanted| wanted.endpoint)
    }

    #[test]
    fn traces_are_off_until_an_endpoint_is_named() {
        let collector = (ENDPOINT, "http://collector:4318/");
        assert_eq!(endpoint(&[]), None);
        assert_eq!(endpoint(&[(ENDPOINT, "")]), None);
        assert_eq!(endpoint(&[collector]).as_deref(), Some("http://collector:4318/v1/traces"));
        assert_eq!(endpoint(&[collector, (TRACES_ENDPOINT, "http://other/x")]).as_deref(), Some("http://other/x"));
        assert_eq!(endpoint(&[collector, ("OTEL_SDK_DISABLED", "true")]), None);
        assert_eq!(endpoint(&[collector, ("OTEL_TRACES_EXPORTER", "none")]), None);
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for endpoint in ["https://collector:4318", "collector:4317", "grpc://collector"] {
            assert!(matches!(wanted_with(&[(ENDPOINT, endpoint)]), Err(Error::NotHttp { .. })), "{endpoint}");
        }
        let collector = (ENDPOINT, "http://collector:4318");
        assert!(wanted_with(&[collector, (PROTOCOL, "http/protobuf")]).is_ok());
        assert!(wanted_with(&[collector, (PROTOCOL, "grpc")]).is_err());
        assert!(wanted_with(&[collector, (PROTOCOL, "grpc"), (TRACES_PROTOCOL, "http/protobuf")]).is_ok());
    }

    #[test]
    fn the_service_has_a_name_whoever_gives_it() {
        let collector = (ENDPOINT, "http://collector:4318");
        let service = |more| wanted_with(&[collector, more]).unwrap().unwrap().service;
        assert_eq!(service(("", "")).as_deref(), Some(SERVICE));
        assert_eq!(service(("OTEL_SERVICE_NAME", "mine")).as_deref(), Some("mine"));
        assert_eq!(service(("OTEL_RESOURCE_ATTRIBUTES", "a=b,service.name=theirs")), None);
    }
}
