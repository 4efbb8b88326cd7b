//! A mail server of its own for a test, whose faults are chosen by the recipient (tests/mail/server.py).

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde::Deserialize;
use tempfile::TempDir;

/// The variable that names a Python with what the server needs.
const PYTHON: &str = "MUSTER_TEST_PYTHON";

/// The server, and what it has taken; gone when this is dropped.
#[derive(Debug)]
pub(crate) struct MailServer {
    port: u16,
    process: Option<Child>,
    directory: TempDir,
    /// How many connections it lets clients have at once.
    most: Option<u32>,
    /// With TLS: how, and the files of the certificate and its key.
    tls: Option<(&'static str, PathBuf, PathBuf)>,
}

/// A message that it took.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Taken {
    /// The recipient, in lower case.
    pub(crate) to: String,
    /// Its `Message-ID`.
    pub(crate) id: String,
    /// When, in seconds since the epoch.
    pub(crate) at: f64,
}

impl MailServer {
    pub(crate) fn start() -> Self {
        let mut server =
            Self { port: 0, process: None, directory: TempDir::new().unwrap(), most: None, tls: None };
        server.start_again();
        server
    }

    /// One that lets clients have so many connections at once and no more.
    pub(crate) fn with_connections(most: u32) -> Self {
        let directory = TempDir::new().unwrap();
        let mut server = Self { port: 0, process: None, directory, most: Some(most), tls: None };
        server.start_again();
        server
    }

    /// One that wants TLS, `tls` from the beginning or by `starttls`, and the user `muster` with the password `secret`.
    /// Its certificate is for `localhost`.
    pub(crate) fn with_tls(how: &'static str) -> Self {
        let directory = TempDir::new().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let (certificate, key) = (directory.path().join("certificate.pem"), directory.path().join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let mut server =
            Self { port: 0, process: None, directory, most: None, tls: Some((how, certificate, key)) };
        server.start_again();
        server
    }

    /// The certificate of one with TLS, which no authority of the system has signed.
    pub(crate) fn certificate(&self) -> &std::path::Path {
        &self.tls.as_ref().expect("it has TLS").1
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Starts it at the same port, after [`MailServer::stop`]; what it took is kept.
    pub(crate) fn start_again(&mut self) {
        let python = std::env::var(PYTHON).unwrap_or_else(|_| {
            panic!("this test needs a mail server: run tests/run, which installs one, or set {PYTHON}")
        });
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mail/server.py");
        let mut command = Command::new(python);
        command.arg(program).arg(self.record()).arg(self.port.to_string());
        if let Some((how, certificate, key)) = &self.tls {
            command.arg(how).arg(certificate).arg(key);
        }
        if let Some(most) = self.most {
            command.env("MUSTER_TEST_MAIL_MOST", most.to_string());
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        self.port = port.trim().parse().expect("the mail server does not start");
        self.process = Some(process);
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Where it is found.
    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    fn record(&self) -> PathBuf {
        self.directory.path().join("taken")
    }

    /// Everything that it took, in that order.
    pub(crate) fn taken(&self) -> Vec<Taken> {
        let text = std::fs::read_to_string(self.record()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.stop();
    }
}
