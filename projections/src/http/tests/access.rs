use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};

use super::*;
use crate::v3::auth::{StaticTokens, TokenEntry};

const OPERATOR: &str = "operator-operator-operator";
const MEMBER: &str = "member-member-member";

fn tokens() -> Authenticator {
    let entry = |token: &str, project: &str, role: &str| TokenEntry {
        token: token.to_owned(),
        user: "somebody".to_owned(),
        user_id: None,
        project: project.to_owned(),
        project_id: None,
        roles: vec![role.to_owned()],
    };
    let entries = vec![entry(OPERATOR, "admin", "admin"), entry(MEMBER, "demo", "member")];
    Authenticator::Static(Arc::new(StaticTokens::new(entries).unwrap()))
}

#[tokio::test]
async fn where_callers_are_asked_v1_is_for_operators() {
    let api = Api::start_with(story().cell, ApiOptions::default(), tokens()).await;
    let get = async |path: &str, token: Option<&str>| {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header("X-Auth-Token", token);
        }
        api.send(request.body(Body::empty()).unwrap()).await
    };
    for path in ["/v1/volumes", "/v1/volumes?at=3", "/v1/quotas/demo", "/v1/log/digest", "/v1/events"] {
        for (token, status, code) in [
            (None, StatusCode::UNAUTHORIZED, "Unauthenticated"),
            (Some("operator-operator-operatoR"), StatusCode::UNAUTHORIZED, "Unauthenticated"),
            (Some(MEMBER), StatusCode::FORBIDDEN, "Forbidden"),
        ] {
            let answer = get(path, token).await;
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path} {token:?}");
        }
    }
    assert_eq!(get("/v1/volumes", Some(OPERATOR)).await.status, StatusCode::OK);
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(path, None).await.status, StatusCode::OK, "{path}");
    }
}
