//! HTTP: parse, call, shape. No membership rule stands here: handlers hand what was asked to the ledger, and show
//! what the read models and the history say.
//!
//! To add an endpoint: a file in the folder of its resource with the handler and its description, a line in
//! [`router`], and its shape, when it is a new one, in `shapes`.

mod router;

mod access_requests;
mod invitations;
mod members;
mod organizations;
mod requests;
mod team_memberships;
mod teams;

mod administration;
mod audit;
mod tokens;
mod users;

mod events;

mod operation;

mod avatars;

mod access;
mod asking;
mod auth;
mod body;
mod consistency;
mod idempotency;
mod moment;
mod page;
mod params;
mod request;
mod throttle;

mod problem;
mod refusal;

mod described;
mod shapes;

mod app;
mod names;
mod serve;

pub use app::{Limits, ServeOptions};
pub use refusal::statement;
pub use router::description;
pub use serve::{ServeError, serve};
