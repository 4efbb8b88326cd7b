//! The HTTP client of the demonstration: one connection for each request, to the server in this process.

use std::{future::poll_fn, net::SocketAddr, pin::Pin};

use anyhow::{Context, Result, bail, ensure};
use hyper::{
    Request, StatusCode,
    body::{Body, Incoming},
    client::conn::http1,
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// The largest answer that is read.
const ANSWER_LIMIT: usize = 1024 * 1024;

/// What the server answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// The position of the command's last event.
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

    /// Puts `body` to `path`, with an idempotency key, as every client should.
    pub(super) async fn put(&self, path: &str, token: &str, key: &str, body: &Value) -> Result<Answer> {
        let request = Request::put(path)
            .header(header::HOST, self.address.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", key)
            .body(body.to_string())?;
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
