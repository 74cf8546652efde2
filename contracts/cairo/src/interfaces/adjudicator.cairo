//! What can recompute the models of one family.

/// A registered adjudicator's word decides over stakes: it must be a pure function of its
/// arguments.
#[starknet::interface]
pub trait IAdjudicator<TState> {
    /// The largest input that fits one transaction.
    fn input_bytes_max(self: @TState) -> u32;
    /// The one right output of this model for this input. `witness` carries what the model's id
    /// only commits to, such as weights; a family without such things takes an empty one.
    fn recompute(
        self: @TState, model: felt252, input: ByteArray, witness: Span<felt252>
    ) -> ByteArray;
}
