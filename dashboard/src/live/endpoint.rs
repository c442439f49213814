//! `GET /api/events`.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use actix_web::{HttpMessage, HttpRequest, HttpResponse, http::header, web};
use bytes::Bytes;
use futures::stream;
use serde::Deserialize;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::timeout,
};

use nexus_contract::LiveTopic;

use super::{
    Slot,
    hub::{Frame, Joined},
};
use crate::{deps::Dashboard, error::PageError, security::Visitor};

/// Keeps proxies and browsers from believing that the stream is dead.
const HEARTBEAT: Duration = Duration::from_secs(15);
const BEAT: &[u8] = b": beat\n\n";
const RELOAD: &[u8] = b"event: reload\ndata: {}\n\n";

/// What a browser may wish for: all but what processes tell one another.
const TOPICS: [LiveTopic; 8] = [
    LiveTopic::Started,
    LiveTopic::FirstByte,
    LiveTopic::Delta,
    LiveTopic::Finished,
    LiveTopic::Linked,
    LiveTopic::Stored,
    LiveTopic::Analysis,
    LiveTopic::Window,
];

#[derive(Debug, Deserialize)]
pub struct Wishes {
    /// Topics wanted, comma-separated; all when absent.
    topics: Option<String>,
    /// As `Last-Event-ID`, for clients that cannot set it.
    after: Option<String>,
}

impl Wishes {
    fn unknown_topic(&self) -> Option<&str> {
        let mut names = self.topics.iter().flat_map(|list| list.split(',')).map(str::trim);
        names.find(|name| !name.is_empty() && TOPICS.iter().all(|topic| topic.as_str() != *name))
    }
}

/// Opens a stream of live events.
pub async fn events(
    request: HttpRequest,
    wishes: web::Query<Wishes>,
    dashboard: web::Data<Dashboard>,
) -> Result<HttpResponse, PageError> {
    if let Some(unknown) = wishes.unknown_topic() {
        let known = TOPICS.map(LiveTopic::as_str).join(", ");
        return Err(PageError::BadRequest(format!("`topics` knows no {unknown:?}, but {known}")));
    }
    let visitor = request.extensions().get::<Visitor>().cloned().ok_or(PageError::LoginNeeded)?;
    let slot =
        dashboard.hub.slots.take(&visitor).ok_or(PageError::TooMany(Duration::from_secs(10)))?;
    let last_id = request.headers().get("last-event-id").and_then(|id| id.to_str().ok());
    let joined = dashboard.hub.join(last_id.or(wishes.after.as_deref()));
    let reader = Reader::new(joined, wishes.into_inner().topics, slot);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream::unfold(reader, Reader::next)))
}

/// One browser's place in the stream.
struct Reader {
    due: VecDeque<Bytes>,
    topics: Option<Vec<String>>,
    receiver: Option<Receiver<Arc<Frame>>>,
    _slot: Slot,
}

impl Reader {
    fn new(joined: Joined, topics: Option<String>, slot: Slot) -> Self {
        let topics =
            topics.map(|list| list.split(',').map(|topic| topic.trim().to_owned()).collect());
        let mut reader =
            Self { due: VecDeque::new(), topics, receiver: Some(joined.receiver), _slot: slot };
        // At once, so that the browser knows that it is connected.
        reader.due.push_back(Bytes::from_static(if joined.lost { RELOAD } else { BEAT }));
        let missed = joined.missed.iter().filter(|frame| reader.wants(frame.topic));
        let missed: Vec<_> = missed.map(|frame| frame.bytes.clone()).collect();
        reader.due.extend(missed);
        reader
    }

    fn wants(&self, topic: &str) -> bool {
        self.topics.as_ref().is_none_or(|topics| topics.iter().any(|wanted| wanted == topic))
    }

    async fn next(mut self) -> Option<(Result<Bytes, std::convert::Infallible>, Self)> {
        loop {
            if let Some(bytes) = self.due.pop_front() {
                return Some((Ok(bytes), self));
            }
            let heard = timeout(HEARTBEAT, self.receiver.as_mut()?.recv()).await;
            match heard {
                Err(_quiet) => self.due.push_back(Bytes::from_static(BEAT)),
                Ok(Ok(frame)) if self.wants(frame.topic) => {
                    return Some((Ok(frame.bytes.clone()), self));
                }
                Ok(Ok(_unwanted)) => {}
                // It fell too far behind: the page's fragments are fetched anew instead.
                Ok(Err(RecvError::Lagged(_))) => {
                    self.due.push_back(Bytes::from_static(RELOAD));
                    self.receiver = None;
                }
                Ok(Err(RecvError::Closed)) => return None,
            }
        }
    }
}
