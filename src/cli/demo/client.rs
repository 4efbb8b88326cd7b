//! The HTTP client of the demonstration: one connection for each request, to the server in this process.

use std::{future::poll_fn, net::SocketAddr, pin::Pin};

use anyhow::{Context, Result, bail, ensure};
use hyper::{
    Method, Request, StatusCode,
    body::{Body, Incoming},
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The largest answer that is read.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// What is asked of the server.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    /// The method.
    pub(super) method: Method,
    /// The path.
    pub(super) path: &'a str,
    /// Whose token asks; none for anybody.
    pub(super) token: Option<&'a str>,
    /// The idempotency key, which every client should send with what changes something.
    pub(super) key: Option<&'a str>,
    /// The body.
    pub(super) body: Option<&'a Value>,
}

/// What the server answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// Up to which position of the log it is true; for a command, that of its last event.
    pub(super) position: Option<String>,
    /// The body.
    pub(super) body: Value,
}

/// Talks to the server at one address.
#[derive(Debug)]
pub(super) struct Client {
    address: SocketAddr,
}

impl Client {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Where the server is.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks, and reads the answer.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Answer> {
        let mut request = Request::builder()
            .method(ask.method)
            .uri(ask.path)
            .header(header::HOST, self.address.to_string());
        if let Some(token) = ask.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = ask.key {
            request = request.header("Idempotency-Key", key);
        }
        if ask.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(ask.body.map(Value::to_string).unwrap_or_default())?;
        let stream = TcpStream::connect(self.address).await.context("the server cannot be reached")?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let answer = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let position = answer.headers().get("Muster-Position").map(HeaderValue::to_str).transpose()?;
            let position = position.map(str::to_owned);
            let body = serde_json::from_slice(&read(answer.into_body()).await?).unwrap_or_default();
            anyhow::Ok(Answer { status, position, body })
        };
        tokio::select! {
            answer = answer => answer,
            // The connection ends before the answer only when the server goes away.
            ended = connection => {
                ended?;
                bail!("the server closed the connection without an answer")
            }
        }
    }
}

impl Answer {
    /// What became of a command.
    pub(super) fn of_command(&self) -> String {
        let status = self.status.as_u16();
        if self.status.is_success() {
            // The part before the dash names the log, of which there is only one here.
            let position = self.position.as_deref().map(|at| at.rsplit_once('-').map_or(at, |(_, at)| at));
            let position = position.unwrap_or("unknown");
            return format!("{status}, recorded at position {position}");
        }
        // An error is {"detail": text} or {field: [texts]}.
        let texts = self
            .body
            .as_object()
            .into_iter()
            .flat_map(|body| body.values())
            .filter_map(|value| value.as_str().or_else(|| value.as_array()?.first()?.as_str()));
        format!("{status}, {}; nothing is recorded", texts.collect::<Vec<_>>().join(" "))
    }

    /// What these fields of the answer to a read say.
    pub(super) fn of_read(&self, fields: &[&str]) -> String {
        let said = fields.iter().map(|field| format!(", {field}: {}", self.body[*field]));
        format!("{}{}", self.status.as_u16(), said.collect::<String>())
    }

    /// The text of a field that has to be there.
    pub(super) fn text(&self, field: &str) -> Result<&str> {
        self.body[field].as_str().with_context(|| format!("an answer without {field}: {}", self.body))
    }
}

async fn read(mut body: Incoming) -> Result<Vec<u8>> {
    let mut text = vec![];
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame?.into_data() {
            text.extend_from_slice(&data);
            ensure!(text.len() <= ANSWER_LIMIT, "the server's answer is longer than {ANSWER_LIMIT} bytes");
        }
    }
    Ok(text)
}
