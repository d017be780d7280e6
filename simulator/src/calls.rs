//! The ordered log of calls.

use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One call of the Connect API, whatever became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    /// 1, 2, 3 … since the simulator started; not reset.
    pub seq: u64,
    /// When it arrived (`now` of the call).
    pub time: Timestamp,
    /// Name of the operation; empty if the path belongs to none.
    pub operation: String,
    /// Whether the operation changes something.
    pub write: bool,
    /// Account of the instance; empty if the instance is not known.
    pub account: String,
    /// Region of the credential scope.
    pub region: String,
    /// Bare id of the instance, as far as the request tells.
    pub instance_id: Option<String>,
    /// Bare id of the user that it is about; for CreateUser the new one.
    pub user_id: Option<String>,
    /// Username, where the request or the state tells it.
    pub username: Option<String>,
    /// User-Agent header.
    pub user_agent: String,
    /// Access key id of the credential.
    pub access_key: String,
    /// Body of the request; a password is replaced by `true`.
    pub body: Value,
    /// Query string as sent.
    pub query: String,
    /// Status of the answer (also if it was lost).
    pub status: u16,
    /// Error code of the answer.
    pub error_code: Option<String>,
    /// Name of the fault that hit the call.
    pub fault: Option<String>,
    /// Whether the answer was dropped.
    pub lost: bool,
    /// x-amzn-requestid of the answer.
    pub request_id: String,
}
