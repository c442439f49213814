//! Packs the table of relocations, which is 2 MB otherwise. A linker that can't leaves it as it is.

#![expect(clippy::disallowed_methods, reason = "cargo tells a build script by its environment")]

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
