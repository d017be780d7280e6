//! `connect-user-operator probe`: asks addresses until all answer, for `helm test` in an image without a shell.

use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::values::duration;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most of an answer that is read: its first line says everything that is asked.
const LONGEST_LINE: usize = 1024;

#[derive(Args)]
pub(super) struct ProbeArguments {
    /// Addresses that must answer with 200, such as http://connect-user-operator-metrics:8080/readyz.
    #[arg(required = true, value_name = "URL", value_parser = url)]
    urls: Vec<Url>,

    /// How long to try.
    #[arg(long, default_value = "1m", value_name = "DURATION", value_parser = duration)]
    within: Duration,
}

/// An address did not answer with 200 in time.
#[derive(Debug, thiserror::Error)]
#[error("http://{authority}{path} did not answer with 200 within {within:?}: {last}")]
pub struct Error {
    authority: String,
    path: String,
    within: Duration,
    last: String,
}

/// An address over plain HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Url {
    authority: String,
    path: String,
}

pub(super) async fn run(arguments: ProbeArguments, output: &mut dyn std::io::Write) -> Result<(), super::Error> {
    let deadline = Instant::now() + arguments.within;
    for url in &arguments.urls {
        until_it_answers(url, deadline).await.map_err(|last| Error {
            authority: url.authority.clone(),
            path: url.path.clone(),
            within: arguments.within,
            last,
        })?;
        writeln!(output, "http://{}{} answers", url.authority, url.path)?;
    }
    Ok(())
}

/// Asks again and again; what was wrong last is the error.
async fn until_it_answers(url: &Url, deadline: Instant) -> Result<(), String> {
    loop {
        let last = match timeout(PATIENCE, ask(url)).await {
            Ok(Ok(line)) if line.split(' ').nth(1) == Some("200") => return Ok(()),
            Ok(Ok(line)) if line.is_empty() => "it closed the connection without an answer".to_owned(),
            Ok(Ok(line)) => format!("it answered `{line}`"),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it was silent".to_owned(),
        };
        if Instant::now() + PAUSE > deadline {
            return Err(last);
        }
        sleep(PAUSE).await;
    }
}

/// The first line of the answer.
async fn ask(url: &Url) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(&url.authority).await?;
    let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", url.path, url.authority);
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    let mut piece = [0; 256];
    while !answer.contains(&b'\n') && answer.len() < LONGEST_LINE {
        match stream.read(&mut piece).await? {
            0 => break,
            read => answer.extend(piece.iter().take(read)),
        }
    }
    let text = String::from_utf8_lossy(&answer);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

fn url(text: &str) -> Result<Url, String> {
    let form = || "must be an address such as http://host:8080/readyz".to_owned();
    let rest = text.strip_prefix("http://").ok_or_else(form)?;
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (host, port) = authority.rsplit_once(':').ok_or_else(form)?;
    let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
    if host.is_empty() || port.parse::<u16>().is_err() || !is_plain(rest) {
        return Err(form());
    }
    Ok(Url { authority: authority.to_owned(), path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers once with each of these, and then no more.
    async fn server(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 1024];
                let read = stream.read(&mut request).await.unwrap();
                assert!(request[..read].starts_with(b"GET /readyz HTTP/1.1\r\nHost: "));
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        format!("http://{address}/readyz")
    }

    async fn probe(address: &str, within: &str) -> Result<String, String> {
        let arguments = ProbeArguments { urls: vec![url(address).unwrap()], within: duration(within).unwrap() };
        let mut said = Vec::new();
        run(arguments, &mut said).await.map_err(|error| error.to_string())?;
        Ok(String::from_utf8(said).unwrap())
    }

    #[tokio::test]
    async fn it_asks_until_the_answer_is_200() {
        let address = server(&["HTTP/1.1 503 Service Unavailable\r\n\r\nno", "", "HTTP/1.1 200 OK\r\n\r\nok"]).await;
        assert_eq!(probe(&address, "30s").await.unwrap(), format!("{address} answers\n"));
        // All three were asked for: nobody is there for a fourth.
        assert!(probe(&address, "10ms").await.is_err());
    }

    #[tokio::test]
    async fn it_gives_up_and_says_what_was_wrong() {
        let address = server(&["HTTP/1.1 503 Service Unavailable\r\n\r\n200"]).await;
        let error = probe(&address, "10ms").await.unwrap_err();
        assert!(error.contains("503 Service Unavailable") && error.contains("/readyz"), "{error}");
        // Nobody listens there any more.
        let error = probe(&address, "10ms").await.unwrap_err();
        assert!(error.contains("refused") || error.contains("without an answer"), "{error}");
    }

    #[test]
    fn an_address_has_host_port_and_path() {
        let parsed = url("http://[::1]:8080/metrics").unwrap();
        assert_eq!((parsed.authority.as_str(), parsed.path.as_str()), ("[::1]:8080", "/metrics"));
        assert_eq!(url("http://host:1").unwrap().path, "/");
        for text in
            ["", "https://host:443/", "host:8080/", "http://host/", "http://:80/", "http://host:x/", "http://h:1/ x"]
        {
            assert!(url(text).is_err(), "{text}");
        }
    }
}
