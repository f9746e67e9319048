//! Writes the changes of a batch: one statement for each kind of row and whether it is new, parents first.

use std::collections::BTreeMap;

use ecom_core::id::PaymentId;
use ecom_core::payment::{Barrier, Change, Payment, PaymentMethod, Posting, Refund, Transaction};
use sqlx::PgConnection;

use crate::postgres::fault::expect_rows;
use crate::postgres::rows::{Moment, column, decimal, printable, statements};
use crate::sql::latest::{Latest, Written};
use crate::sql::payment::{PaymentRow, actor, outcome};

statements! {
    INSERT_PAYMENTS = "
        INSERT INTO payments (id, captured, refunded, pending, status, state, updated_at, version, order_id,
                              correlation_id, user_id, provider, currency, amount, created_at)
        SELECT id, captured, refunded, pending, status, state::JSON, updated_at, version, order_id, correlation_id,
               user_id, provider, currency, amount, created_at
        FROM unnest($1::UUID[], $2::NUMERIC[], $3::NUMERIC[], $4::NUMERIC[], $5::TEXT[], $6::TEXT[],
                    $7::TIMESTAMPTZ[], $8::BIGINT[], $9::UUID[], $10::UUID[], $11::UUID[], $12::TEXT[], $13::TEXT[],
                    $14::NUMERIC[], $15::TIMESTAMPTZ[])
            AS new (id, captured, refunded, pending, status, state, updated_at, version, order_id, correlation_id,
                    user_id, provider, currency, amount, created_at)";
    UPDATE_PAYMENTS = "
        UPDATE payments SET captured = new.captured, refunded = new.refunded, pending = new.pending,
               status = new.status, state = new.state::JSON, updated_at = new.updated_at, version = new.version
        FROM unnest($1::UUID[], $2::NUMERIC[], $3::NUMERIC[], $4::NUMERIC[], $5::TEXT[], $6::TEXT[],
                    $7::TIMESTAMPTZ[], $8::BIGINT[], $9::BIGINT[])
            AS new (id, captured, refunded, pending, status, state, updated_at, version, base)
        WHERE payments.id = new.id AND payments.version = new.base";
    INSERT_REFUNDS = "
        INSERT INTO refunds (id, status, outcome, version, payment_id, amount, currency, actor, reason, created_at)
        SELECT id, status, outcome, version, payment_id, amount, currency, actor, reason, created_at
        FROM unnest($1::UUID[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::UUID[], $6::NUMERIC[], $7::TEXT[],
                    $8::UUID[], $9::TEXT[], $10::TIMESTAMPTZ[])
            AS new (id, status, outcome, version, payment_id, amount, currency, actor, reason, created_at)";
    UPDATE_REFUNDS = "
        UPDATE refunds SET status = new.status, outcome = new.outcome, version = new.version
        FROM unnest($1::UUID[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[])
            AS new (id, status, outcome, version, base)
        WHERE refunds.id = new.id AND refunds.version = new.base";
    INSERT_METHODS = "
        INSERT INTO payment_methods (id, is_default, deleted, version, user_id, provider, token, brand, last4, exp_month,
                                     exp_year, created_at)
        SELECT id, is_default, deleted, version, user_id, provider, token, brand, last4, exp_month, exp_year, created_at
        FROM unnest($1::UUID[], $2::BOOLEAN[], $3::BOOLEAN[], $4::BIGINT[], $5::UUID[], $6::TEXT[], $7::TEXT[],
                    $8::TEXT[], $9::TEXT[], $10::BIGINT[], $11::BIGINT[], $12::TIMESTAMPTZ[])
            AS new (id, is_default, deleted, version, user_id, provider, token, brand, last4, exp_month, exp_year,
                    created_at)";
    UPDATE_METHODS = "
        UPDATE payment_methods SET is_default = new.is_default, deleted = new.deleted, version = new.version
        FROM unnest($1::UUID[], $2::BOOLEAN[], $3::BOOLEAN[], $4::BIGINT[], $5::BIGINT[])
            AS new (id, is_default, deleted, version, base)
        WHERE payment_methods.id = new.id AND payment_methods.version = new.base";
    INSERT_TRANSACTIONS = "
        INSERT INTO transactions (payment_id, id, kind, status, amount, currency, detail, at)
        SELECT payment_id, id, kind, status, amount, currency, detail, at
        FROM unnest($1::UUID[], $2::UUID[], $3::TEXT[], $4::TEXT[], $5::NUMERIC[], $6::TEXT[], $7::TEXT[],
                    $8::TIMESTAMPTZ[])
            AS new (payment_id, id, kind, status, amount, currency, detail, at)";
    INSERT_POSTINGS = "
        INSERT INTO postings (payment_id, transaction_id, debit, credit, amount, currency, at)
        SELECT payment_id, transaction_id, debit, credit, amount, currency, at
        FROM unnest($1::UUID[], $2::UUID[], $3::TEXT[], $4::TEXT[], $5::NUMERIC[], $6::TEXT[], $7::TIMESTAMPTZ[])
            AS new (payment_id, transaction_id, debit, credit, amount, currency, at)";
}

/// What a batch changes.
#[derive(Default)]
struct Rows<'a> {
    barriers: BTreeMap<PaymentId, &'a Barrier>,
    transactions: Vec<&'a Transaction>,
    postings: Vec<&'a Posting>,
}

pub(super) async fn changes(connection: &mut PgConnection, changes: &[Change]) -> Result<(), sqlx::Error> {
    let (mut payments, mut refunds, mut methods) = (Latest::new(), Latest::new(), Latest::new());
    let mut rows = Rows::default();
    for change in changes {
        match change {
            Change::PutPayment(payment) => payments.put(payment.id, payment.version, payment),
            Change::PutRefund(refund) => refunds.put(refund.id, refund.version, refund),
            Change::PutMethod(method) => methods.put(method.id, method.version, method),
            Change::AddBarrier(barrier) => drop(rows.barriers.insert(barrier.payment_id, barrier)),
            Change::AddTransaction(transaction) => rows.transactions.push(transaction),
            Change::AddPosting(posting) => rows.postings.push(posting),
        }
    }
    let (new, changed) = payments.split();
    insert_payments(connection, &new, rows.barriers.into_values()).await?;
    update_payments(connection, &changed).await?;
    let (new, changed) = refunds.split();
    put_refunds(connection, INSERT_REFUNDS, &new).await?;
    put_refunds(connection, UPDATE_REFUNDS, &changed).await?;
    save_methods(connection, methods.split()).await?;
    rows.transactions.sort_by_key(|row| (row.payment_id, row.id));
    insert_transactions(connection, &rows.transactions).await?;
    rows.postings.sort_by_key(|row| (row.payment_id, row.transaction_id));
    insert_postings(connection, &rows.postings).await
}

async fn insert_payments<'a>(
    connection: &mut PgConnection,
    payments: &[Written<'a, Payment>],
    barriers: impl Iterator<Item = &'a Barrier>,
) -> Result<(), sqlx::Error> {
    let payments = payments.iter().map(|new| PaymentRow::payment(new.row));
    let mut rows = payments.chain(barriers.map(PaymentRow::barrier)).collect::<Result<Vec<_>, _>>()?;
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_by_key(|row| row.id);
    let query = bind_payments(INSERT_PAYMENTS, &rows)
        .bind(column(&rows, |row| row.order_id.0))
        .bind(column(&rows, |row| row.correlation_id.map(|id| id.0)))
        .bind(column(&rows, |row| row.user_id.map(|id| id.0)))
        .bind(column(&rows, |row| row.provider))
        .bind(column(&rows, |row| row.currency))
        .bind(column(&rows, |row| row.amount.map(decimal)))
        .bind(column(&rows, |row| Moment(row.created_at)));
    expect_rows(&query.execute(connection).await?, rows.len(), "payments")
}

async fn update_payments(connection: &mut PgConnection, changed: &[Written<'_, Payment>]) -> Result<(), sqlx::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let rows = changed.iter().map(|changed| PaymentRow::payment(changed.row)).collect::<Result<Vec<_>, _>>()?;
    let query = bind_payments(UPDATE_PAYMENTS, &rows).bind(column(changed, |changed| changed.base.cast_signed()));
    expect_rows(&query.execute(connection).await?, rows.len(), "payments")
}

/// The columns that both statements have.
fn bind_payments<'q>(
    statement: &'static str,
    rows: &'q [PaymentRow<'_>],
) -> sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments> {
    sqlx::query(statement)
        .bind(column(rows, |row| row.id.0))
        .bind(column(rows, |row| row.captured.map(decimal)))
        .bind(column(rows, |row| row.refunded.map(decimal)))
        .bind(column(rows, |row| row.pending.map(decimal)))
        .bind(column(rows, |row| row.status))
        .bind(column(rows, |row| row.state.as_str()))
        .bind(column(rows, |row| Moment(row.updated_at)))
        .bind(column(rows, |row| row.version.cast_signed()))
}

