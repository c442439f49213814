//! What a page's handler gets: the dashboard, the visitor, the scope.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, dev::Payload, http::header, web,
};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    chrome::{Chrome, choices, nav, ranges},
    page::{Fragment, Page},
    scope::Scope,
};
use crate::{
    deps::Dashboard,
    error::PageError,
    security::{Visitor, find_cookie},
};

/// One request to a page, with what every handler needs.
pub struct Ctx {
    pub dashboard: web::Data<Dashboard>,
    pub visitor: Option<Visitor>,
    pub scope: Scope,
    request: HttpRequest,
}

impl Ctx {
    pub fn new(dashboard: web::Data<Dashboard>, request: &HttpRequest) -> Self {
        let scope = web::Query::<Scope>::from_query(request.query_string())
            .map(web::Query::into_inner)
            .unwrap_or_default();
        let visitor = request.extensions().get::<Visitor>().cloned();
        Self { dashboard, visitor, scope, request: request.clone() }
    }

    pub fn now(&self) -> Timestamp {
        self.dashboard.deps.clock.now()
    }

    /// The viewer's time zone, as the browser told it; UTC when it did not or lied.
    pub fn zone(&self) -> TimeZone {
        self.cookie("nexus_tz").and_then(|name| TimeZone::get(&name).ok()).unwrap_or(TimeZone::UTC)
    }

    /// A whole page.
    pub fn page<P: Page>(&self, page: &P) -> Result<HttpResponse, PageError> {
        self.page_with(page, 200)
    }

    pub fn page_with<P: Page>(&self, page: &P, status: u16) -> Result<HttpResponse, PageError> {
        let mut chrome = self.chrome();
        chrome.title = page.title();
        chrome.crumbs = page.crumbs();
        chrome.nav = nav(P::PLACE, &self.scope);
        let status = actix_web::http::StatusCode::from_u16(status).map_err(PageError::internal)?;
        Ok(html(status, self.dashboard.views.render(page, &chrome)?))
    }

    /// A fragment for htmx.
    pub fn fragment<F: Fragment>(&self, fragment: &F) -> Result<HttpResponse, PageError> {
        let status = actix_web::http::StatusCode::OK;
        Ok(html(status, self.dashboard.views.render(fragment, &self.chrome())?))
    }

    fn chrome(&self) -> Chrome {
        let session = self.visitor.as_ref().and_then(|visitor| visitor.session.as_ref());
        Chrome {
            title: String::new(),
            theme: self
                .cookie("nexus_theme")
                .filter(|t| t == "light" || t == "dark")
                .unwrap_or_default(),
            side_folded: self.cookie("nexus_side").as_deref() == Some("folded"),
            path: self.request.path().into(),
            nav: Vec::new(),
            crumbs: Vec::new(),
            csrf: session.map(|s| self.dashboard.keeper.csrf_token(s)).unwrap_or_default(),
            read_only: self.dashboard.keeper.is_read_only(),
            signed_in: session.is_some(),
            now: self.now(),
            zone: self.zone().iana_name().unwrap_or("UTC").into(),
            domains: choices(&[], self.scope.domain()),
            accounts: choices(&[], self.scope.account()),
            ranges: ranges(self.scope.range),
            scope: self.scope.query(),
            query: String::new(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn cookie(&self, name: &str) -> Option<String> {
        let cookie = find_cookie(&self.request, name)?;
        let value = url::form_urlencoded::parse(format!("v={cookie}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned());
        value.filter(|value| value.len() <= 64)
    }
}

impl FromRequest for Ctx {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let dashboard = request.app_data::<web::Data<Dashboard>>().cloned();
        ready(
            dashboard
                .map(|dashboard| Self::new(dashboard, request))
                .ok_or_else(|| PageError::internal("the dashboard is not mounted")),
        )
    }
}

pub(super) fn html(status: actix_web::http::StatusCode, body: String) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(body)
}
