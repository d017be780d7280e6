//! A small client for the operator's and the simulator's plain HTTP: kube's, which is there anyway.

use http::Request;
use serde_json::Value;

/// One server.
pub struct Http(kube::Client);

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Http")
    }
}

impl Http {
    /// For `http://127.0.0.1:PORT`.
    pub fn new(url: &str) -> Result<Self, String> {
        let mut config = kube::Config::new(url.parse().map_err(|error| format!("{url}: {error}"))?);
        config.default_retry = false;
        config.read_timeout = Some(std::time::Duration::from_secs(5));
        let client = kube::Client::try_from(config).map_err(|error| error.to_string())?;
        Ok(Self(client))
    }

    /// GET; the text of a good answer.
    pub async fn get(&self, path: &str) -> Result<String, String> {
        self.send(Request::get(path).body(Vec::new())).await
    }

    /// GET; a good answer's JSON.
    pub async fn get_json(&self, path: &str) -> Result<Value, String> {
        let text = self.get(path).await?;
        serde_json::from_str(&text).map_err(|error| format!("{path}: {error}: {text}"))
    }

    /// POST of JSON; the text of a good answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<String, String> {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request.body(body.to_string().into_bytes())).await
    }

    async fn send(&self, request: http::Result<Request<Vec<u8>>>) -> Result<String, String> {
        let request = request.map_err(|error| error.to_string())?;
        let what = format!("{} {}", request.method(), request.uri());
        let answer = self.0.request_text(request).await;
        answer.map_err(|error| match error {
            // Not a Kubernetes API, so only code and text mean anything.
            kube::Error::Api(status) => format!("{what}: {} {}", status.code, status.message),
            error => format!("{what}: {error}"),
        })
    }
}

/// The address in a line such as `… listening on http://127.0.0.1:8080`.
pub fn address_in(line: &str) -> Option<String> {
    const HOST: &str = "127.0.0.1:";
    let (_, rest) = line.split_once(HOST)?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("http://{HOST}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_text_and_json() {
        let found = Some("http://127.0.0.1:80".to_owned());
        assert_eq!(address_in("connect-simulator listening on http://127.0.0.1:80"), found);
        assert_eq!(address_in(r#"{"message":"listening","address":"127.0.0.1:80"}"#), found);
        assert_eq!(address_in("listening"), None);
        assert_eq!(address_in("listening on 127.0.0.1:"), None);
    }
}
