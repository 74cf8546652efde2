//! What a gateway that stands still may keep from the others.

use std::time::Duration;

use ciro_gateway::database;
use tokio::time::timeout;
use tokio_postgres::config::Host;

#[tokio::test]
async fn a_gateway_that_stands_still_in_a_transaction_loses_its_locks() {
    let config = ciro_testbed::empty_database().await;
    let [Host::Unix(socket)] = config.get_hosts() else { panic!("{config:?}") };
    let (socket, name) = (socket.display(), config.get_dbname().unwrap());
    let pool = database::pool(&format!("host={socket} user=ciro dbname={name}"), 1).unwrap();
    let other = ciro_testbed::connect(&config).await;
    other
        .batch_execute("CREATE TABLE wanted (free boolean); INSERT INTO wanted VALUES (true)")
        .await
        .unwrap();

    let mut client = pool.get().await.unwrap();
    let still = client.transaction().await.unwrap();
    still.execute("UPDATE wanted SET free = false", &[]).await.unwrap();
    // From here on it does nothing.
    let patience = Duration::from_mins(1);
    let freed = timeout(patience, other.execute("UPDATE wanted SET free = true WHERE free", &[]));
    assert_eq!(freed.await.expect("the lock is never given up").unwrap(), 1);
    assert!(still.commit().await.is_err(), "it believes to have committed");
}
