use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use uuid::Uuid;

use super::context::{Context, Parts};
use super::fault::Fault;
use super::gateway::Gateway;
use super::links::{self, Links};
use super::python::quoted;
use super::query::{Query, UNDECODABLE};
use super::routes::{Endpoint, Found, Target};
use super::version::{self, VERSION_HEADER};

/// Cinder's `osapi_max_request_body_size`.
const BODY_BYTES_MAX: usize = 114_688;

/// What Cinder's router says to a path that leads nowhere.
const NOWHERE: &str = "404 Not Found\n\nThe resource could not be found.\n";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");
const COMPUTE_REQUEST_ID: HeaderName = HeaderName::from_static("x-compute-request-id");

/// The route that answered, for the metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RouteName(pub(crate) &'static str);

/// Answers everything below `/v3`.
pub(crate) async fn serve(State(gateway): State<Gateway>, request: Request) -> Response {
    let request_id = format!("req-{}", Uuid::new_v4());
    let mut response = answer(&gateway, request, &request_id).await;
    if let Ok(value) = HeaderValue::try_from(request_id) {
        response.headers_mut().insert(REQUEST_ID, value.clone());
        response.headers_mut().insert(COMPUTE_REQUEST_ID, value);
    }
    response
}

async fn answer(gateway: &Gateway, request: Request, request_id: &str) -> Response {
    let (head, body) = request.into_parts();
    let Some(path) = segments(&head.uri) else { return Fault::bad_request(UNDECODABLE).into_response() };
    // Without authentication, a client that looks for versions need not know a token.
    if path.is_empty() && !gateway.authenticator().asks() {
        return super::versions(&head.headers, &head.uri).into_response();
    }
    let routed = route(gateway, &head.method, &path);
    let project = routed.as_ref().and_then(|(_, project)| project.as_deref());
    let caller = match gateway.authenticator().authenticate(&head.headers, &head.uri, project).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let Some((found, project)) = routed else {
        return (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain; charset=UTF-8")], NOWHERE).into_response();
    };
    let version = match version::asked(&head.headers) {
        Ok(version) => version,
        Err(unsupported) => return versioned(unsupported.fault.into_response(), unsupported.asked),
    };
    let name = RouteName(found.route.path);
    let asked = async {
        let bytes = read(&head.method, body).await?;
        let (endpoint, body) = target(&found, &head, &bytes)?;
        let links = Links::new(&links::origin(&head.headers, &head.uri), project.as_deref());
        let query = Query::parse(head.uri.query())?;
        if project.is_some_and(|project| project != caller.project.as_str()) {
            return Err(Fault::bad_request("Malformed request url"));
        }
        if !version.has(endpoint.since) {
            return Err(Fault::nothing_here());
        }
        let (gateway, request_id, parameters) = (gateway.clone(), request_id.to_owned(), found.parameters.clone());
        let headers = head.headers.clone();
        let parts = Parts { gateway, caller, version, request_id, query, headers, links, parameters, body };
        endpoint.call(Context::new(parts)).await
    };
    let response = match asked.await {
        Ok(answer) => answer.into_response(),
        Err(fault) => fault.into_response(),
    };
    let mut response = versioned(response, Some(version.header()));
    response.extensions_mut().insert(name);
    response
}

/// Says which version it is.
fn versioned(mut response: Response, version: Option<HeaderValue>) -> Response {
    if let Some(version) = version {
        response.headers_mut().insert(HeaderName::from_static(VERSION_HEADER), version);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("OpenStack-API-Version"));
    }
    response
}

/// The segments of the path below `/v3`, decoded; `None` when they are not UTF-8.
fn segments(uri: &Uri) -> Option<Vec<String>> {
    let path = uri.path().strip_prefix("/v3").unwrap_or_default();
    if path.is_empty() || path == "/" {
        return Some(Vec::new());
    }
    let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned);
    path.split('/').skip(1).map(decode).collect()
}

/// Finds the route, with and without a project in front.
fn route<'a>(gateway: &'a Gateway, method: &Method, path: &[String]) -> Option<(Found<'a>, Option<String>)> {
    let routes = gateway.routes();
    if let Some(found) = routes.find(method, path) {
        return Some((found, None));
    }
    let (project, rest) = path.split_first()?;
    if project.is_empty() || routes.begins_with(project) || rest.is_empty() {
        return None;
    }
    routes.find(method, rest).map(|found| (found, Some(project.clone())))
}

async fn read(method: &Method, body: axum::body::Body) -> Result<Bytes, Fault> {
    if *method != Method::POST && *method != Method::PUT {
        return Ok(Bytes::new());
    }
    to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| Fault::too_large("Request is too large."))
}

/// What the route and the body lead to.
fn target<'a>(
    found: &'a Found<'_>,
    head: &axum::http::request::Parts,
    bytes: &Bytes,
) -> Result<(&'a Endpoint, Value), Fault> {
    let no_such_action = |action: &str| {
        let text = "Verify the request body and Content-Type header and try again.";
        Fault::bad_request(format!("There is no such action: {action}. {text}"))
    };
    if bytes.is_empty() {
        return match &found.route.target {
            Target::One(endpoint) => Ok((endpoint, Value::Null)),
            Target::Actions(_) => Err(no_such_action("None")),
        };
    }
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !matches!(kind, "application/json" | "application/vnd.openstack.volume+json") {
        return Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported Content-Type"));
    }
    let body: Value = serde_json::from_slice(bytes).map_err(|_| Fault::bad_request("Malformed request body"))?;
    match &found.route.target {
        Target::One(endpoint) => Ok((endpoint, body)),
        Target::Actions(actions) => {
            let Value::Object(map) = &body else { return Err(Fault::nothing_here()) };
            let mut keys = map.keys();
            let (Some(action), None) = (keys.next(), keys.next()) else {
                return Err(Fault::bad_request("Malformed request body"));
            };
            let shown = || quoted(action).trim_matches(['\'', '"']).to_owned();
            let endpoint = actions.get(action.as_str()).ok_or_else(|| no_such_action(&shown()))?;
            Ok((endpoint, body))
        }
    }
}
