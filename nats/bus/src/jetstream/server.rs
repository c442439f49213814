//! The connection, and the streams behind it.

use std::sync::{
    Arc, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use async_nats::{
    Client,
    jetstream::{
        Context,
        context::{PublishAckFuture, PublishErrorKind},
        message::PublishMessage,
        stream::Stream,
    },
};
use bytes::Bytes;
use tokio::sync::Mutex;

use super::{
    NatsConfig, chunks,
    connect::{check_version, require_connected},
    error::{self, unavailable},
    given_up::GivenUp,
    topology,
};
use crate::stream::StreamError;

#[derive(Clone)]
pub(super) struct Server {
    pub client: Client,
    pub context: Context,
    pub config: Arc<NatsConfig>,
    pub given_up: Arc<GivenUp>,
    /// Whether the streams are known to be there.
    declared: Arc<AtomicBool>,
    declaring: Arc<Mutex<()>>,
    /// Streams that were looked up; handles only, they stay good.
    streams: Arc<std::sync::Mutex<Vec<(&'static str, Stream)>>>,
}

impl Server {
    pub fn new(client: Client, config: NatsConfig) -> Self {
        let context = async_nats::jetstream::context::ContextBuilder::new()
            .timeout(config.ack_timeout)
            .ack_timeout(config.ack_timeout)
            .build(client.clone());
        Self {
            client,
            context,
            config: Arc::new(config),
            given_up: Arc::default(),
            declared: Arc::default(),
            declaring: Arc::default(),
            streams: Arc::default(),
        }
    }

    /// Makes sure that there is a connection, to a server that is new enough, with the streams.
    pub async fn ready(&self) -> Result<(), StreamError> {
        require_connected(&self.client)?;
        if self.declared.load(Relaxed) {
            return Ok(());
        }
        let _one_at_a_time = self.declaring.lock().await;
        if !self.declared.load(Relaxed) {
            self.declare().await?;
            self.declared.store(true, Relaxed);
        }
        Ok(())
    }

    async fn declare(&self) -> Result<(), StreamError> {
        check_version(&self.client.server_info().version)?;
        for config in topology::streams(&self.config) {
            let created = self.context.create_or_update_stream(config).await;
            created.map_err(|error| error::of_create(&error, topology::reserved(&self.config)))?;
        }
        for spec in &self.config.consumers {
            let config = topology::consumer(spec);
            let created = self.context.create_consumer_on_stream(config, topology::EVENTS).await;
            created.map_err(unavailable)?;
        }
        Ok(())
    }

    /// Someone removed the streams behind our back.
    fn forget(&self) {
        self.declared.store(false, Relaxed);
    }

    pub async fn stream(&self, name: &'static str) -> Result<Stream, StreamError> {
        self.ready().await?;
        if let Some(stream) = self.known(name) {
            return Ok(stream);
        }
        let stream = self.context.get_stream(name).await.map_err(unavailable)?;
        let mut known = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        known.push((name, stream.clone()));
        Ok(stream)
    }

    fn known(&self, name: &str) -> Option<Stream> {
        let known = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(known, _)| *known == name).map(|(_, stream)| stream.clone())
    }

    /// Publishes a payload of any size under a fixed id: its chunks first, itself last.
    pub async fn publish_wire(
        &self,
        subject: String,
        message_id: &str,
        wire: Bytes,
    ) -> Result<(), StreamError> {
        let ack = self.send_wire(subject, message_id, wire).await?;
        self.acknowledged(ack).await
    }

    /// As [`publish_wire`](Self::publish_wire), but the acknowledgement of the message itself is
    /// still to come.
    pub async fn send_wire(
        &self,
        subject: String,
        message_id: &str,
        wire: Bytes,
    ) -> Result<PublishAckFuture, StreamError> {
        let (payload, parts) = chunks::split(wire);
        for chunk in &parts {
            let message = PublishMessage::build().payload(chunk.bytes.clone());
            self.publish(topology::chunk_subject(&chunk.sha256), message).await?;
        }
        let mut message = PublishMessage::build().payload(payload).message_id(message_id);
        if let Some(names) = chunks::header(&parts) {
            message = message.header(chunks::HEADER, names.as_str());
        }
        self.send(subject, message).await
    }

    pub async fn publish(
        &self,
        subject: String,
        message: PublishMessage,
    ) -> Result<(), StreamError> {
        let ack = self.send(subject, message).await?;
        self.acknowledged(ack).await
    }

    async fn send(
        &self,
        subject: String,
        message: PublishMessage,
    ) -> Result<PublishAckFuture, StreamError> {
        self.ready().await?;
        self.context.send_publish(subject, message).await.map_err(|e| error::of_publish(&e))
    }

    pub async fn acknowledged(&self, ack: PublishAckFuture) -> Result<(), StreamError> {
        match ack.await {
            Ok(_ack) => Ok(()),
            Err(error) => {
                if error.kind() == PublishErrorKind::StreamNotFound {
                    self.forget();
                }
                Err(error::of_publish(&error))
            }
        }
    }
}
