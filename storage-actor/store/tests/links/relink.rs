//! Deciding everything anew gives what live linking gave.

use nexus_contract::ExchangeId;
use nexus_linking::forest::forest;
use nexus_store::{store_tests, testing::TestStore};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom as _};

use crate::tables::Tables;

store_tests!(relinking_changes_nothing, a_name_that_vanishes_is_told, a_link_that_vanishes_is_told);

async fn linked(store: &TestStore) {
    let mut random = StdRng::seed_from_u64(7);
    let mut facts = forest(&mut random, 40);
    facts.shuffle(&mut random);
    for batch in facts.chunks(7) {
        store.link(batch).await.expect("linked");
    }
}

async fn relinking_changes_nothing(store: TestStore) {
    linked(&store).await;
    assert_eq!(store.relink(true).await.expect("relinked"), []);
    assert_eq!(store.relink(false).await.expect("relinked"), []);
    assert_eq!(store.relink(true).await.expect("relinked"), []);
}

const STRAY_NAMES: &str = "INSERT INTO link_labels (branch_id, label) \
    SELECT exchange_id, 'stray' FROM links WHERE kind = 'root'";

async fn a_name_that_vanishes_is_told(store: TestStore) {
    linked(&store).await;
    Tables::open(&store.url).await.run(STRAY_NAMES).await;
    let told = store.relink(true).await.expect("relinked");
    assert!(!told.is_empty(), "every main branch has lost a name");
    for one in &told {
        let before = one.before.as_ref().expect("a link before");
        let after = one.after.as_ref().expect("a link after");
        assert_eq!(before.link, after.link);
        assert_eq!((before.label.as_deref(), &after.label), (Some("stray"), &None));
    }
    assert_eq!(store.relink(false).await.expect("relinked"), told, "a dry run changes nothing");
    assert_eq!(store.relink(true).await.expect("relinked"), []);
}

/// Its facts are gone, as after a loss of data: nothing is known any more that it could be linked by.
const LOSE_NEWEST: &str = "DELETE FROM link_facts WHERE exchange_id = \
    (SELECT exchange_id FROM links l WHERE kind <> 'auxiliary' \
    AND NOT EXISTS (SELECT 1 FROM links c WHERE c.parent_id = l.exchange_id) \
    ORDER BY at DESC, exchange_id DESC LIMIT 1)";

async fn a_link_that_vanishes_is_told(store: TestStore) {
    linked(&store).await;
    let before = all(&store).await;
    Tables::open(&store.url).await.run(LOSE_NEWEST).await;
    let after = all(&store).await;
    let lost = *before.iter().find(|id| !after.contains(id)).expect("one is lost");
    let link = store.find_link(lost).await.expect("read");
    let told = store.relink(false).await.expect("relinked");
    let told = told.into_iter().find(|one| one.moment.id == lost).expect("it is told");
    assert_eq!((told.before.map(|labelled| labelled.link), told.after), (link, None));
    assert_eq!(store.find_link(lost).await.expect("read"), None);
    let announced = store.announcements(1_000).await.expect("read");
    assert!(announced.last().expect("one").exchanges.contains(&lost));
}

async fn all(store: &TestStore) -> Vec<ExchangeId> {
    let facts = store.list_facts(None, 1_000).await.expect("read");
    facts.into_iter().map(|one| one.id).collect()
}
