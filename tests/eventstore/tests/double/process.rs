//! The double as a process.

use std::process::Stdio;

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::support::{client, fill, soon};

#[tokio::test]
async fn the_binary_says_where_it_listens_and_ends_when_told() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_eventstore-double"))
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let line = soon(lines.next_line()).await.unwrap().unwrap();
    let url = line.strip_prefix("eventstore double at ").unwrap();
    fill(&client(url), "a", &["One"]).await;
    let id = process.id().unwrap().to_string();
    assert!(soon(Command::new("kill").arg(id).status()).await.unwrap().success());
    assert!(soon(process.wait()).await.unwrap().success());
}
