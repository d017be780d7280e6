//! One call after routing: who asks what, where.

use crate::error::{Kind, Refusal};
use crate::page::Paging;
use crate::route::{Labels, Operation, query_pairs};
use crate::switches::Switches;
use crate::timestamp::Timestamp;
use crate::validate::ensure;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A routed and (formally) signed request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) labels: Labels,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Value,
    pub(crate) region: String,
    pub(crate) now: Timestamp,
}

/// What the SigV4 header says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signer {
    pub(crate) access_key: String,
    pub(crate) region: String,
}

impl Signer {
    /// Checks that a SigV4 header is there and meant for Connect; the signature itself is not verified.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let missing = || Refusal::new(Kind::MissingAuth, "Missing Authentication Token");
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let authorization = header("authorization").ok_or_else(missing)?;
        let rest = authorization.strip_prefix("AWS4-HMAC-SHA256").ok_or_else(missing)?;
        let part = |name: &str| rest.split(',').find_map(|part| part.trim().strip_prefix(name));
        let scope: Vec<_> = part("Credential=").unwrap_or_default().split('/').collect();
        let [access_key, _date, region, "connect", "aws4_request"] = scope.as_slice() else { return Err(missing()) };
        let whole = part("SignedHeaders=").is_some_and(|signed| signed.split(';').any(|name| name == "host"))
            && part("Signature=").is_some_and(|signature| signature.len() == 64)
            && header("x-amz-date").is_some()
            && !access_key.is_empty()
            && !region.is_empty();
        if !whole {
            return Err(missing());
        }
        Ok(Self { access_key: (*access_key).to_owned(), region: (*region).to_owned() })
    }
}

impl Call {
    pub(crate) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The instance as the request writes it: in the path, or in the body of a search.
    pub(crate) fn raw_instance(&self) -> Option<&str> {
        let label = self.labels.get("InstanceId").map(String::as_str);
        label.or_else(|| self.body.get("InstanceId").and_then(Value::as_str))
    }

    /// The body as the operation's shape. Members that the model does not know are refused.
    pub(crate) fn shape<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        T::deserialize(&self.body).map_err(|error| Refusal::mistake(format!("The request is not valid: {error}.")))
    }

    /// Refuses query parameters that the model does not know.
    pub(crate) fn check_query(&self) -> Result<(), Refusal> {
        use Operation as O;
        let allowed: &[&str] = match self.operation {
            O::ListUsers
            | O::ListUserProficiencies
            | O::ListRoutingProfiles
            | O::ListSecurityProfiles
            | O::ListUserHierarchyGroups => &["nextToken", "maxResults"],
            O::ListQuickConnects => &["nextToken", "maxResults", "QuickConnectTypes"],
            O::UntagResource => &["tagKeys"],
            _ => &[],
        };
        let unknown = self.query.iter().find(|(name, _)| !allowed.contains(&name.as_str()));
        unknown.map_or(Ok(()), |(name, _)| Err(Refusal::mistake(format!("Unknown query parameter {name}."))))
    }

    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The page that the query string of a List operation asks for; 100 entries unless it says otherwise.
    pub(crate) fn page_of_query(&self, limit: i64, switches: Switches) -> Result<Paging<'_>, Refusal> {
        let asked = self.query_value("maxResults").map(|text| text.parse().map_err(|_| text)).transpose();
        let asked = asked.map_err(|text| Refusal::mistake(format!("maxResults {text} is not a number.")))?;
        self.page(asked, self.query_value("nextToken"), limit, switches)
    }

    pub(crate) fn page<'a>(
        &self,
        asked: Option<i64>,
        token: Option<&'a str>,
        limit: i64,
        switches: Switches,
    ) -> Result<Paging<'a>, Refusal> {
        let size = asked.unwrap_or(100);
        ensure((1..=limit).contains(&size), format!("MaxResults must be between 1 and {limit}."))?;
        ensure(token != Some(""), "NextToken must not be empty.")?;
        let filter = ["SearchFilter", "SearchCriteria"].map(|name| self.body.get(name).map(Value::to_string));
        let types = self.query.iter().filter(|(name, _)| name == "QuickConnectTypes");
        let scope = format!(
            "{:?} {:?} {:?} {filter:?} {:?}",
            self.operation,
            self.labels,
            self.region,
            types.collect::<Vec<_>>()
        );
        Ok(Paging { scope, token, size: usize::try_from(size).unwrap_or(100), switches })
    }
}

/// Builds the call of a request whose route and signer are known.
pub(crate) fn call(
    (operation, labels): (Operation, Labels),
    region: &str,
    query: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<Call, Refusal> {
    let body = if body.is_empty() { Ok(Value::Object(serde_json::Map::new())) } else { serde_json::from_slice(body) };
    let body = body.ok().filter(Value::is_object);
    let body = body.ok_or_else(|| Refusal::new(Kind::Serialization, "The body is not a JSON object."))?;
    Ok(Call { operation, labels, query: query_pairs(query), body, region: region.to_owned(), now })
}
