//! Builds `assets/dist` with node before the crate embeds it.

use std::{fs, path::Path, process::Command};

const MISSING: &str = "the dashboard's assets are not built and `npm` was not found: install Node.js 20 or newer \
                       (Debian: apt-get install nodejs npm), then run cargo again";

fn main() {
    for input in ["src", "build.mjs", "package.json", "package-lock.json", "dist/manifest.json"] {
        println!("cargo::rerun-if-changed=assets/{input}");
    }
    if let Err(sentence) = build(Path::new("assets")) {
        println!("cargo::error={sentence}");
    }
}

fn build(assets: &Path) -> Result<(), String> {
    if Command::new("npm").arg("--version").output().is_err() {
        return if assets.join("dist/manifest.json").exists() {
            Ok(())
        } else {
            Err(MISSING.into())
        };
    }
    install(assets)?;
    run(assets, "node", &["build.mjs"])
}

/// Installs what the lock file pins, unless that is there already.
fn install(assets: &Path) -> Result<(), String> {
    let stamp = assets.join("node_modules/.installed");
    let wanted = fs::read_to_string(assets.join("package-lock.json")).map_err(|e| e.to_string())?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    run(assets, "npm", &["ci", "--ignore-scripts"])?;
    fs::write(stamp, wanted).map_err(|e| e.to_string())
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .map_err(|e| format!("`{program}` did not start: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).replace('\n', " | ");
    Err(format!("`{program} {}` in dashboard/assets failed: {said}", arguments.join(" ")))
}
