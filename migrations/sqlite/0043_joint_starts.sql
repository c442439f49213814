-- As in `link_prefixes`. Hardly a link has no joint.
DROP INDEX links_by_joint;
CREATE INDEX links_by_joint ON links (substr(joint_hash, 1, 8), at);

-- Asked for all exchanges of a conversation, in no order.
DROP INDEX links_by_conversation;
CREATE INDEX links_by_conversation ON links (conversation_id);
