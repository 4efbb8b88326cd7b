//! What can be cut all at once: connections, subscriptions.

use std::sync::Mutex;

use tokio_util::sync::CancellationToken;

/// Those that exist now share a token; those that come later share the next one.
#[derive(Debug, Default)]
pub(crate) struct Cut(Mutex<CancellationToken>);

impl Cut {
    /// Of one that comes now. It can also be cut alone.
    pub(crate) fn token(&self) -> CancellationToken {
        self.0.lock().expect("nobody panics while he holds a token").child_token()
    }

    /// Cuts all that there are.
    pub(crate) fn all(&self) {
        std::mem::take(&mut *self.0.lock().expect("nobody panics while he holds a token")).cancel();
    }
}
