//! Statements that travel together: one hand-over to the database's thread for all of them, instead of one for each.
//!
//! A hand-over wakes two threads, which costs more than most of these statements do.

use futures_util::TryStreamExt as _;
use serde::Serialize;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Either, Encode, Executor as _, Sqlite, SqliteConnection, Type};

use super::rows::json;

/// Statements in their order, with what each *must* write.
///
/// Placeholders are plain `?`, bound in the order in which they appear.
#[derive(Default)]
pub struct Script {
    sql: String,
    arguments: SqliteArguments,
    /// For each statement: the table and how many rows of it must be written.
    expected: Vec<Option<(&'static str, u64)>>,
}

impl Script {
    /// Adds a statement; its values follow with [`Script::bind`].
    pub fn push(&mut self, sql: &'static str) -> &mut Self {
        if !self.sql.is_empty() {
            self.sql.push_str(";\n");
        }
        self.sql.push_str(sql);
        self.expected.push(None);
        self
    }

    /// Binds the next value of the statement that was added last.
    pub fn bind<'t, T: Encode<'t, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> Result<&mut Self, sqlx::Error> {
        self.arguments.add(value).map_err(sqlx::Error::Encode)?;
        Ok(self)
    }

    /// Adds a statement that writes `rows`, which it reads with `jsonb_each(?)`, its only placeholder. The script fails
    /// unless it writes exactly that many: somebody else has changed one of them. Nothing is added for no rows.
    pub fn put<T: Serialize>(&mut self, table: &'static str, sql: &'static str, rows: &[T]) -> Result<(), sqlx::Error> {
        if rows.is_empty() {
            return Ok(());
        }
        self.push(sql).bind(json(rows)?)?;
        self.expect(table, rows.len());
        Ok(())
    }

    /// Makes the script fail unless the statement that was added last writes exactly that many rows.
    pub fn expect(&mut self, table: &'static str, rows: usize) {
        if let Some(expected) = self.expected.last_mut() {
            *expected = Some((table, rows as u64));
        }
    }

    /// Runs all statements; the rows that each of them returned, in order. After an error the ones behind it may have
    /// run or not: the transaction around them *must* be given up.
    pub(crate) async fn run(self, connection: &mut SqliteConnection) -> Result<Vec<Vec<SqliteRow>>, sqlx::Error> {
        if self.expected.is_empty() {
            return Ok(vec![]);
        }
        let mut expected = self.expected.into_iter();
        let (mut sets, mut rows) = (Vec::with_capacity(expected.len()), vec![]);
        // Made of constants alone; what comes from outside is bound.
        let mut results = connection.fetch_many(sqlx::query_with(AssertSqlSafe(self.sql), self.arguments));
        while let Some(result) = results.try_next().await? {
            match result {
                Either::Right(row) => rows.push(row),
                Either::Left(done) => {
                    if let Some((table, wanted)) = expected.next().flatten()
                        && done.rows_affected() != wanted
                    {
                        let written = done.rows_affected();
                        let what = format!("{table}: {written} of {wanted} rows were in the expected version");
                        return Err(sqlx::Error::Protocol(what));
                    }
                    sets.push(std::mem::take(&mut rows));
                }
            }
        }
        Ok(sets)
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{ConnectOptions as _, Row as _};

    use super::*;

    async fn database() -> SqliteConnection {
        let mut connection =
            sqlx::sqlite::SqliteConnectOptions::new().in_memory(true).connect().await.expect("a database in memory");
        sqlx::raw_sql("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)")
            .execute(&mut connection)
            .await
            .expect("a table");
        connection
    }

    #[tokio::test]
    async fn each_statement_gets_its_own_values_and_gives_its_own_rows() {
        let mut connection = database().await;
        for round in 0..2 {
            let mut script = Script::default();
            script.push("DELETE FROM t WHERE a = ?").bind(99).expect("bound");
            let rows = [(round * 2, "x"), (round * 2 + 1, "y")];
            let insert = "INSERT INTO t (a, b) SELECT value->>0, value->>1 FROM jsonb_each(?)";
            script.put("t", insert, &rows).expect("bound");
            script.push("SELECT a FROM t WHERE b = ? AND a >= ? ORDER BY a").bind("y").expect("bound");
            script.bind(0).expect("bound");
            script.push("SELECT count(*) FROM t");
            let sets = script.run(&mut connection).await.expect("it runs");
            assert_eq!(sets.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, round + 1, 1]);
            assert_eq!(sets[2][round].get::<i64, _>(0), (round * 2 + 1) as i64);
            assert_eq!(sets[3][0].get::<i64, _>(0), (round * 2 + 2) as i64);
        }
    }

    #[tokio::test]
    async fn a_row_that_is_not_written_is_an_error_and_no_rows_are_no_statement() {
        let mut connection = database().await;
        let mut script = Script::default();
        let update = "UPDATE t SET b = 'z' FROM jsonb_each(?) AS row WHERE t.a = row.value->>0";
        script.put("t", update, &[(7,)]).expect("bound");
        let error = script.run(&mut connection).await.expect_err("there is no such row").to_string();
        assert!(error.contains("t: 0 of 1 rows"), "{error}");
        let mut script = Script::default();
        script.put::<(i64,)>("t", update, &[]).expect("nothing to bind");
        assert!(script.run(&mut connection).await.expect("nothing to do").is_empty());
    }
}
