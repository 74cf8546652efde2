//! A node between the paymaster and the chain that fails as it is told: loses what is sent to it, loses its answers, takes
//! transactions and forgets them, or refuses them.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

/// What happens to transactions that are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// They reach the chain, and the answer comes back.
    None,
    /// They do not reach it.
    Lost,
    /// They reach it, and the answer does not come back.
    LostReply,
    /// It says that it has them, and they do not reach the chain.
    Forgotten,
    /// It says that their account cannot pay for them.
    Refused,
}

struct Shared {
    upstream: Url,
    database: tokio_postgres::Client,
    client: reqwest::Client,
    fault: Mutex<Fault>,
    sends: AtomicUsize,
}

/// The node.
pub(crate) struct Node {
    pub(crate) url: Url,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Node {
    /// Before this chain; it looks up in the database what a transaction's hash is.
    pub(crate) async fn start(upstream: &Url, database: &tokio_postgres::Config) -> Self {
        let shared = Arc::new(Shared {
            upstream: upstream.clone(),
            database: ciro_testbed::connect(database).await,
            client: reqwest::Client::new(),
            fault: Mutex::new(Fault::None),
            sends: AtomicUsize::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/rpc", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().route("/rpc", post(answer)).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, server }
    }

    pub(crate) fn fail(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// How many transactions were sent to it.
    pub(crate) fn sends(&self) -> usize {
        self.shared.sends.load(Ordering::SeqCst)
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    Json(request): Json<Value>,
) -> impl IntoResponse {
    let fault = if is_relayed(&shared, &request).await {
        shared.sends.fetch_add(1, Ordering::SeqCst);
        *shared.fault.lock().unwrap_or_else(PoisonError::into_inner)
    } else {
        Fault::None
    };
    let lost = (StatusCode::BAD_GATEWAY, Json(Value::Null));
    if fault == Fault::Lost {
        return lost;
    }
    if fault == Fault::Forgotten {
        let hash = hash_of(&shared, &request).await;
        let result = json!({ "transaction_hash": hash });
        return (
            StatusCode::OK,
            Json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })),
        );
    }
    if fault == Fault::Refused {
        let error = json!({ "code": 54, "message": "Account balance is smaller than the transaction's maximal fee" });
        let body = json!({ "jsonrpc": "2.0", "id": request["id"], "error": error });
        return (StatusCode::OK, Json(body));
    }
    let reply = shared.client.post(shared.upstream.clone()).json(&request).send().await;
    let Ok(reply) = reply else { return lost };
    let Ok(body) = reply.json().await else { return lost };
    if fault == Fault::LostReply { lost } else { (StatusCode::OK, Json(body)) }
}

/// The operator settles through this node too, and is left alone.
async fn is_relayed(shared: &Shared, request: &Value) -> bool {
    if request["method"] != "starknet_addInvokeTransaction" {
        return false;
    }
    let sender = sent(request)["sender_address"].as_str().unwrap();
    let sql = "select 1 from relayer where address = $1";
    shared.database.query_opt(sql, &[&sender]).await.unwrap().is_some()
}

/// By name or by place.
fn sent(request: &Value) -> &Value {
    let named = &request["params"]["invoke_transaction"];
    if named.is_null() { &request["params"][0] } else { named }
}

/// It was written down before it was sent.
async fn hash_of(shared: &Shared, request: &Value) -> String {
    let nonce = sent(request)["nonce"].as_str().unwrap();
    let nonce = i64::from_str_radix(nonce.trim_start_matches("0x"), 16).unwrap();
    let sql = "select tx_hash from relay_attempt where nonce = $1 order by number desc limit 1";
    shared.database.query_one(sql, &[&nonce]).await.unwrap().get(0)
}
