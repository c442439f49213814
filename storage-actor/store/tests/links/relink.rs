//! Deciding everything anew gives what live linking gave.

use nexus_linking::forest::forest;
use nexus_store::{store_tests, testing::TestStore};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom as _};

store_tests!(relinking_changes_nothing);

async fn relinking_changes_nothing(store: TestStore) {
    let mut random = StdRng::seed_from_u64(7);
    let mut facts = forest(&mut random, 40);
    facts.shuffle(&mut random);
    for batch in facts.chunks(7) {
        store.link(batch).await.expect("linked");
    }
    assert_eq!(store.relink(true).await.expect("relinked"), []);
    assert_eq!(store.relink(false).await.expect("relinked"), []);
    assert_eq!(store.relink(true).await.expect("relinked"), []);
}
