//! The two roles that the JobManager knows. Neither can touch a balance.

#[derive(Copy, Drop, Debug, PartialEq, Serde, Hash)]
pub enum Role {
    /// Registers models.
    Registrar,
    /// Pauses settlement for a while.
    Guardian,
}
