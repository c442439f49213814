//! Images of conversations, at addresses of their own.

use actix_web::{HttpResponse, web};
use nexus_messages::transcript::{self, Content, Window};
use serde_json::Value;

use super::store;
use crate::{
    error::PageError,
    recordings::{Recording, Row},
    render::{Picture, picture},
    view::Ctx,
};

/// The length of an exchange's id as text.
const ID: usize = 36;

/// `GET /media/{block}`: the picture of a transcript's block, `<exchange>-q3`, or of the n-th part of
/// a tool's result, `<exchange>-q3~1`. Its type is checked; it can run nothing.
pub async fn image(ctx: Ctx, block: web::Path<String>) -> Result<HttpResponse, PageError> {
    let missing = || PageError::NotFound("such image".into());
    let id = super::id(block.get(..ID).ok_or_else(missing)?, "image")?;
    let found = ctx.dashboard.deps.recordings.list_recordings(&[id]).await.map_err(store)?;
    let (_, recording) = found.into_iter().next().ok_or_else(missing)?;
    let block = block.into_inner();
    let found =
        web::block(move || find(id, &recording, &block)).await.map_err(PageError::internal)?;
    let picture = found.ok_or_else(missing)?;
    Ok(HttpResponse::Ok()
        .insert_header(("content-type", picture.content_type))
        .insert_header(("content-security-policy", "default-src 'none'; sandbox"))
        .insert_header(("cache-control", "private, max-age=86400"))
        .body(picture.bytes))
}

fn find(id: nexus_contract::ExchangeId, recording: &Recording, block: &str) -> Option<Picture> {
    let row = Row { id, at: jiff::Timestamp::UNIX_EPOCH, state: None, status: None, error: None };
    let exchange = recording.exchange(&row);
    let turns = transcript::read(&Window {
        before: None,
        exchanges: std::slice::from_ref(&exchange),
        after: None,
    });
    let (name, part) = block
        .split_once('~')
        .map_or((block, None), |(name, part)| (name, part.parse::<usize>().ok()));
    let source = turns
        .iter()
        .flat_map(|turn| &turn.items)
        .find_map(|item| source(&item.id, &item.content, name, part))?;
    picture(source)
}

fn source<'a>(
    id: &str,
    content: &'a Content,
    name: &str,
    part: Option<usize>,
) -> Option<&'a Value> {
    match content {
        Content::Image { source } if id == name => Some(source),
        Content::ToolCall { outcome: Some(outcome), .. } | Content::ToolResult { outcome, .. }
            if outcome.id == name =>
        {
            match outcome.content.get(part?)? {
                Content::Image { source } => Some(source),
                _ => None,
            }
        }
        _ => None,
    }
}
