//! Keeps the program small: packs the table of relocations, which is 2 MB otherwise, where the program can
//! start with it, and leaves symbols out of a release.

#![expect(clippy::disallowed_methods, reason = "cargo tells a build script by its environment")]

use std::{env, process::Command};

/// The first glibc that reads a packed table; an older one does not start a program that has one.
const READS_PACKED: (u32, u32) = (2, 36);

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if is_built_here() && glibc().is_some_and(|version| version >= READS_PACKED) {
        // A linker that can't pack says so, and leaves the table as it is.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    if is_release() && told("CARGO_CFG_TARGET_OS") == "linux" {
        // cargo does not strip a program whose own package has settings in the profile. Other systems'
        // linkers know no such option.
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    }
}

/// Whether nobody wants to look into it: no debug information is asked for.
fn is_release() -> bool {
    told("PROFILE") == "release" && ["false", "0", "none"].contains(&told("DEBUG").as_str())
}

fn told(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// Whether the program is for a machine such as this one, with glibc.
fn is_built_here() -> bool {
    told("HOST") == told("TARGET")
        && told("CARGO_CFG_TARGET_OS") == "linux"
        && told("CARGO_CFG_TARGET_ENV") == "gnu"
}

/// The version that this machine has.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    // A version that is not released yet has a third number.
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
