//! Fuller batches: one commit for all who are about to append is cheaper than several.

use std::{thread, time::Duration};

use tokio::sync::mpsc;

use crate::clock::stopwatch;

/// How many batches do not wait after one that waited for nobody.
const REST: u32 = 32;

/// Those who were answered and have not come back. Many of them are deciding their next command at this moment, and
/// will be here before a commit without them would be done.
#[derive(Debug)]
pub(crate) struct Returning {
    /// How long a batch waits for those who are likely to come: about what a commit takes.
    linger: Duration,
    /// Appends that share a commit well enough: waiting for more costs then as much as it saves.
    enough: usize,
    outside: usize,
    rest: u32,
}

impl Returning {
    /// Nobody was answered yet.
    pub(crate) fn new(linger: Duration, enough: usize) -> Self {
        Self { linger, enough, outside: 0, rest: 0 }
    }

    /// Waits a moment for those who are likely to come back. A lone caller never waits, and where callers take longer
    /// than that to come back, hardly any batch does.
    pub(crate) fn wait<C>(&mut self, batch: &mut Vec<C>, commands: &mut mpsc::Receiver<C>, most: usize) {
        self.outside = self.outside.saturating_sub(batch.len());
        if self.rest > 0 {
            self.rest -= 1;
        } else if self.outside > 0 && batch.len() < self.enough {
            let before = batch.len();
            let expected = (before + self.outside).min(most);
            let began = stopwatch();
            while batch.len() < expected && began.elapsed() < self.linger {
                match commands.try_recv() {
                    Ok(command) => batch.push(command),
                    Err(_) => thread::yield_now(),
                }
            }
            if batch.len() == before {
                self.rest = REST;
            }
            self.outside = 0;
        }
        self.outside += batch.len();
    }
}