async fn put_refunds(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: &[Written<'_, Refund>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(statement)
        .bind(column(rows, |new| new.row.id.0))
        .bind(column(rows, |new| new.row.status.word()))
        .bind(column(rows, |new| outcome(new.row).map(|outcome| printable(outcome).into_owned())))
        .bind(column(rows, |new| new.row.version.cast_signed()));
    let query = if statement == INSERT_REFUNDS {
        query
            .bind(column(rows, |new| new.row.payment_id.0))
            .bind(column(rows, |new| decimal(new.row.amount)))
            .bind(column(rows, |new| new.row.amount.currency().code()))
            .bind(column(rows, |new| actor(new.row).map(|id| id.0)))
            .bind(column(rows, |new| printable(new.row.cause.reason()).into_owned()))
            .bind(column(rows, |new| Moment(new.row.created_at)))
    } else {
        query.bind(column(rows, |new| new.base.cast_signed()))
    };
    expect_rows(&query.execute(connection).await?, rows.len(), "refunds")
}

/// The old default goes first: the index allows one at any time, not only at the end.
async fn save_methods(
    connection: &mut PgConnection,
    (new, changed): (Vec<Written<'_, PaymentMethod>>, Vec<Written<'_, PaymentMethod>>),
) -> Result<(), sqlx::Error> {
    let by_default = |rows: Vec<_>| rows.into_iter().partition(|row: &Written<'_, PaymentMethod>| row.row.is_default);
    let ((new_defaults, new), (defaults, changed)): ((Vec<_>, Vec<_>), (Vec<_>, Vec<_>)) =
        (by_default(new), by_default(changed));
    put_methods(connection, UPDATE_METHODS, &changed).await?;
    put_methods(connection, UPDATE_METHODS, &defaults).await?;
    put_methods(connection, INSERT_METHODS, &new).await?;
    put_methods(connection, INSERT_METHODS, &new_defaults).await
}

async fn put_methods(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: &[Written<'_, PaymentMethod>],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let query = sqlx::query(statement)
        .bind(column(rows, |new| new.row.id.0))
        .bind(column(rows, |new| new.row.is_default))
        .bind(column(rows, |new| new.row.deleted))
        .bind(column(rows, |new| new.row.version.cast_signed()));
    let query = if statement == INSERT_METHODS {
        query
            .bind(column(rows, |new| new.row.user_id.0))
            .bind(column(rows, |new| new.row.provider.as_str()))
            .bind(column(rows, |new| new.row.token.as_str()))
            .bind(column(rows, |new| new.row.card.brand.as_str()))
            .bind(column(rows, |new| new.row.card.last4.as_str()))
            .bind(column(rows, |new| i64::from(new.row.card.exp_month)))
            .bind(column(rows, |new| i64::from(new.row.card.exp_year)))
            .bind(column(rows, |new| Moment(new.row.created_at)))
    } else {
        query.bind(column(rows, |new| new.base.cast_signed()))
    };
    expect_rows(&query.execute(connection).await?, rows.len(), "payment_methods")
}

async fn insert_transactions(connection: &mut PgConnection, rows: &[&Transaction]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(INSERT_TRANSACTIONS)
        .bind(column(rows, |row| row.payment_id.0))
        .bind(column(rows, |row| row.id))
        .bind(column(rows, |row| row.kind.word()))
        .bind(column(rows, |row| row.status.word()))
        .bind(column(rows, |row| decimal(row.amount)))
        .bind(column(rows, |row| row.amount.currency().code()))
        .bind(column(rows, |row| row.detail.as_deref().map(|detail| printable(detail).into_owned())))
        .bind(column(rows, |row| Moment(row.at)))
        .execute(connection)
        .await?;
    expect_rows(&done, rows.len(), "transactions")
}

async fn insert_postings(connection: &mut PgConnection, rows: &[&Posting]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(INSERT_POSTINGS)
        .bind(column(rows, |row| row.payment_id.0))
        .bind(column(rows, |row| row.transaction_id))
        .bind(column(rows, |row| row.debit.word()))
        .bind(column(rows, |row| row.credit.word()))
        .bind(column(rows, |row| decimal(row.amount)))
        .bind(column(rows, |row| row.amount.currency().code()))
        .bind(column(rows, |row| Moment(row.at)))
        .execute(connection)
        .await?;
    expect_rows(&done, rows.len(), "postings")
}
