use ciro_api::Felt;

use super::*;

fn id(number: u8) -> ModelId {
    ModelId(Felt::from(number))
}

fn offered(number: u8, used: Instant) -> Arc<Offered> {
    let manifest = include_bytes!("../../models/sha256/manifest.json");
    let manifest = Manifest::parse(manifest).unwrap();
    let offered = Offered::new(id(number), manifest, thread_mpsc::channel().0);
    *offered.used.lock().unwrap() = used;
    Arc::new(offered)
}

#[test]
fn the_model_that_was_idle_for_longest_makes_room() {
    let now = Instant::now();
    let later = |s| now + Duration::from_secs(s);
    let mut models = vec![offered(1, later(9)), offered(2, later(1)), offered(3, later(2))];
    make_room(&mut models, 3);
    let mut left: Vec<ModelId> = models.iter().map(|offered| offered.id).collect();
    left.sort_by_key(|id| id.0);
    assert_eq!(left, [id(1), id(3)]);
    make_room(&mut models, 3);
    assert_eq!(models.len(), 2, "there is room already");
}
