-- Lists of conversations with so many tokens, or at such a cost, pass over the others in the index.
DROP INDEX conversations_by_time;
CREATE INDEX conversations_by_time ON conversations (
    last_at, conversation_id, first_at,
    (input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens), cost_nanos
);
