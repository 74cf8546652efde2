//! What can happen next, and what it does. Each action is one transaction, one Redis call or one message: whatever dies
//! between two of them leaves what is between them here.

use crate::state::{Fence, Lease, Phase, Place, Row, State};

/// As `limits::CRASHES_MAX`.
const CRASHES_MAX: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// A new request for work.
    Ask(usize),
    /// `ciro_take`: pops the job, or finds what this request was given before.
    Pop(usize),
    /// `grant.sql`: the compare-and-set.
    Decide(usize),
    /// The gateway dies, or its reply is lost: the worker asks again with the same id.
    LoseGrant(usize),
    /// Without the index.
    TakeDirectly(usize),
    HearGrant(usize),
    Beat(usize),
    Sign(usize),
    /// `finish.sql`.
    Store(usize),
    LoseAnswer(usize),
    HearAnswer(usize),
    /// `release.sql`, and the index after it.
    Release(usize),
    /// The same by a worker that then hands a result in all the same.
    ReleaseAndSign(usize),
    /// A worker that has signed nothing loses everything it knew.
    Die(usize),
    /// `lease_until` passes.
    RowRunsOut,
    /// A deadline in the index passes: earlier than the row's where a confirmation was lost.
    IndexRunsOut,
    /// One expired entry: the row, then the index.
    Sweep,
    /// The same by a gateway that dies in between.
    SweepAndDie,
    /// The walk over the rows.
    Walk,
    /// A job that is over leaves the index, late.
    Drop,
    Cancel,
    Wipe,
    Save,
    Restore,
}

/// What may happen in `state`, bounds on requests and faults aside.
pub(crate) fn possible(state: &State) -> Vec<Action> {
    let mut actions = Vec::new();
    for worker in 0..state.workers.len() {
        of_worker(state, worker, &mut actions);
    }
    if let Row::Live(live) = state.row {
        if live.leased && !live.over {
            actions.push(Action::RowRunsOut);
        }
        if !live.cancel_requested {
            actions.push(Action::Cancel);
        }
        actions.push(Action::Walk);
    } else if state.index != Place::Nowhere {
        actions.push(Action::Drop);
    }
    match state.index {
        Place::Leased { over: false, .. } => actions.push(Action::IndexRunsOut),
        Place::Leased { over: true, .. } => actions.extend([Action::Sweep, Action::SweepAndDie]),
        Place::Ready | Place::Nowhere => {}
    }
    actions.extend([Action::Wipe, Action::Save, Action::Restore]);
    actions
}

fn of_worker(state: &State, worker: usize, actions: &mut Vec<Action>) {
    match state.workers[worker] {
        Phase::Idle => actions.push(Action::Ask(worker)),
        Phase::Asked(lease) => {
            let again = matches!(state.index, Place::Leased { lease: own, .. } if own == lease);
            if state.index == Place::Ready || again {
                actions.push(Action::Pop(worker));
            }
            actions.extend([Action::TakeDirectly(worker), Action::Die(worker)]);
        }
        Phase::Popped(_) => {
            actions.extend([
                Action::Decide(worker),
                Action::LoseGrant(worker),
                Action::Die(worker),
            ]);
        }
        Phase::Granted(_) => actions.extend([
            Action::HearGrant(worker),
            Action::LoseGrant(worker),
            Action::Die(worker),
        ]),
        Phase::Holds(_) => actions.extend([
            Action::Beat(worker),
            Action::Sign(worker),
            Action::Release(worker),
            Action::ReleaseAndSign(worker),
            Action::Die(worker),
        ]),
        Phase::Signed(_) => actions.push(Action::Store(worker)),
        Phase::Answered { .. } => {
            actions.extend([Action::HearAnswer(worker), Action::LoseAnswer(worker)]);
        }
    }
}

/// What is after `action`.
pub(crate) fn after(state: &State, action: Action) -> State {
    let mut next = state.clone();
    match action {
        Action::Ask(worker) => {
            next.requests[worker] += 1;
            let request = next.requests[worker];
            next.workers[worker] = Phase::Asked(Lease { worker, request });
        }
        Action::Pop(worker) => {
            if let Phase::Asked(lease) = next.workers[worker] {
                next.index = Place::Leased { lease, over: false };
                next.workers[worker] = Phase::Popped(lease);
            }
        }
        Action::Decide(worker) => decide(&mut next, worker),
        Action::TakeDirectly(worker) => {
            if let Phase::Asked(lease) = next.workers[worker]
                && let Some(fence) = grant(&mut next, lease)
            {
                next.workers[worker] = Phase::Granted(fence);
            }
        }
        Action::Beat(worker) => beat(&mut next, worker),
        Action::Store(worker) => store(&mut next, worker),
        Action::HearAnswer(worker) => hear(&mut next, worker),
        Action::Release(worker) | Action::ReleaseAndSign(worker) => release(&mut next, worker),
        Action::Sweep => next.index = sweep(&mut next),
        Action::SweepAndDie => {
            sweep(&mut next);
        }
        Action::Walk => walk(&mut next),
        Action::Cancel => cancel(&mut next),
        Action::LoseGrant(_)
        | Action::HearGrant(_)
        | Action::Sign(_)
        | Action::LoseAnswer(_)
        | Action::Die(_)
        | Action::RowRunsOut
        | Action::IndexRunsOut
        | Action::Drop
        | Action::Wipe
        | Action::Save
        | Action::Restore => happen(&mut next, action),
    }
    move_on(&mut next, action);
    next
}

