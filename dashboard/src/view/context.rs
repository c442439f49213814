//! What a page's handler gets: the dashboard, the visitor, the scope.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse,
    dev::Payload,
    http::{StatusCode, header},
    web,
};
use jiff::{Timestamp, tz::TimeZone};
use nexus_store::queries::UsageFilter;

use super::{
    chrome::{Chrome, choices, nav, ranges},
    gateway::GatewayAddress,
    links::{Links, scoped},
    page::{Fragment, Page},
    scope::{Range, Scope},
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

    /// The viewer's time zone: the browser's, and UTC when that is not known.
    pub fn zone(&self) -> TimeZone {
        self.browser_zone().unwrap_or(TimeZone::UTC)
    }

    /// The zone that clocks are told in, and that they say is UTC when it is not known.
    pub fn clock_zone(&self) -> TimeZone {
        self.browser_zone().unwrap_or(TimeZone::unknown())
    }

    /// The zone that Usage counts days and hours in: the one that was chosen, or the viewer's.
    pub fn counted_zone(&self) -> TimeZone {
        self.chosen_zone().unwrap_or_else(|| self.zone())
    }

    /// In the address, or for good.
    pub fn chosen_zone(&self) -> Option<TimeZone> {
        let asked = self.own_links().get("tz").and_then(|name| TimeZone::get(name).ok());
        asked.or_else(|| self.zone_cookie("nexus_zone"))
    }

    /// As the browser told it.
    pub fn browser_zone(&self) -> Option<TimeZone> {
        self.zone_cookie("nexus_tz")
    }

    fn zone_cookie(&self, name: &str) -> Option<TimeZone> {
        TimeZone::get(&self.cookie(name)?).ok()
    }

    /// The current address, to be varied.
    pub fn own_links(&self) -> Links {
        Links::new(self.request.path(), self.request.query_string())
    }

    /// How far back the page `P` looks: the range that was chosen, or its usual one.
    pub fn range<P: Page>(&self) -> Range {
        self.scope.range.unwrap_or(P::RANGE)
    }

    /// The scope as sums want it.
    pub fn usage_filter(&self, from: Option<Timestamp>) -> UsageFilter {
        UsageFilter {
            domain: self.scope.domain().map(str::to_owned),
            account_id: self.scope.account().map(str::to_owned),
            from,
            ..UsageFilter::default()
        }
    }

    /// Where clients reach the gateway, as far as that can be told from here.
    pub fn gateway(&self) -> GatewayAddress {
        GatewayAddress::of(&self.dashboard.config, &self.request)
    }

    /// The address of another page with the scope behind it.
    pub fn scoped(&self, href: &str) -> String {
        scoped(href, &self.scope.query())
    }

    /// Leads on to another page, within the scope.
    pub fn lead_to(&self, href: &str) -> HttpResponse {
        HttpResponse::SeeOther().insert_header((header::LOCATION, self.scoped(href))).finish()
    }

    /// A whole page.
    pub async fn page<P: Page>(&self, page: &P) -> Result<HttpResponse, PageError> {
        self.page_with(page, StatusCode::OK).await
    }

    /// A whole page that says by its status, too, what it is.
    pub async fn page_with<P: Page>(
        &self,
        page: &P,
        status: StatusCode,
    ) -> Result<HttpResponse, PageError> {
        let dashboard = &self.dashboard;
        let known = dashboard.names.known(&dashboard.deps.queries, self.now()).await?;
        let mut chrome = self.chrome();
        chrome.domains = choices(&known.domains, self.scope.domain());
        chrome.accounts = choices(&known.accounts, self.scope.account());
        self.framed(page, chrome, status)
    }

    /// A page that must not need the store: the login form, an error.
    pub fn bare_page<P: Page>(
        &self,
        page: &P,
        status: StatusCode,
    ) -> Result<HttpResponse, PageError> {
        self.framed(page, self.chrome(), status)
    }

    fn framed<P: Page>(
        &self,
        page: &P,
        mut chrome: Chrome,
        status: StatusCode,
    ) -> Result<HttpResponse, PageError> {
        chrome.title = page.title();
        chrome.crumbs = page.crumbs();
        chrome.here = page.here();
        chrome.query = page.query().into();
        chrome.nav = nav(P::PLACE, &self.scope);
        // Crumbs lead out of a list into one thing of it, which no scope narrows.
        chrome.is_scoped = P::PLACE.is_scoped() && chrome.crumbs.is_empty();
        chrome.ranges = ranges(self.scope.range, P::RANGE);
        Ok(html(status, self.dashboard.views.render(page, &chrome)?))
    }

    /// A fragment for htmx.
    pub fn fragment<F: Fragment>(&self, fragment: &F) -> Result<HttpResponse, PageError> {
        self.fragment_with(fragment, StatusCode::OK)
    }

    pub fn fragment_with<F: Fragment>(
        &self,
        fragment: &F,
        status: StatusCode,
    ) -> Result<HttpResponse, PageError> {
        Ok(html(status, self.dashboard.views.render(fragment, &self.chrome())?))
    }

    /// `?csrf=…` for the address of a form; empty without a session.
    pub fn csrf_query(&self) -> String {
        match self.csrf() {
            token if token.is_empty() => token,
            token => format!("?csrf={token}"),
        }
    }

    fn csrf(&self) -> String {
        let session = self.visitor.as_ref().and_then(|visitor| visitor.session.as_ref());
        session.map(|session| self.dashboard.keeper.csrf_token(session)).unwrap_or_default()
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
            here: String::new(),
            csrf: self.csrf(),
            read_only: self.dashboard.keeper.is_read_only(),
            signed_in: session.is_some(),
            now: self.now(),
            zone: self
                .browser_zone()
                .and_then(|zone| zone.iana_name().map(str::to_owned))
                .unwrap_or_default(),
            is_scoped: false,
            domains: choices(&[], self.scope.domain()),
            accounts: choices(&[], self.scope.account()),
            ranges: Vec::new(),
            domain: self.scope.domain().unwrap_or_default().into(),
            account: self.scope.account().unwrap_or_default().into(),
            range: self.scope.range.map(Range::as_str).unwrap_or_default().into(),
            kept: self.kept(),
            scope: self.scope.query(),
            query: String::new(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// What an address says besides the scope and the place within a list.
    fn kept(&self) -> Vec<(String, String)> {
        const PLACES: [&str; 5] = ["cursor", "node", "at", "start", "watch"];
        let is_own = |name: &str| Scope::NAMES.contains(&name) || PLACES.contains(&name);
        let pairs = url::form_urlencoded::parse(self.request.query_string().as_bytes());
        pairs
            .into_owned()
            .filter(|(name, value)| !is_own(name) && !value.is_empty())
            .take(12)
            .collect()
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

pub(super) fn html(status: StatusCode, body: String) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(body)
}
