-- The operator signs every statement, so that its worker can settle it without us.
alter table statement
    -- The public key whose signature it is. A signature by a key that is not the operator's any more is worth nothing.
    add column operator_key text,
    add column operator_r text,
    add column operator_s text,
    add constraint statement_operator_signed_check
        check ((operator_key is null) = (operator_r is null) and (operator_r is null) = (operator_s is null));

-- A worker may settle alone what it never countersigned with us.
alter table statement drop constraint statement_signed_check;
alter table statement add constraint statement_signed_check
    check (status in ('settled', 'voided') or (signature_r is null) = (status = 'closed'));

create index statement_unsigned on statement (statement_id)
    where operator_r is null and status not in ('settled', 'voided');
-- A worker asks for its own, from one id on.
create index statement_unsettled_of_worker on statement (worker, statement_id)
    where status not in ('settled', 'voided');
