//! A stand-in for the FHIR server downstream: keeps what it is sent, gives it ids, answers reads.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A stand-in that runs until the program ends.
pub(super) struct FhirStandIn {
    address: SocketAddr,
    store: Store,
}

#[derive(Clone, Default)]
struct Store(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    bodies: Vec<Bytes>,
    resources: HashMap<String, Value>,
    given: u64,
}

impl FhirStandIn {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The bodies of all writes, in order.
    pub(super) fn received(&self) -> Vec<Bytes> {
        self.store.lock().bodies.clone()
    }
}

/// Listens on a loopback port of the system's choosing; the base is `/fhir`.
pub(super) async fn start() -> std::io::Result<FhirStandIn> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let store = Store::default();
    let app = Router::new().fallback(answer).with_state(store.clone());
    tokio::spawn(async move {
        let _ = axum::serve(listener, app).await;
    });
    Ok(FhirStandIn { address, store })
}

async fn answer(State(store): State<Store>, method: Method, uri: Uri, body: Bytes) -> Response {
    let path = uri.path().trim_start_matches("/fhir").trim_matches('/').to_owned();
    let mut kept = store.lock();
    if method == Method::GET {
        return match kept.resources.get(&path) {
            Some(resource) => response(StatusCode::OK, None, resource),
            None => response(StatusCode::NOT_FOUND, None, &json!({})),
        };
    }
    kept.bodies.push(body.clone());
    let Ok(resource) = serde_json::from_slice::<Value>(&body) else {
        return response(StatusCode::BAD_REQUEST, None, &json!({}));
    };
    if path.is_empty() {
        return response(StatusCode::OK, None, &kept.bundle(&resource));
    }
    let at = kept.keep(&path, resource.clone());
    response(StatusCode::CREATED, Some(&at), &resource)
}

impl Store {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Keeps a resource under its `Type/id`; one that has none is given one.
    fn keep(&mut self, path: &str, resource: Value) -> String {
        self.given += 1;
        let at =
            if path.contains('/') { path.to_owned() } else { format!("{path}/{}", self.given) };
        self.resources.insert(at.clone(), resource);
        at
    }

    fn bundle(&mut self, bundle: &Value) -> Value {
        let text = |value: &Value, pointer: &str| {
            value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let entries = bundle.get("entry").and_then(Value::as_array).cloned().unwrap_or_default();
        let answers: Vec<Value> = entries
            .into_iter()
            .map(|entry| {
                let resource = entry.get("resource").cloned().unwrap_or_default();
                let at = self.keep(&text(&entry, "/request/url"), resource);
                json!({ "response": { "status": "201 Created", "location": at } })
            })
            .collect();
        let kind = format!("{}-response", text(bundle, "/type"));
        json!({ "resourceType": "Bundle", "type": kind, "entry": answers })
    }
}

fn response(status: StatusCode, at: Option<&str>, resource: &Value) -> Response {
    let mut response = Response::new(Body::from(resource.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/fhir+json"));
    let location = at.and_then(|at| HeaderValue::from_str(&format!("/fhir/{at}/_history/1")).ok());
    if let Some(location) = location {
        headers.insert(LOCATION, location);
    }
    response
}
