//! Event stream and store.

use std::{
    fs::File,
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    thread,
};

use super::Doctor;

/// What a server says of itself that is older than Nexus can work with.
pub const OLD_NATS: &str = r#"INFO {"server_id":"S","server_name":"n","version":"2.9.10","go":"go1","host":"127.0.0.1","port":1,"headers":true,"max_payload":1048576,"proto":1,"jetstream":true}"#;

#[test]
fn a_nats_server_that_is_old_away_or_without_jetstream() {
    let nats = |url: String| {
        Doctor::new()
            .with("NATS_URL", url)
            .with("API_KEY_SALT", "s")
            .with("DATABASE_URL", "sqlite://x")
    };
    let old = answering_nats(OLD_NATS);
    nats(format!("nats://{old}")).finds("problem", "stream", "2.9.10", "2.10.23 or newer");
    nats("nats://127.0.0.1:9".to_owned()).finds("problem", "stream", "", "NATS_URL");
    nats("nats://127.0.0.1:9".to_owned()).with("NATS_CREDS", "/missing.creds").finds(
        "problem",
        "stream",
        "/missing.creds",
        "NATS_CREDS",
    );
}

/// A server that says who it is and answers pings.
pub fn answering_nats(info: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _told = stream.write_all(format!("{info}\r\n").as_bytes());
                let mut heard = [0; 4096];
                while stream.read(&mut heard).is_ok_and(|bytes| bytes > 0) {
                    if stream.write_all(b"PONG\r\n").is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn a_salt_that_is_missing_beside_nats() {
    Doctor::new().with("NATS_URL", "nats://127.0.0.1:9").finds(
        "problem",
        "access",
        "API_KEY_SALT",
        "for every role",
    );
    Doctor::new().with("NATS_URL", "nats://127.0.0.1:9").with("API_KEY_SALT", "s").finds(
        "warning",
        "store",
        "DATABASE_URL is not",
        "postgres://",
    );
}

#[test]
fn a_database_that_is_not_migrated() {
    let doctor = Doctor::new();
    let file = doctor.nexus.path().join("empty.sqlite");
    std::fs::write(&file, "").expect("written");
    doctor.with("DATABASE_URL", format!("sqlite://{}", file.display())).finds(
        "problem",
        "store",
        "no schema",
        "nexus migrate",
    );
}

#[test]
fn a_sqlite_file_elsewhere() {
    let doctor = Doctor::new();
    let file = doctor.nexus.path().join("later/nexus.sqlite");
    let doctor = doctor.with("DATABASE_URL", format!("sqlite://{}", file.display()));
    let (code, findings) = doctor.findings();
    assert_eq!(code, Some(0), "a start makes it: {findings:#?}");
    assert!(!file.exists(), "doctor only looks");
    std::fs::write(doctor.nexus.path().join("later"), "").expect("a file in the way");
    doctor.finds("problem", "store", "cannot be made", "DATABASE_URL");
    let doctor = Doctor::new();
    let file = doctor.nexus.path().join("text.sqlite");
    std::fs::write(&file, "This is no database. ".repeat(100)).expect("written");
    let doctor = doctor.with("DATABASE_URL", format!("sqlite://{}", file.display()));
    doctor.finds("problem", "store", "", "SQLite file");
}

#[test]
fn a_database_that_does_not_answer_or_is_none() {
    Doctor::new().with("DATABASE_URL", "postgres://u@127.0.0.1:9/d").finds(
        "problem",
        "store",
        "",
        "host and port in DATABASE_URL",
    );
    Doctor::new().with("DATABASE_URL", "mysql://u@h/d").finds(
        "problem",
        "store",
        "is no store",
        "sqlite://PATH",
    );
}

#[test]
fn a_schema_of_another_version() {
    let changed = |statement: &str| {
        let doctor = Doctor::new();
        doctor.nexus.says("migrate");
        execute(&doctor.nexus.path().join(".nexus/nexus.sqlite"), statement);
        doctor
    };
    let older = "DELETE FROM _sqlx_migrations WHERE version > 1";
    changed(older).finds("problem", "store", "lacks migration 2", "run nexus migrate");
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'later', 1, x'00', 0)";
    changed(newer).finds("problem", "store", "migration 9999", "or a newer one");
}

fn execute(database: &Path, statement: &str) {
    let script = "import sqlite3, sys\n\
        c = sqlite3.connect(sys.argv[1])\n\
        c.execute(sys.argv[2])\n\
        c.commit()\n";
    let python = Command::new("python3").args(["-c", script]).arg(database).arg(statement).output();
    let python = python.expect("python3 runs");
    assert!(python.status.success(), "{python:?}");
}

#[test]
fn an_embedded_log_that_is_in_use_or_cannot_be_opened() {
    let doctor = Doctor::new();
    let stream = doctor.nexus.path().join(".nexus/stream");
    std::fs::create_dir_all(&stream).expect("a directory");
    let lock = File::create(stream.join("lock")).expect("a file");
    lock.lock().expect("locked, as by a Nexus that runs");
    doctor.finds("warning", "stream", "in use by another process", "NEXUS_DATA_DIR of its own");

    let doctor = Doctor::new();
    let data = doctor.nexus.path().join(".nexus");
    std::fs::create_dir_all(&data).expect("a directory");
    std::fs::write(data.join("stream"), "").expect("a file in the directory's place");
    doctor.finds("problem", "stream", "stream", "set NEXUS_DATA_DIR");
}
