-- What has to be found by its age, so that nothing that only guards against repetition is kept for ever.

CREATE INDEX inbox_age ON inbox (at);
CREATE INDEX kept_answers_age ON kept_answers (at);

-- The time of the last attempt. A count from before this column is as good as none.
ALTER TABLE attempts ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX attempts_of_message ON attempts (message_id);

CREATE INDEX dead_letters_age ON dead_letters (at, id) WHERE taken_at IS NULL;
