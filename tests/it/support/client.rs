//! A client that shows its token with every request.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;

use super::{described, published};

/// An answer, read whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The position of the answer, without the incarnation.
    pub(crate) fn position(&self) -> u64 {
        let position = self.header("muster-position").unwrap_or_else(|| panic!("no position: {self:?}"));
        position.split_once('-').unwrap().1.parse().unwrap()
    }

    /// Fails with the whole answer when the status is another one.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }
}

/// Asks a server, with one token or none.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(base: &str, token: Option<&str>) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        Self { http, base: base.to_owned(), token: token.map(str::to_owned) }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Every answer is compared with what this program says of itself, and with what is published elsewhere about the
    /// endpoints that clients know already.
    pub(crate) async fn send(request: RequestBuilder) -> Answer {
        let (http, request) = request.build_split();
        let request = request.unwrap();
        let (method, url) = (request.method().clone(), request.url().clone());
        let response = http.execute(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let answer = Answer { status, headers, text: response.text().await.unwrap() };
        described::check(&method, url.path(), &answer);
        published::check(&method, &url, &answer);
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Self::send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Self::send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, path).json(body);
        Self::send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        Self::send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn put_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::PUT, path).json(body);
        Self::send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Self::send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn delete_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::DELETE, path);
        Self::send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }
}
