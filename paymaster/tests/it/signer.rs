//! Relayers whose keys are in another process: what that one does, and what becomes of us without it.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::{
    Json, Router,
    routing::{get, post},
};
use ciro_api::{Fri, hash::sign};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::desk_world::{DeskWorld, Program, RELAYERS, Settings, TO, TOKEN, USER, sponsored};

const TOKEN_TEXT: &str = "a token of twenty-odd letters";

/// The signer, and where it answers.
struct Signer {
    child: Child,
    url: String,
}

impl Drop for Signer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Signer {
    async fn start(world: &DeskWorld, listen: &str) -> Self {
        let ready = world.path("signer-ready");
        let _none_yet = fs::remove_file(&ready);
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig=SIGKILL", "--", env!("CARGO_BIN_EXE_ciro-signer")])
            .env("CIRO_RELAYER_KEYSTORES", world.keystores(1))
            .env("CIRO_RELAYER_PASSWORD_FILE", world.path("password"))
            .env("CIRO_SIGNER_TOKEN_FILE", world.secret("signer.token", TOKEN_TEXT))
            .env("CIRO_SIGNER_LISTEN", listen)
            .env("CIRO_SIGNER_READY_FILE", &ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let address = loop {
            if let Ok(address) = fs::read_to_string(&ready) {
                break address.trim().to_owned();
            }
            assert!(child.try_wait().unwrap().is_none(), "the signer has ended");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        Self { child, url: format!("http://{address}") }
    }

    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    async fn sign(&self, token: &str, body: &Value) -> (u16, String) {
        let post = reqwest::Client::new().post(format!("{}/v1/sign", self.url)).json(body);
        let reply = post.bearer_auth(token).send().await.unwrap();
        (reply.status().as_u16(), reply.text().await.unwrap())
    }
}

fn remote(world: &DeskWorld, url: &str) -> Settings {
    let token = world.secret("signer.token", TOKEN_TEXT).display().to_string();
    let env = vec![("CIRO_SIGNER_URL", url.to_owned()), ("CIRO_SIGNER_TOKEN_FILE", token)];
    Settings { relayers: 0, env, ..Settings::default() }
}

async fn signed(world: &DeskWorld, program: &Program) -> Value {
    let built =
        program.build(world.address(USER), &[TOKEN.transfer(TO, Fri(5))], &sponsored()).await;
    Program::executable(world, USER, &built, &sponsored())
}

#[tokio::test]
async fn a_paymaster_without_a_key_relays_through_a_signer_and_waits_while_that_is_away() {
    let world = DeskWorld::start().await;
    let signer = Signer::start(&world, "127.0.0.1:0").await;
    let program = world.program(&remote(&world, &signer.url)).await;
    let first = signed(&world, &program).await;
    program.result("paymaster_executeTransaction", first).await;
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(5));

    let waits = signed(&world, &program).await;
    let listen = signer.address().to_owned();
    drop(signer);
    let (code, data) = program.fault("paymaster_executeTransaction", waits.clone()).await;
    assert_eq!((code, &data["reason"]), (163, &json!("signer_unreachable")), "{data}");
    let _again = Signer::start(&world, &listen).await;
    program.result("paymaster_executeTransaction", waits).await;
    program.settled(&world).await;
    assert_eq!(world.balance(TO).await, Fri(10), "{}", program.log());
}

#[tokio::test]
async fn a_signer_signs_for_whoever_shows_its_token_and_for_accounts_that_it_knows() {
    let world = DeskWorld::start().await;
    let signer = Signer::start(&world, "127.0.0.1:0").await;
    let relayer = world.address(RELAYERS[0]);
    let asked = json!({ "account": relayer, "hash": "0x1234" });
    let (status, text) = signer.sign(TOKEN_TEXT, &asked).await;
    assert_eq!(status, 200, "{text}");
    let signature = serde_json::from_str(&text).unwrap();
    let key = sign::public_key(&world.keys[RELAYERS[0]]);
    assert!(sign::verify(key, &0x1234_u64.into(), &signature));
    assert!(!sign::verify(key, &0x1235_u64.into(), &signature));

    assert_eq!(signer.sign("another token, as long as it", &asked).await.0, 401);
    assert_eq!(signer.sign("", &asked).await.0, 401);
    let unknown = json!({ "account": world.address(USER), "hash": "0x1234" });
    assert_eq!(signer.sign(TOKEN_TEXT, &unknown).await.0, 404);
    for bad in
        [json!({ "account": relayer }), json!({ "account": relayer, "hash": "x" }), json!([])]
    {
        assert_eq!(signer.sign(TOKEN_TEXT, &bad).await.0, 422, "{bad}");
    }
    let out_of_range =
        json!({ "account": relayer, "hash": format!("0x{:x}", ciro_api::Felt::MAX) });
    assert_eq!(signer.sign(TOKEN_TEXT, &out_of_range).await.0, 422);
}

#[tokio::test]
async fn what_a_signer_answers_is_sent_only_where_it_is_a_signature_by_the_key_it_named() {
    let world = DeskWorld::start().await;
    let (account, key) = (world.address(RELAYERS[0]), sign::public_key(&world.keys[RELAYERS[0]]));
    let forged = sign::sign(&world.keys[USER], &1_u64.into()).unwrap();
    let listed = json!([{ "account": account, "public_key": key }]);
    let router = Router::new()
        .route("/v1/keys", get(async move || Json(listed)))
        .route("/v1/sign", post(async move || Json(forged)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let program = world.program(&remote(&world, &url)).await;
    // An operation's own simulation is the first to need a signature.
    let call = signed(&world, &program).await;
    let (_, data) = program.fault("paymaster_executeTransaction", call).await;
    assert!(program.log().contains("no signature by the key"), "{data}\n{}", program.log());
    assert_eq!(world.operations("sent").await, 0);
    server.abort();
}
