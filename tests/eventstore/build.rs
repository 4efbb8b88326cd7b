//! Makes the server's side of the protocol from the `.proto` files that the client `eventstore` ships.

use std::{env, path::PathBuf};

use cargo_metadata::MetadataCommand;

const PROTOS: &[&str] = &["streams.proto", "gossip.proto", "serverfeatures.proto"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = protos();
    println!("cargo::rerun-if-changed={}", folder.display());
    // In Rust, so that nobody has to install protoc.
    let files = protox::compile(PROTOS, [&folder]).expect("the client's .proto files compile");
    tonic_build::configure()
        .build_client(false)
        .bytes(["."])
        .extern_path(".event_store.client.Empty", "()")
        .include_file("protocol.rs")
        .compile_fds(files)
        .expect("the stubs can be written");
}

/// The folder of `.proto` files in the source of the client, wherever cargo keeps it.
fn protos() -> PathBuf {
    let target = env::var("TARGET").expect("cargo says for what it builds");
    let metadata = MetadataCommand::new()
        .other_options(["--locked".into(), "--filter-platform".into(), target])
        .exec()
        .expect("cargo describes this workspace");
    let client = metadata.packages.iter().find(|package| package.name.as_str() == "eventstore");
    let manifest = &client.expect("the tests depend on the client").manifest_path;
    manifest.parent().expect("a manifest is in a folder").join("protos").into()
}
