//! People's accounts: a superuser's business, and everybody's own.

mod answer;
mod body;

pub(super) mod list;
pub(super) mod register;

pub(super) mod erase;
pub(super) mod get;
pub(super) mod update;

pub(super) mod authenticators;
pub(super) mod emails;

pub(super) mod invitees;

pub(super) use answer::named;
