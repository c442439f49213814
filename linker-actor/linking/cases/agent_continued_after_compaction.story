# A sub-agent is continued after the one above was compacted.
a 09:00:00 S
  user: go
  call t1 Agent: dig
b 09:00:01 S/x
  user: dig
  answer: dug
c 09:00:02 S
  after a
  result t1: dug agentId: x
  answer: ok
k 09:00:10 S
  after c
  user: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: an agent has dug, and it is to dig again when asked for it.</summary>
d 09:00:20 S
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: an agent has dug, and it is to dig again when asked for it.
  block: dig again
  call t2 SendMessage: again
e 09:00:21 S/x
  after b
  user: again
  answer: dug again
f 09:00:22 S
  after d
  result t2: dug again agentId: x
expect b subagent of a on subtask_1
expect d compact of k on compact_090020
expect e turn of b on subtask_1 by agent_prefix
expect f turn of d on compact_090020
