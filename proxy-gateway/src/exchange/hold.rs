//! Keeps an unread request body alive as long as its answer.
//!
//! The server reads on, without bound, through a chunked body that nobody wants any more. While the
//! body's handle lives it closes the connection after the answer instead.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpResponse,
    body::{BodySize, BoxBody, MessageBody},
};
use bytes::Bytes;

/// `response`, with `held` dropped only after its body.
pub fn hold<T: Unpin + 'static>(response: HttpResponse, held: T) -> HttpResponse {
    response.map_body(|_head, body| BoxBody::new(Held { body, held }))
}

struct Held<T> {
    body: BoxBody,
    #[expect(dead_code, reason = "it is there to be dropped")]
    held: T,
}

impl<T: Unpin> MessageBody for Held<T> {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(cx)
    }
}
