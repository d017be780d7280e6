//! The names of Services, for Pods: the little of DNS that finding an IPv4 address takes.

use std::net::{IpAddr, Ipv4Addr};

use harness::tell::story::Failure;
use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

const HEADER: usize = 12;
const TYPE_A: u16 = 1;
const SECONDS_TO_LIVE: u8 = 5;
/// Bits of a header: an answer, from who decides.
const ANSWER: u8 = 0x84;
const NO_SUCH_NAME: u8 = 3;

/// A server on port 53; ends when dropped.
#[derive(Debug)]
pub(crate) struct Names(JoinHandle<()>);

impl Names {
    pub(crate) async fn serve(address: IpAddr, client: Client) -> Result<Self, Failure> {
        let socket = UdpSocket::bind((address, 53)).await;
        let socket = socket.map_err(|error| Failure::new("a server of names on port 53", error))?;
        Ok(Self(tokio::spawn(async move {
            let mut buffer = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                let query = buffer.get(..length).unwrap_or_default();
                if let Some(answer) = answer(query, &client).await {
                    let _ = socket.send_to(&answer, peer).await;
                }
            }
        })))
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn answer(query: &[u8], client: &Client) -> Option<Vec<u8>> {
    let question = Question::read(query)?;
    let address = match question.name.split('.').collect::<Vec<_>>()[..] {
        [name, namespace, "svc"] | [name, namespace, "svc", "cluster", "local"] => {
            let service = Api::<Service>::namespaced(client.clone(), namespace).get_opt(name).await.ok()?;
            service.and_then(|service| service.spec?.cluster_ip?.parse().ok())
        }
        _ => None,
    };
    Some(question.answered(query, address))
}

/// The one question of a query.
#[derive(Debug, PartialEq)]
struct Question {
    name: String,
    kind: u16,
    /// Where it ends in the query.
    end: usize,
}

impl Question {
    fn read(query: &[u8]) -> Option<Self> {
        let (mut labels, mut at) = (Vec::new(), HEADER);
        loop {
            let length = usize::from(*query.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
            at += length;
        }
        let kind = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
        query.get(at + 3)?;
        Some(Self { name: labels.join("."), kind, end: at + 4 })
    }

    /// The answer to the query that this is of. A name that is there has no address of another kind.
    fn answered(&self, query: &[u8], address: Option<Ipv4Addr>) -> Vec<u8> {
        let records = address.filter(|_| self.kind == TYPE_A);
        let code = if address.is_some() { 0 } else { NO_SUCH_NAME };
        let mut answer = query.get(..2).unwrap_or_default().to_vec();
        answer.extend([ANSWER, code, 0, 1, 0, u8::from(records.is_some()), 0, 0, 0, 0]);
        answer.extend(query.get(HEADER..self.end).unwrap_or_default());
        if let Some(address) = records {
            // The name is where the question has it; type A, class IN, how long it holds, four bytes.
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, SECONDS_TO_LIVE, 0, 4]);
            answer.extend(address.octets());
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03Web\x02ns\x03svc\x00\x00\x01\x00\x01";

    #[test]
    fn a_question_is_read_and_answered() {
        let question = Question::read(QUERY).unwrap();
        assert_eq!((question.name.as_str(), question.kind, question.end), ("web.ns.svc", 1, QUERY.len()));
        let answer = question.answered(QUERY, Some(Ipv4Addr::new(10, 0, 0, 7)));
        assert_eq!(answer[..8], [0x12, 0x34, 0x84, 0, 0, 1, 0, 1]);
        assert!(answer.ends_with(&[0, 4, 10, 0, 0, 7]));
    }

    #[test]
    fn an_unknown_name_and_a_name_without_such_an_address_differ() {
        let question = Question::read(QUERY).unwrap();
        assert_eq!(question.answered(QUERY, None)[3], NO_SUCH_NAME);
        let other = Question { kind: 28, ..question };
        assert_eq!(other.answered(QUERY, Some(Ipv4Addr::LOCALHOST))[3..8], [0, 0, 1, 0, 0]);
    }

    #[test]
    fn what_is_cut_off_is_no_question() {
        (0..QUERY.len()).for_each(|length| assert_eq!(Question::read(&QUERY[..length]), None, "{length}"));
    }
}
