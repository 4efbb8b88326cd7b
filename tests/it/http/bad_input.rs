//! Hostile and broken requests.

use std::io::ErrorKind;

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{Client, World};

#[tokio::test]
async fn bodies_that_are_no_json_object_are_refused() {
    let world = World::acme().await;
    let (alice, path, before) = (world.of("alice"), world.path("acme", "dana"), world.head().await);
    let hostile: &[&[u8]] = &[
        b"{",
        b"nonsense",
        b"[]",
        b"null",
        b"\"text\"",
        b"{\"orgRole\": \"manager\"",
        b"{\"orgRole\": \"man\xff\xfeager\"}",
        b"\x00",
        b"{\"a\": 1e999999}",
    ];
    for body in hostile {
        let request = alice.request(Method::PUT, &path).header("content-type", "application/json");
        let refused = Client::send(request.body(body.to_vec())).await.expect(400).json();
        assert!(refused["detail"].is_string(), "{refused}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let request = alice.request(Method::PUT, &path).header("content-type", "application/json");
    Client::send(request.body(deep)).await.expect(400);
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn other_media_types_and_large_bodies_are_refused() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let form = alice.request(Method::PUT, &path).header("content-type", "text/plain").body("orgRole=manager");
    Client::send(form).await.expect(415);
    let large = json!({"orgRole": "x".repeat(10 * 1024 * 1024)}).to_string();
    let request = alice.request(Method::PUT, &path).header("content-type", "application/json").body(large);
    match request.send().await {
        Ok(response) => assert_eq!(response.status(), 413),
        // The server may close the connection before the client has sent everything.
        Err(error) => assert!(error.is_request() || error.is_body(), "{error}"),
    }
    alice.get(&path).await.expect(200);
}

#[tokio::test]
async fn ten_thousand_teams_are_refused_quickly() {
    let world = World::acme().await;
    let teams: Vec<_> = (0..10_000).map(|number| format!("team-{number}")).collect();
    let refused =
        world.of("alice").put(&world.path("acme", "dana"), &json!({ "teams": teams })).await.expect(400);
    assert_eq!(refused.json(), json!({"teams": ["Ensure this field has no more than 1000 elements."]}));
    let teams: Vec<_> = (0..1_000).map(|number| format!("team-{number}")).collect();
    let refused =
        world.of("alice").put(&world.path("acme", "dana"), &json!({ "teams": teams })).await.expect(400);
    assert_eq!(refused.json(), json!({"teams": ["Invalid teams"]}));
}

#[tokio::test]
async fn broken_connections_and_heads_leave_the_server_standing() {
    let world = World::acme().await;
    let address = world.base.strip_prefix("http://").unwrap();
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(100_000));
    let garbage: &[&[u8]] = &[
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"PUT /api/0/organizations/acme/members/1/ HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{",
        b"GET / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer \xff\xfe\r\n\r\n",
        long.as_bytes(),
    ];
    for bytes in garbage {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = vec![];
        match stream.read_to_end(&mut answer).await {
            Ok(_) => {
                let text = String::from_utf8_lossy(&answer);
                assert!(answer.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
    world.of("alice").get("/healthz").await.expect(200);
}

#[tokio::test]
async fn odd_query_strings_are_no_trouble() {
    let world = World::acme().await;
    for query in
        ["%ff=%00", "&&&=&=", "per_page=%00", "cursor=%ff", "at_least=%2e", "a=1&a=2&consistency=strong"]
    {
        let status =
            world.of("alice").get(&format!("/api/0/organizations/acme/members/?{query}")).await.status;
        assert!(status == 200 || status == 400, "{query}: {status}");
    }
}

#[test]
fn a_body_is_demanded_where_one_of_its_fields_is() {
    let description = serde_json::to_value(muster::http::description()).unwrap();
    let demanded = |path: &str, method: &str| {
        description["paths"][path][method]["requestBody"]["required"].as_bool().unwrap()
    };
    let members = "/api/0/organizations/{organization}/members/";
    assert!(demanded(members, "post"));
    assert!(!demanded(&format!("{members}{{member}}/"), "put"));
    assert!(!demanded("/api/0/api-tokens/", "post"));
}
