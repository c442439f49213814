//! What Nexus keeps on a NATS server, declared in one place. Whoever comes first creates it; doing
//! so again changes nothing.

use std::time::Duration;

use async_nats::jetstream::{
    consumer::{AckPolicy, pull},
    stream::{Config, DiscardPolicy},
};
use nexus_contract::Kind;

use super::NatsConfig;
use crate::stream::ConsumerSpec;

pub(super) const EVENTS: &str = "NEXUS_EVENTS";
pub(super) const CHUNKS: &str = "NEXUS_BODY_CHUNKS";
pub(super) const LETTERS: &str = "NEXUS_DEAD_LETTERS";
pub(super) const LETTER_CHUNKS: &str = "NEXUS_DEAD_LETTER_CHUNKS";

/// Deliveries that may be unsettled at a time, per consumer.
const MAX_ACK_PENDING: i64 = 10_000;

/// How long the server remembers message ids. Publishing is retried within seconds.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(5);

pub(super) fn streams(config: &NatsConfig) -> [Config; 4] {
    let max = i64::try_from(config.max_bytes).unwrap_or(i64::MAX);
    let stream = |name: &str, subject: &str, max_bytes, description: &str| Config {
        name: name.to_owned(),
        subjects: vec![subject.to_owned()],
        description: Some(description.to_owned()),
        max_bytes,
        // Refusing is backpressure; discarding would lose what nobody has read.
        discard: DiscardPolicy::New,
        num_replicas: config.replicas,
        duplicate_window: DUPLICATE_WINDOW,
        allow_direct: true,
        ..Config::default()
    };
    [
        stream(EVENTS, "nexus.events.>", max, "Events between the roles of Nexus"),
        Config {
            // A chunk that comes again replaces the one before, which makes it young again.
            max_messages_per_subject: 1,
            ..stream(CHUNKS, "nexus.chunks.*", max, "Large bodies, published before their event")
        },
        stream(
            LETTERS,
            "nexus.dead.*",
            max / 4,
            "Events a consumer could not handle, with reasons",
        ),
        Config {
            max_messages_per_subject: 1,
            ..stream(LETTER_CHUNKS, "nexus.deadchunks.>", max, "Large bodies of dead letters")
        },
    ]
}

/// What all streams reserve together, in bytes.
pub(super) fn reserved(config: &NatsConfig) -> u64 {
    streams(config).iter().map(|stream| stream.max_bytes.unsigned_abs()).sum()
}

pub(super) fn consumer(spec: &ConsumerSpec) -> pull::Config {
    let kinds = spec.kinds.iter().map(|kind| event_subject(*kind));
    pull::Config {
        durable_name: Some(spec.name.clone()),
        description: Some(format!("The {} role of Nexus", spec.name)),
        ack_policy: AckPolicy::Explicit,
        ack_wait: spec.ack_timeout,
        // The application counts failures; the server would drop good events after as many.
        max_deliver: -1,
        max_ack_pending: MAX_ACK_PENDING,
        filter_subjects: kinds.chain([requeue_subject(&spec.name)]).collect(),
        ..pull::Config::default()
    }
}

pub(super) fn event_subject(kind: Kind) -> String {
    subject_of(kind.as_str())
}

pub(super) fn subject_of(kind: &str) -> String {
    format!("nexus.events.{kind}")
}

pub(super) fn requeue_subject(consumer: &str) -> String {
    format!("nexus.events.requeued.{consumer}")
}

pub(super) fn chunk_subject(sha256: &str) -> String {
    format!("nexus.chunks.{sha256}")
}

pub(super) fn letter_subject(consumer: &str) -> String {
    format!("nexus.dead.{consumer}")
}

/// Every letter has chunks of its own, so that they go when it goes.
pub(super) fn letter_chunk_subject(consumer: &str, message_id: &str, sha256: &str) -> String {
    let message = message_id.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_");
    format!("nexus.deadchunks.{consumer}.{message}.{sha256}")
}
