//! A process that serves, watched line by line.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(30);

/// A process that goes on until it is told to stop; killed when the test ends before.
#[derive(Debug)]
pub(super) struct Serving {
    child: Child,
    lines: Receiver<String>,
    seen: String,
}

impl Serving {
    pub(super) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| send.send(line).is_ok()));
        Self { child, lines, seen: String::new() }
    }

    /// The first line from here on that contains `text`.
    #[track_caller]
    pub(super) fn line(&mut self, text: &str) -> String {
        loop {
            match self.lines.recv_timeout(LIMIT) {
                Ok(line) => {
                    self.seen.push_str(&line);
                    self.seen.push('\n');
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => {
                    let stderr = self.stderr();
                    panic!("{error} while waiting for {text:?}: {}\n{stderr}", self.seen)
                }
            }
        }
    }

    /// All that was printed until the last line that was waited for.
    pub(super) fn seen(&self) -> &str {
        &self.seen
    }

    /// The address in the line that says where it serves.
    #[track_caller]
    pub(super) fn url(&mut self) -> String {
        let line = self.line(" at http://");
        format!("http://{}", line.split("http://").nth(1).unwrap().trim())
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, waits, and gives how it ended and what else it printed.
    pub(super) fn stop(mut self) -> (ExitStatus, String) {
        let signalled = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(signalled.success());
        let mut rest = String::new();
        while let Ok(line) = self.lines.recv_timeout(LIMIT) {
            rest.push_str(&line);
            rest.push('\n');
        }
        (self.child.wait().unwrap(), rest)
    }

    fn stderr(&mut self) -> String {
        // The other end is closed by this, so that there is an end to read to.
        let _ = self.child.kill();
        let mut text = String::new();
        let _ = self.child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut text));
        text
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
