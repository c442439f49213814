//! What was committed is announced, once, until the stream has it.

use nexus_linking::forest::forest;
use nexus_store::{store_tests, testing::TestStore};
use rand::{SeedableRng, rngs::StdRng};

store_tests!(a_commit_is_announced_until_it_is_forgotten);

async fn a_commit_is_announced_until_it_is_forgotten(store: TestStore) {
    let facts = forest(&mut StdRng::seed_from_u64(1), 8);
    let changes = store.link(&facts).await.expect("linked");
    assert_eq!(changes.new_facts, facts.len());
    let waiting = store.announcements(10).await.expect("read");
    let announced: Vec<_> = waiting.iter().flat_map(|one| one.exchanges.clone()).collect();
    assert_eq!(announced, changes.links);

    let again = store.link(&facts).await.expect("linked");
    assert_eq!((again.new_facts, again.links.len()), (0, 0));
    let last = waiting.last().expect("one").sequence;
    store.announced(last).await.expect("forgotten");
    assert!(store.announcements(10).await.expect("read").is_empty());
}
