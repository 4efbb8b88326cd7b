//! The catch-up runner over a real log: it finds everything, applies it once, and outlives what goes wrong.

mod following;
mod lab;
mod parking;
mod rebuild;
mod trouble;
mod verify;
