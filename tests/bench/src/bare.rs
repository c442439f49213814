//! A proxy of the parts that the gateway is made of, and nothing else: what they leave to reach.
//!
//! It hands on path, method, headers and bodies, with their lengths where they are told; no identity,
//! no limits, no records.

use std::time::Duration;

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, ResponseError,
    body::SizedStream,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
    web,
};
use awc::Client;

/// As many as nginx has beside it.
const WORKERS: usize = 2;
const NO_LIMIT: usize = 0;

#[derive(Debug, thiserror::Error)]
#[error("the upstream does not answer: {0}")]
struct Unreachable(String);

impl ResponseError for Unreachable {
    fn status_code(&self) -> StatusCode {
        StatusCode::BAD_GATEWAY
    }
}

pub async fn serve(port: u16, upstream: u16) -> anyhow::Result<()> {
    let server = HttpServer::new(move || {
        let connector = awc::Connector::new().limit(NO_LIMIT);
        let client = Client::builder().connector(connector).no_default_headers().finish();
        App::new()
            .app_data(web::Data::new(client))
            .app_data(web::Data::new(format!("http://127.0.0.1:{upstream}")))
            .default_service(web::to(forward))
    });
    Ok(server.workers(WORKERS).bind(("127.0.0.1", port))?.run().await?)
}

async fn forward(
    request: HttpRequest,
    body: web::Payload,
    client: web::Data<Client>,
    upstream: web::Data<String>,
) -> Result<HttpResponse, Unreachable> {
    let url = format!("{}{}", upstream.as_str(), request.uri());
    let mut call = client.request_from(url, request.head()).no_decompress();
    call = call.timeout(Duration::from_mins(1));
    let sent = match length(request.headers()) {
        Some(length) => call.send_body(SizedStream::new(length, body)),
        None => call.send_stream(body),
    };
    let answer = sent.await.map_err(|error| Unreachable(error.to_string()))?;
    let mut reply = HttpResponse::build(answer.status());
    for (name, value) in answer.headers() {
        if name != header::CONNECTION && name != header::TRANSFER_ENCODING {
            reply.append_header((name, value));
        }
    }
    Ok(match length(answer.headers()) {
        Some(length) => reply.body(SizedStream::new(length, answer)),
        None => reply.streaming(answer),
    })
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
