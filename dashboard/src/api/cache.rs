//! Sums that many ask for, kept for a while (`DASHBOARD_CACHE_TTL`).
//!
//! An answer is given again only while nothing was stored since it was made; under load, when
//! something always is, for as long as a person would not notice.

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody, to_bytes},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode, header},
    middleware::Next,
    web::{Bytes, Data},
};
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;

use crate::deps::Dashboard;

/// How old an answer may be though something was stored since.
const UNNOTICED: SignedDuration = SignedDuration::from_secs(1);
/// Bytes of all answers together.
const MAX_BYTES: u64 = 16 << 20;

/// Answers by path and query.
pub struct Answers {
    kept: Cache<String, Kept>,
    lifetime: SignedDuration,
}

#[derive(Clone)]
struct Kept {
    body: Bytes,
    made_at: Timestamp,
    /// What the store held: the hub's count of changes.
    changes: u64,
}

impl Answers {
    /// Kept for `lifetime`; not at all for zero.
    pub fn new(lifetime: std::time::Duration) -> Self {
        let size = |key: &String, kept: &Kept| {
            u32::try_from(key.len() + kept.body.len()).unwrap_or(u32::MAX)
        };
        Self {
            kept: Cache::builder().max_capacity(MAX_BYTES).weigher(size).build(),
            lifetime: SignedDuration::try_from(lifetime).unwrap_or(SignedDuration::MAX),
        }
    }

    fn find(&self, key: &str, now: Timestamp, changes: u64) -> Option<Bytes> {
        let kept = self.kept.get(key)?;
        let age = now.duration_since(kept.made_at);
        let is_good = age < self.lifetime && (kept.changes == changes || age < UNNOTICED);
        is_good.then_some(kept.body)
    }

    fn put(&self, key: String, kept: Kept) {
        if self.lifetime > SignedDuration::ZERO {
            self.kept.insert(key, kept);
        }
    }
}

/// Gives a kept answer, or keeps the one that `next` gives. Stands behind the guard.
pub async fn cached(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let dashboard = request.app_data::<Data<Dashboard>>().cloned();
    let Some(dashboard) = dashboard.filter(|_| request.method() == Method::GET) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let key = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    // Read before the store is: what is stored meanwhile makes the answer old.
    let (made_at, changes) = (dashboard.deps.clock.now(), dashboard.hub.changes());
    if let Some(body) = dashboard.answers.find(&key, made_at, changes) {
        return Ok(request.into_response(answer(body)));
    }
    let given = next.call(request).await?;
    if given.status() != StatusCode::OK {
        return Ok(given.map_into_boxed_body());
    }
    let (request, given) = given.into_parts();
    let body =
        to_bytes(given.into_body()).await.map_err(Into::<Box<dyn std::error::Error>>::into)?;
    dashboard.answers.put(key, Kept { body: body.clone(), made_at, changes });
    Ok(ServiceResponse::new(request, answer(body)))
}

fn answer(body: Bytes) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(body)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MADE: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn kept(lifetime: Duration) -> Answers {
        let answers = Answers::new(lifetime);
        let kept = Kept { body: Bytes::from_static(b"{}"), made_at: MADE, changes: 7 };
        answers.put("/api/stats".into(), kept);
        answers
    }

    #[test]
    fn an_answer_is_given_again_while_it_is_right_and_young() {
        let answers = kept(Duration::from_secs(30));
        let is_given = |milliseconds, changes| {
            let now = MADE + SignedDuration::from_millis(milliseconds);
            answers.find("/api/stats", now, changes).is_some()
        };
        assert!(is_given(29_999, 7));
        assert!(!is_given(30_000, 7), "its time is over");
        assert!(is_given(999, 8), "nobody notices");
        assert!(!is_given(1_000, 8), "something was stored since");
        assert!(answers.find("/api/stats?domain=a", MADE, 7).is_none());
    }

    #[test]
    fn without_a_lifetime_nothing_is_kept() {
        assert!(kept(Duration::ZERO).find("/api/stats", MADE, 7).is_none());
    }
}
