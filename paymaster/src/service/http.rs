//! `GET /health` and nothing else.

use std::io;

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use ciro_api::{Address, ErrorCode, Problem};
use deadpool_postgres::Pool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::{Board, Health, StatementCounts};

#[derive(Clone)]
struct Desk {
    pool: Pool,
    board: Board,
    operator: Address,
}

pub(super) async fn serve(
    listener: TcpListener,
    pool: Pool,
    board: Board,
    operator: Address,
    stop: CancellationToken,
) -> io::Result<()> {
    let router =
        Router::new().route("/health", get(health)).with_state(Desk { pool, board, operator });
    // Whatever ends the server ends the loops too.
    let _stop_the_rest = stop.clone().drop_guard();
    axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await
}

async fn health(State(desk): State<Desk>) -> Result<Json<Health>, (StatusCode, Json<Problem>)> {
    let away = || {
        let problem = Problem::new(ErrorCode::Unavailable, "the database does not answer");
        (StatusCode::SERVICE_UNAVAILABLE, Json(problem))
    };
    let client = desk.pool.get().await.map_err(|_| away())?;
    let counts = StatementCounts::read(&client).await.map_err(|_| away())?;
    Ok(Json(desk.board.health(counts, desk.operator)))
}
