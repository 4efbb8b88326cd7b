//! The table of contents: every endpoint, grouped by who calls it, and what is around all of them.

use std::{any::Any, time::Duration};

use axum::{
    BoxError, Router,
    error_handling::HandleErrorLayer,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer, load_shed::LoadShedLayer, util::MapRequest};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};
use utoipa::{
    OpenApi, ToSchema,
    openapi::{
        Content, PathItem, Ref, RefOr, Required, Response as Described, Schema, path::Operation,
        schema::AnyOfBuilder,
    },
};
use utoipa_axum::{
    router::{OpenApiRouter, UtoipaMethodRouterExt as _},
    routes,
};
use utoipa_swagger_ui::SwaggerUi;

use super::{
    access_requests, administration,
    app::{App, Limits},
    audit, avatars, events, invitations, members, operation, organizations, problem,
    problem::Problem,
    request, requests,
    shapes::OnlyId,
    team_memberships, teams, tokens, users,
};
use crate::clock::stopwatch;

/// What the description says of the whole.
#[derive(OpenApi)]
#[openapi(
    info(title = "muster", description = "An event-sourced membership ledger: who belongs to which organization and team, with which role, who changed it, when, and why."),
    modifiers(&Security),
    security(("bearer" = [])),
    components(schemas(OnlyId)),
    tags(
        (name = "members", description = "Who is in an organization, with which role, on which teams"),
        (name = "requests", description = "Who is proposed as a member, and who asks to become one"),
        (name = "invitations", description = "What the link of an invitation opens"),
        (name = "organizations", description = "Organizations and their settings"),
        (name = "teams", description = "Teams"),
        (name = "administration", description = "Accounts, tokens, and what only superusers do to an organization"),
        (name = "history", description = "Who changed what from what to what, when"),
        (name = "operation", description = "For operators and their machines"),
    )
)]
struct Description;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi.components.get_or_insert_default().add_security_scheme("bearer", scheme);
    }
}

/// The endpoints.
fn endpoints(limits: Limits) -> OpenApiRouter<App> {
    let with_picture = || DefaultBodyLimit::max(limits.body.max(avatars::LARGEST_BODY));
    OpenApiRouter::with_openapi(Description::openapi())
        // Clients.
        .routes(routes!(organizations::diff::diff))
        .routes(routes!(organizations::list::list, organizations::create::create))
        .routes(
            routes!(organizations::get::get, organizations::update::update, organizations::remove::remove)
                .layer(with_picture()),
        )
        .routes(routes!(organizations::avatar::get, organizations::avatar::update).layer(with_picture()))
        .routes(routes!(avatars::picture::picture))
        .routes(routes!(members::list::list, members::invite::invite))
        .routes(routes!(members::get::get, members::update::update, members::remove::remove))
        .routes(routes!(members::transfer::transfer))
        .routes(routes!(requests::list::list, requests::propose::propose))
        .routes(routes!(requests::get::get, requests::update::update, requests::reject::reject))
        .routes(routes!(teams::list::list, teams::create::create))
        .routes(routes!(teams::user_teams::list))
        .routes(routes!(teams::get::get, teams::update::update, teams::remove::remove))
        .routes(routes!(teams::members::members))
        .routes(routes!(
            team_memberships::get::get,
            team_memberships::join::join,
            team_memberships::update::update,
            team_memberships::leave::leave
        ))
        .routes(routes!(access_requests::list::list))
        .routes(routes!(access_requests::answer::answer))
        // Anybody.
        .routes(routes!(requests::join::join))
        // Whoever has an invitation.
        .routes(routes!(invitations::look::look, invitations::accept::accept))
        .routes(routes!(invitations::look::look_within, invitations::accept::accept_within))
        // Administrators, and everybody about himself.
        .routes(routes!(users::list::list, users::register::register))
        .routes(routes!(users::get::get, users::update::update, users::erase::erase))
        .routes(routes!(users::emails::list, users::emails::add))
        .routes(routes!(users::emails::update, users::emails::remove))
        .routes(routes!(users::authenticators::list, users::authenticators::enrol))
        .routes(routes!(users::authenticators::remove))
        .routes(routes!(users::invitees::erase))
        .routes(routes!(tokens::list::list, tokens::issue::issue))
        .routes(routes!(tokens::revoke::revoke))
        .routes(routes!(administration::update::update))
        // Auditors.
        .routes(routes!(events::administration::of_deployment))
        .routes(routes!(events::administration::of_user))
        .routes(routes!(events::list::of_organization))
        .routes(routes!(events::list::of_member))
        .routes(routes!(audit::list::list))
}

/// What operators and their machines ask.
fn probes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(operation::healthz))
        .routes(routes!(operation::readyz))
        .routes(routes!(operation::metrics))
}

/// The description of every endpoint (`/openapi.json`).
pub fn description() -> utoipa::openapi::OpenApi {
    described(endpoints(Limits::default()), probes()).1
}

