//! The shell of the membership ledger: the only place with sockets, clocks and disks. In reading order:
//!
//! * [`clock`]: time and randomness;
//! * [`store`]: the log;
//! * [`sealing`]: keys, and what they seal;
//! * [`ledger`]: the only write path;
//! * [`subscription`]: what keeps the read models up to date;
//! * [`history`]: reads of the log for people;
//! * [`http`] and [`cli`]: how people and programs ask.

pub mod clock;
pub mod store;
