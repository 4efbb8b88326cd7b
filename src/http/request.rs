//! What is known about a request besides what it asks: its id, the caller's address and program, where this server
//! is found.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request},
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
    response::Response,
};
use compact_str::CompactString;
use ipnet::IpNet;
use muster_events::{
    personal::Personal,
    recorded::{Actor, ActorKind},
    stream::Position,
};
use std::convert::Infallible;

use super::{app::App, names};
use crate::{
    clock::event_id,
    ledger::{Caller, CallerKind, CommandMeta},
};

/// The longest request id that is taken over from a client.
const MAX_REQUEST_ID: usize = 64;

/// The longest user agent that is kept.
const MAX_USER_AGENT: usize = 256;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What is known about a request.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub(super) request_id: CompactString,
    pub(super) ip: Option<IpAddr>,
    pub(super) user_agent: Option<String>,
    /// `http://host` without a path.
    pub(super) base_url: String,
}

impl About {
    /// What the events of a command of this request say of it when nobody shows a token: nothing of a person, who could
    /// not have it erased.
    pub(super) fn anonymous(&self) -> CommandMeta {
        CommandMeta {
            request_id: Some(self.request_id.clone()),
            correlation_id: Some(self.request_id.clone()),
            ..CommandMeta::by(Actor::only(ActorKind::Anonymous))
        }
    }

    /// What the events of a command of this request say of it. The caller's address and program are kept only for a
    /// person, who can have them erased.
    pub(super) fn meta(&self, caller: Caller) -> CommandMeta {
        let person = matches!(caller.kind, CallerKind::User(_));
        CommandMeta {
            request_id: Some(self.request_id.clone()),
            correlation_id: Some(self.request_id.clone()),
            ip: self.ip.filter(|_| person).map(|ip| Personal::open(ip.to_string(), None)),
            user_agent: self.user_agent.clone().filter(|_| person),
            ..CommandMeta::by(caller.actor())
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for About {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self {
            request_id: CompactString::default(),
            ip: None,
            user_agent: None,
            base_url: String::new(),
        }))
    }
}

/// Finds out what is known about the request, and completes the headers that every answer has.
pub(super) async fn about<F: Future<Output = Response>>(
    app: &App,
    mut request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let headers = request.headers();
    let given = headers.get(names::REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_id(id));
    let request_id: CompactString = match given {
        Some(id) => id.into(),
        None => event_id(app.ledger.clock().now()).simple().to_string().into(),
    };
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let proxies = &app.options.trusted_proxies;
    let trusted = peer.is_some_and(|peer| trusts(proxies, peer));
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let about = About {
        request_id: request_id.clone(),
        ip: client(headers, peer, proxies),
        user_agent: agent.map(|agent| agent.chars().take(MAX_USER_AGENT).collect()),
        base_url: base_url(headers, trusted),
    };
    request.extensions_mut().insert(about);
    let mut response = answer(request).await;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert(names::REQUEST_ID, id);
    }
    if let Some(position) =
        headers.get(names::POSITION).and_then(|position| position.to_str().ok()?.parse().ok())
    {
        let position = app.at(Position(position));
        if let Ok(position) = HeaderValue::from_str(&position.to_string()) {
            headers.insert(names::POSITION, position);
        }
    }
    response
}

fn is_id(text: &str) -> bool {
    (1..=MAX_REQUEST_ID).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn trusts(proxies: &[IpNet], address: IpAddr) -> bool {
    proxies.iter().any(|proxies| proxies.contains(&address))
}

/// The caller's address: the last one on the forwarded way that is not a trusted proxy's.
fn client(headers: &HeaderMap, peer: Option<IpAddr>, proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = peer?;
    if !trusts(proxies, peer) {
        return Some(peer);
    }
    let way = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = way.flat_map(|value| value.split(',')).collect();
    // From the nearest on; what stands before a hop that cannot be read was not written by somebody trusted.
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        let hop = hop.trim();
        let read = hop.parse().or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()));
        let Ok(hop) = read else { break };
        nearest = hop;
        if !trusts(proxies, hop) {
            break;
        }
    }
    Some(nearest)
}

fn base_url(headers: &HeaderMap, trusted: bool) -> String {
    let proto = headers.get(FORWARDED_PROTO).and_then(|proto| proto.to_str().ok());
    let proto = proto.filter(|proto| trusted && *proto == "https").unwrap_or("http");
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let host: String = host.chars().filter(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(*c)).collect();
    format!("{proto}://{host}")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{FORWARDED_FOR, client};

    #[test]
    fn a_forwarded_address_is_believed_from_a_trusted_proxy_only() {
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED_FOR, HeaderValue::from_static("203.0.113.9, 198.51.100.7, 10.0.0.2"));
        let peer = Some("10.0.0.1".parse().unwrap());
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(client(&headers, peer, &[]), peer);
        assert_eq!(client(&headers, peer, &proxies), Some("198.51.100.7".parse().unwrap()));
        assert_eq!(client(&HeaderMap::new(), peer, &proxies), peer);
        headers.insert(FORWARDED_FOR, HeaderValue::from_static("203.0.113.9, unknown, 10.0.0.2"));
        assert_eq!(client(&headers, peer, &proxies), Some("10.0.0.2".parse().unwrap()));
        headers.insert(FORWARDED_FOR, HeaderValue::from_static("198.51.100.7:4711"));
        assert_eq!(client(&headers, peer, &proxies), Some("198.51.100.7".parse().unwrap()));
    }
}