/// Where the worker stands afterwards, where that follows from where it stood.
fn move_on(next: &mut State, action: Action) {
    let (Action::LoseGrant(worker)
    | Action::HearGrant(worker)
    | Action::Sign(worker)
    | Action::LoseAnswer(worker)
    | Action::Release(worker)
    | Action::ReleaseAndSign(worker)
    | Action::Die(worker)) = action
    else {
        return;
    };
    next.workers[worker] = match (action, next.workers[worker]) {
        (Action::LoseGrant(_), Phase::Popped(lease) | Phase::Granted(Fence { lease, .. })) => {
            Phase::Asked(lease)
        }
        (Action::HearGrant(_), Phase::Granted(fence)) => Phase::Holds(fence),
        (Action::Sign(_) | Action::ReleaseAndSign(_), Phase::Holds(fence))
        | (Action::LoseAnswer(_), Phase::Answered { fence, .. }) => Phase::Signed(fence),
        (Action::Release(_) | Action::Die(_), _) => Phase::Idle,
        (_, phase) => phase,
    };
}

/// What time and the index do by themselves.
fn happen(next: &mut State, action: Action) {
    match (action, &mut next.row, &mut next.index) {
        (Action::RowRunsOut, Row::Live(live), _) => live.over = true,
        (Action::IndexRunsOut, _, Place::Leased { over, .. }) => *over = true,
        (Action::Drop, ..) => next.index = Place::Nowhere,
        (Action::Save, ..) => next.saved = Some(next.index),
        (Action::Wipe | Action::Restore, ..) => {
            next.faults_left = next.faults_left.saturating_sub(1);
            let old = next.saved.filter(|_| action == Action::Restore);
            next.index = old.unwrap_or(Place::Nowhere);
        }
        _ => {}
    }
}

fn hear(next: &mut State, worker: usize) {
    if let Phase::Answered { fence, accepted } = next.workers[worker] {
        if accepted && !next.told.contains(&fence) {
            next.told.push(fence);
        }
        next.workers[worker] = Phase::Idle;
    }
}

/// The compare-and-set: grants a queued row, or finds that this very lease has it.
fn grant(state: &mut State, lease: Lease) -> Option<Fence> {
    let Row::Live(live) = &mut state.row else { return None };
    if !live.leased {
        live.epoch += 1;
        (live.leased, live.over, live.lease) = (true, false, Some(lease));
        state.granted = Some(Fence { lease, epoch: live.epoch });
    } else if live.lease != Some(lease) {
        return None;
    }
    Some(Fence { lease, epoch: live.epoch })
}

fn decide(state: &mut State, worker: usize) {
    let Phase::Popped(lease) = state.workers[worker] else { return };
    let Some(fence) = grant(state, lease) else {
        // The entry of a popped job that the row refuses goes, whoever it names by now.
        state.index = Place::Nowhere;
        state.workers[worker] = Phase::Asked(lease);
        return;
    };
    if matches!(state.index, Place::Leased { lease: own, .. } if own == lease) {
        state.index = Place::Leased { lease, over: false };
    }
    state.workers[worker] = Phase::Granted(fence);
}

fn beat(state: &mut State, worker: usize) {
    let (Phase::Holds(fence), Row::Live(live)) = (state.workers[worker], &mut state.row) else {
        state.workers[worker] = Phase::Idle;
        return;
    };
    if live.leased && live.is_held_under(fence) {
        live.over = false;
        state.index = Place::Leased { lease: fence.lease, over: false };
    } else {
        state.workers[worker] = Phase::Idle;
    }
}

fn store(state: &mut State, worker: usize) {
    let Phase::Signed(fence) = state.workers[worker] else { return };
    let accepted = match state.row {
        Row::Live(live) if live.is_held_under(fence) => {
            state.took_a_late_one |= !live.leased;
            state.row = Row::Done(fence);
            state.receipts += 1;
            true
        }
        Row::Done(by) => by == fence,
        Row::Live(_) | Row::Ended => false,
    };
    state.workers[worker] = Phase::Answered { fence, accepted };
}

fn release(state: &mut State, worker: usize) {
    let Phase::Holds(fence) = state.workers[worker] else { return };
    let Row::Live(live) = &mut state.row else { return };
    if !(live.leased && live.is_held_under(fence)) {
        return;
    }
    (live.leased, live.lease, live.over) = (false, None, false);
    state.released = Some(fence);
    let canceled = live.cancel_requested;
    if canceled {
        state.row = Row::Ended;
    }
    if matches!(state.index, Place::Leased { lease, .. } if lease == fence.lease) {
        state.index = if canceled { Place::Nowhere } else { Place::Ready };
    }
}

/// Acts on the row of an expired entry, and tells where the index is to put the job.
fn sweep(state: &mut State) -> Place {
    let Place::Leased { lease: seen, .. } = state.index else { return state.index };
    let Row::Live(live) = &mut state.row else { return Place::Nowhere };
    let Some(lease) = live.lease.filter(|_| live.leased) else { return Place::Ready };
    if !live.over || lease != seen {
        return Place::Leased { lease, over: live.over };
    }
    if live.cancel_requested || live.crashes + 1 >= CRASHES_MAX {
        state.row = Row::Ended;
        return Place::Nowhere;
    }
    live.crashes += 1;
    live.leased = false;
    Place::Ready
}

fn walk(state: &mut State) {
    let Row::Live(live) = state.row else { return };
    match (live.leased, live.lease, state.index) {
        (true, Some(lease), Place::Leased { lease: own, .. }) if own == lease => {}
        (true, Some(lease), _) => state.index = Place::Leased { lease, over: live.over },
        (false, _, Place::Nowhere) => state.index = Place::Ready,
        _ => {}
    }
}

fn cancel(state: &mut State) {
    match &mut state.row {
        Row::Live(live) if live.leased => live.cancel_requested = true,
        Row::Live(_) => {
            state.row = Row::Ended;
            state.index = Place::Nowhere;
        }
        Row::Done(_) | Row::Ended => {}
    }
}
