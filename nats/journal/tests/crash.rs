//! Model test: whatever was written before a crash comes out after it, once, and nothing else does.

mod support;

use std::{collections::BTreeMap, path::Path};

use nexus_contract::{ExchangeId, TerminalState};
use nexus_journal::Recording;
use proptest::prelude::*;
use support::{Shipped, config, crash_copy, head, id, open, outcome, pattern, response_head, ship};

#[derive(Debug, Clone)]
enum Step {
    Begin,
    RequestChunk(u8, usize),
    RequestEnd(u8),
    ResponseChunk(u8, usize),
    Finish(u8),
    /// The reader ships what it finds and acknowledges it.
    Ship,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Begin),
        6 => (any::<u8>(), 1..20_000usize).prop_map(|(which, len)| Step::RequestChunk(which, len)),
        4 => any::<u8>().prop_map(Step::RequestEnd),
        6 => (any::<u8>(), 1..20_000usize).prop_map(|(which, len)| Step::ResponseChunk(which, len)),
        4 => any::<u8>().prop_map(Step::Finish),
        2 => Just(Step::Ship),
        1 => Just(Step::Crash),
    ]
}

/// What the model knows of an exchange.
#[derive(Default)]
struct Model {
    request: Vec<u8>,
    request_ended: bool,
    answer: Vec<u8>,
    finished: bool,
}

#[derive(Default)]
struct World {
    models: BTreeMap<ExchangeId, Model>,
    shipped: BTreeMap<ExchangeId, Shipped>,
}

impl World {
    /// Adds what was shipped. The same event may come again after a crash, but never another one.
    fn note(&mut self, shipped: BTreeMap<ExchangeId, Shipped>) {
        for (id, new) in shipped {
            let known = self.shipped.entry(id).or_default();
            if let Some(request) = new.request {
                assert_eq!(known.request.get_or_insert(request.clone()), &request, "{id}");
            }
            if let Some(response) = new.response {
                assert_eq!(known.response.get_or_insert(response.clone()), &response, "{id}");
            }
        }
    }

    fn check(&self) {
        assert_eq!(self.shipped.len(), self.models.len(), "none missing, none spurious");
        for (id, model) in &self.models {
            let shipped = &self.shipped[id];
            let (request, complete) = shipped.request.as_ref().expect("the request came");
            assert_eq!((&request[..], *complete), (&model.request[..], model.request_ended));
            let (answer, state) = shipped.response.as_ref().expect("the end came");
            assert_eq!(&answer[..], &model.answer[..]);
            let end =
                if model.finished { TerminalState::Completed } else { TerminalState::Aborted };
            assert_eq!(*state, end);
        }
    }
}

/// Runs until the steps are over or the process "dies"; gives back the steps that are left.
async fn live<'a>(dir: &Path, steps: &'a [Step], world: &mut World) -> &'a [Step] {
    let journal = open(config(dir));
    let mut reader = journal.reader().expect("the first to ask");
    let mut open: Vec<(ExchangeId, Recording)> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        match step {
            Step::Begin => {
                let number = world.models.len() as u128 + 1;
                world.models.insert(id(number), Model::default());
                open.push((id(number), journal.begin(head(number)).expect("captures")));
            }
            Step::Ship => {
                settle(&open).await;
                world.note(ship(&mut reader, true));
            }
            Step::Crash => {
                settle(&open).await;
                std::mem::forget(open);
                return &steps[at + 1..];
            }
            Step::RequestChunk(which, _)
            | Step::RequestEnd(which)
            | Step::ResponseChunk(which, _)
            | Step::Finish(which) => {
                let Some(at) = usize::from(*which).checked_rem(open.len()) else { continue };
                let model = world.models.get_mut(&open[at].0).expect("known");
                apply(step, &open[at].1, model);
            }
        }
    }
    settle(&open).await;
    std::mem::forget(open);
    &[]
}

async fn settle(open: &[(ExchangeId, Recording)]) {
    for (_, recording) in open {
        recording.written().await;
    }
}

fn apply(step: &Step, recording: &Recording, model: &mut Model) {
    if model.finished {
        return;
    }
    match step {
        Step::RequestChunk(which, len) if !model.request_ended => {
            let bytes = pattern(u128::from(*which), *len);
            model.request.extend_from_slice(&bytes);
            recording.request_chunk(bytes);
        }
        Step::RequestEnd(_) if !model.request_ended => {
            model.request_ended = true;
            recording.request_end(true);
        }
        Step::ResponseChunk(which, len) => {
            let bytes = pattern(u128::from(*which) + 1, *len);
            if model.answer.is_empty() {
                recording.response_head(response_head());
            }
            model.answer.extend_from_slice(&bytes);
            recording.response_chunk(bytes);
        }
        Step::Finish(_) => {
            model.finished = true;
            recording.finish(outcome(TerminalState::Completed));
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn written_is_kept_over_crashes(steps in prop::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let root = tempfile::tempdir().expect("a folder");
            let mut world = World::default();
            let mut rest = &steps[..];
            let mut life = 0;
            while !rest.is_empty() {
                let dir = root.path().join(life.to_string());
                rest = live(&dir, rest, &mut world).await;
                life += 1;
                let next = root.path().join(life.to_string());
                crash_copy(&dir.join("gateway-a"), &next.join("gateway-a"));
            }
            let last = open(config(&root.path().join(life.to_string())));
            let mut reader = last.reader().expect("the first to ask");
            world.note(ship(&mut reader, true));
            assert!(reader.is_drained());
            world.check();
        });
    }
}
