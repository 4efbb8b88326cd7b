//! Reads of the log for people, on the embedded store.

mod lab;

mod exports;
mod feeds;
mod pages;
mod shown;

pub(crate) use lab::key_ring;
