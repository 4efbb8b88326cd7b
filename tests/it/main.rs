//! The tests of the whole, one binary, by area.

mod blobs;
mod cli;
mod contract;
mod crash;
mod deployment;
mod histories;
mod history;
mod http;
mod letters;
mod linearizable;
mod never_skip;
mod overtaken;
mod policies;
mod processes;
mod sealing;
mod subscription;
mod support;
mod tidy;
mod time_travel;
