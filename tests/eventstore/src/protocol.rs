//! The messages and services of the protocol, made by `build.rs`.
#![expect(
    unreachable_pub,
    clippy::pedantic,
    clippy::enum_variant_names,
    clippy::large_enum_variant,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "written by a generator"
)]
#![allow(dead_code, reason = "the protocol has more than is used; expecting it would count as a use")]

include!(concat!(env!("OUT_DIR"), "/protocol.rs"));
