//! Cinder's API, asked as Nova asks it.

use serde_json::{Value, json};

/// The version of the API in which attachments are completed.
const VERSION: &str = "volume 3.44";

/// The API of a cell, in the project `demo`.
pub(crate) struct Cinder {
    url: String,
}

impl Cinder {
    pub(crate) fn new(cell: &str) -> Self {
        Self { url: format!("{cell}/v3/demo") }
    }

    /// An attachment of a volume that a host, told by its connector, has asked for; with its `connection_info`.
    pub(crate) async fn attach(&self, volume: &str, connector: &Value) -> Value {
        let wish = json!({"attachment": {"volume_uuid": volume, "connector": connector}});
        self.send("POST", "attachments", &wish).await["attachment"].clone()
    }

    /// An attachment as it is.
    pub(crate) async fn attachment(&self, id: &str) -> Value {
        self.send("GET", &format!("attachments/{id}"), &Value::Null).await["attachment"].clone()
    }

    /// The host has the device.
    pub(crate) async fn complete(&self, attachment: &str) {
        self.send("POST", &format!("attachments/{attachment}/action"), &json!({"os-complete": null})).await;
    }

    /// The host has no longer the device.
    pub(crate) async fn end(&self, attachment: &str) {
        self.send("DELETE", &format!("attachments/{attachment}"), &Value::Null).await;
    }

    async fn send(&self, method: &'static str, path: &str, content: &Value) -> Value {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/{path}", self.url))
            .header("X-Auth-Token", "stele:demo")
            .header("OpenStack-API-Version", VERSION);
        let mut body = Vec::new();
        if !content.is_null() {
            request = request.header("Content-Type", "application/json");
            body = serde_json::to_vec(content).unwrap();
        }
        let request = request.body(body).unwrap();
        let shown = format!("{method} {path}");
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
        let asked = tokio::task::spawn_blocking(move || {
            let mut response = ureq::Agent::from(config).run(request).unwrap();
            (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
        });
        let (status, text) = asked.await.unwrap();
        assert!((200..300).contains(&status), "{shown}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}
