//! How well linking goes is counted from what is stored.

use nexus_linking::{Fact, LinkKind, Method, forest::forest};
use nexus_store::{store_tests, testing::TestStore};
use rand::{SeedableRng, rngs::StdRng};

store_tests!(rates_are_those_of_the_links);

async fn rates_are_those_of_the_links(store: TestStore) {
    let mut facts = forest(&mut StdRng::seed_from_u64(3), 60);
    let mut continuing = Vec::new();
    let requests = facts.iter_mut().filter_map(|fact| match fact {
        Fact::Request(id, request) => Some((id, request)),
        Fact::Answer(..) => None,
    });
    for (number, (id, request)) in requests.enumerate() {
        request.client = format!("claude-cli/{}", number % 2);
        if request.continues && request.member {
            continuing.push((*id, request.client.clone()));
        }
    }
    store.link(&facts).await.expect("linked");
    let clients = store.list_client_links().await.expect("read");
    assert_eq!(clients.len(), 2, "{clients:?}");
    for client in clients {
        let (mut linked, mut agreed, mut differed, mut all) = (0, 0, 0, 0);
        for (id, _) in continuing.iter().filter(|(_, name)| *name == client.client) {
            let edge = store.find_link(*id).await.expect("read").expect("a link").edge;
            assert_ne!(edge.kind, LinkKind::Auxiliary);
            all += 1;
            linked += u64::from(edge.parent.is_some());
            agreed += u64::from(matches!(edge.method, Method::AgentPrefix | Method::SessionPrefix));
            differed += u64::from(edge.method == Method::Session);
        }
        assert_eq!((client.continuing, client.linked), (all, linked));
        assert_eq!((client.compared, client.agreed), (agreed + differed, agreed));
    }
}
