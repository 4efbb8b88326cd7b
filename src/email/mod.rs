//! E-mail: letters that the policies have queued are sent from here, and from nowhere else.
//!
//! [`Sender`] is an effectful subscriber: of several processes one works, under a lease. It takes what is due from the
//! read model of letters, asks the log whether a letter still waits, and [`content`] whether it still makes sense; what
//! became of it is an event of the letter. A process that is killed between the mail server's answer and that event leaves
//! a letter that is sent once more: the one duplicate that nothing can avoid. Its `Message-ID` is the same.

mod content;
mod desk;
mod message;
mod options;
mod people;
mod retry;
mod sample;
mod sender;
mod status;
mod templates;
mod transport;
mod variables;

pub use content::Content;
pub use message::{Rendered, compose};
pub use options::{MailOptions, Retries};
pub use sample::sample;
pub use sender::Sender;
pub use status::Status;
pub use templates::{TemplateError, Templates};
pub use transport::{MailTransport, NotSent, Transport, TransportError};
