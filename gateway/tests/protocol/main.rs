//! The lease protocol, every state of it: one job, two workers, gateways that die anywhere, an index that forgets
//! everything or comes back old, messages that are lost. What is claimed of it in `docs/src/reference/lease-protocol.md`
//! holds in every state that can be reached.

mod state;
mod step;

use stateright::{Checker, Model, Property};

use crate::{
    state::{Phase, Place, Row, State},
    step::{Action, after, possible},
};

/// Requests for work that each worker makes. A second one is a worker that lost or finished its first.
const REQUESTS_MAX: u8 = 2;
/// Wipes of the index and returns of an old copy, together.
const FAULTS: u8 = 1;

struct Protocol;

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::accepted(FAULTS)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let within = |action: &Action| match action {
            Action::Ask(worker) => state.requests[*worker] < REQUESTS_MAX,
            Action::Wipe => state.faults_left > 0 && state.index != Place::Nowhere,
            Action::Restore => state.faults_left > 0 && state.saved.is_some(),
            Action::Save => state.faults_left > 0 && state.saved.is_none(),
            _ => true,
        };
        actions.extend(possible(state).into_iter().filter(within));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let next = after(state, action);
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("a job is paid once, and when it has a result", |_, state: &State| {
                state.receipts == u8::from(matches!(state.row, Row::Done(_)))
            }),
            Property::always("who was told that its result counts is paid", |_, state: &State| {
                state.told.iter().all(|fence| state.row == Row::Done(*fence))
            }),
            Property::always(
                "only the last to be granted finishes",
                |_, state: &State| !matches!(state.row, Row::Done(fence) if state.granted != Some(fence)),
            ),
            Property::always(
                "what was given back is not paid",
                |_, state: &State| !matches!(state.row, Row::Done(fence) if state.released == Some(fence)),
            ),
            Property::always("nobody believes to hold what was not granted", |_, state: &State| {
                state.workers.iter().all(|phase| match phase {
                    Phase::Granted(fence) | Phase::Holds(fence) => {
                        state.granted.is_some_and(|last| last == *fence || fence.epoch < last.epoch)
                    }
                    _ => true,
                })
            }),
            Property::always("two workers never hold the row together", |_, state: &State| {
                let holds = |phase: &&Phase| match (**phase, state.row) {
                    (Phase::Holds(fence) | Phase::Granted(fence), Row::Live(live)) => {
                        live.leased && live.is_held_under(fence)
                    }
                    _ => false,
                };
                state.workers.iter().filter(holds).count() <= 1
            }),
            Property::always("once faults end, the job ends", |_, state: &State| ends(state)),
            Property::sometimes("a result is taken", |_, state: &State| state.receipts == 1),
            Property::sometimes("a late result is taken", |_, state: &State| state.took_a_late_one),
            Property::sometimes(
                "a second worker finishes",
                |_, state: &State| matches!(state.row, Row::Done(fence) if fence.epoch > 1),
            ),
            Property::sometimes("a running job is canceled", |_, state: &State| {
                state.row == Row::Ended && state.requests[0] > 0 && state.receipts == 0
            }),
        ]
    }
}

/// Whether the job ends from here when nothing dies any more, nothing is lost, and time goes on.
fn ends(state: &State) -> bool {
    let mut state = state.clone();
    for _ in 0..40 {
        if !matches!(state.row, Row::Live(_)) {
            return true;
        }
        let Some(action) = next_good(&state) else { return false };
        state = after(&state, action);
    }
    false
}

/// The first of these that changes anything: work is done, then the gateways look, then a worker asks, then time passes.
fn next_good(state: &State) -> Option<Action> {
    let both = |action: fn(usize) -> Action| [action(0), action(1)];
    let wanted = [
        both(Action::Store),
        both(Action::HearAnswer),
        both(Action::Sign),
        both(Action::HearGrant),
        both(Action::Decide),
        [Action::Walk, Action::Sweep],
        both(Action::Pop),
        both(Action::Ask),
        [Action::RowRunsOut, Action::IndexRunsOut],
    ];
    let possible = possible(state);
    wanted
        .into_iter()
        .flatten()
        .find(|action| possible.contains(action) && after(state, *action) != *state)
}

#[test]
fn every_state_of_the_lease_protocol_keeps_its_promises() {
    let checker = Protocol.checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/src/reference/lease-protocol.md");
    let counted = format!("**{} states**", checker.unique_state_count());
    let text = std::fs::read_to_string(page).unwrap();
    assert!(text.contains(&counted), "the page does not say {counted}");
}

#[test]
fn a_broken_fence_is_found() {
    // A gateway that stores results without deleting a live row for each.
    struct Broken;

    impl Model for Broken {
        type State = State;
        type Action = Action;

        fn init_states(&self) -> Vec<State> {
            Protocol.init_states()
        }

        fn actions(&self, state: &State, actions: &mut Vec<Action>) {
            Protocol.actions(state, actions);
        }

        fn next_state(&self, state: &State, action: Action) -> Option<State> {
            let mut next = Protocol.next_state(state, action)?;
            if let (Action::Store(worker), Row::Done(_)) = (action, state.row) {
                // A second result of a finished job is stored as well.
                next.receipts += 1;
                if let Phase::Answered { accepted, .. } = &mut next.workers[worker] {
                    *accepted = true;
                }
            }
            Some(next)
        }

        fn properties(&self) -> Vec<Property<Self>> {
            vec![Property::always("paid once", |_, state: &State| state.receipts <= 1)]
        }
    }
    let checker = Broken.checker().spawn_bfs().join();
    assert!(checker.discovery("paid once").is_some(), "the model would not notice");
}