/// The endpoints and the probes, and the description of both.
fn described(
    endpoints: OpenApiRouter<App>,
    probes: OpenApiRouter<App>,
) -> ((Router<App>, Router<App>), utoipa::openapi::OpenApi) {
    let (endpoints, mut description) = endpoints.split_for_parts();
    let (probes, of_probes) = probes.split_for_parts();
    description.merge(of_probes);
    for (path, item) in &mut description.paths.paths {
        if path.starts_with("/api/") {
            answers_of_all(item);
            answers_with_an_id(item);
        }
    }
    bodies_that_may_be_left_out(&mut description);
    ((endpoints, probes), description)
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

/// No body is an object without fields ([`super::body::JsonObject`]): where all are optional, so is the body.
fn bodies_that_may_be_left_out(description: &mut utoipa::openapi::OpenApi) {
    let Some(components) = &description.components else { return };
    let demands = |content: &Content| match &content.schema {
        Some(RefOr::Ref(to)) => {
            let name = to.ref_location.rsplit('/').next().unwrap_or_default();
            !matches!(components.schemas.get(name), Some(RefOr::T(Schema::Object(of))) if of.required.is_empty())
        }
        _ => true,
    };
    for operation in description.paths.paths.values_mut().flat_map(operations) {
        if let Some(body) = &mut operation.request_body
            && !body.content.values().any(demands)
        {
            body.required = Some(Required::False);
        }
    }
}

/// What is committed is never answered with an error: a repeated command whose object is gone meanwhile, or may not be
/// seen any more, is answered with its id.
fn answers_with_an_id(item: &mut PathItem) {
    for operation in [&mut item.put, &mut item.post, &mut item.delete].into_iter().flatten() {
        for response in operation.responses.responses.values_mut() {
            let RefOr::T(response) = response else { continue };
            for content in response.content.values_mut() {
                let Some(schema) = content.schema.take() else { continue };
                let only_id = Ref::from_schema_name(OnlyId::name());
                let any = AnyOfBuilder::new().item(schema).item(only_id).build();
                content.schema = Some(RefOr::T(Schema::AnyOf(any)));
            }
        }
    }
}

/// Answers that every endpoint can give, because what is around all of them gives them.
fn answers_of_all(item: &mut PathItem) {
    for operation in operations(item) {
        let damaged =
            Described::new("What is stored is not what this program wrote; the operator has been told");
        operation.responses.responses.entry("500".into()).or_insert_with(|| damaged.into());
    }
}

/// Everything that answers a request.
pub(super) type Server = MapRequest<Router, fn(Request) -> Request>;

/// Everything that answers a request. A trailing slash is optional under `/api/`.
pub(super) fn router(app: App) -> Server {
    let limits = app.options.limits;
    let ((endpoints, probes), description) = described(endpoints(limits), probes());
    let docs = SwaggerUi::new("/docs").url("/openapi.json", description);
    let limited = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(overloaded))
        .layer(LoadShedLayer::new())
        .layer(GlobalConcurrencyLimitLayer::new(limits.concurrency))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits.time))
        .layer(DefaultBodyLimit::max(limits.body));
    // As few layers of the router as can be: each one boxes, and clones for each request, all that is within.
    let around_all = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(app.clone(), around))
        .layer(CatchPanicLayer::custom(panicked));
    let router = Router::new()
        .merge(endpoints)
        .merge(docs)
        .layer(limited)
        // Not behind the limits: a server that has much to do is not a dead one.
        .merge(probes)
        .layer(around_all)
        .with_state(app);
    MapRequest::new(router, with_trailing_slash)
}

/// What is around every endpoint, the outermost first.
async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let measured = |request| measure(request, next);
    request::about(&app, request, |request| problem::negotiate(request, measured)).await
}

/// The paths of the API, and of pictures, end with a slash; clients may leave it out.
fn with_trailing_slash(mut request: Request) -> Request {
    let uri = request.uri();
    let path = uri.path();
    let has_slash = path.starts_with("/api/") || path.starts_with("/organization-avatar/");
    if !has_slash || path.ends_with('/') {
        return request;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    // A path that was valid stays so with a slash behind it; if not, it is answered as it is.
    if let Ok(uri) = format!("{path}/{query}").parse() {
        *request.uri_mut() = uri;
    }
    request
}

/// More requests than are carried out at once.
async fn overloaded(error: BoxError) -> Problem {
    Problem::unavailable(&error.to_string())
}

/// A defect of this program: seen in the log and in the metrics, and the connection goes on.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands it over")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let why =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(why, "a handler panicked");
    metrics::counter!("muster_http_panics_total").increment(1);
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", "Internal error").into_response()
}

/// Anybody can make up a method: as a label it would be kept for ever.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

async fn measure(request: Request, next: Next) -> Response {
    let began = stopwatch();
    let method = known_method(request.method());
    let path = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    let took: Duration = began.elapsed();
    let status = response.status().as_u16().to_string();
    metrics::histogram!("muster_http_request_seconds", "method" => method, "path" => path, "status" => status)
        .record(took.as_secs_f64());
    response
}
