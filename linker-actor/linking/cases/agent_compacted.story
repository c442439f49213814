# A sub-agent runs out of context itself; it goes on under its own name, while main goes on too.
a 09:00:00 S
  user: go
  call t1 Agent: dig
b 09:00:01 S/x
  user: dig
  call t2 Bash: ls
c 09:00:02 S/x
  after b
  result t2: much
  block: Your task is to create a detailed summary of the conversation so far
  answer: <summary>1. Primary Request and Intent: digging through the listing, of which half has been read by now.</summary>
d 09:00:03 S/x
  user: This session is being continued from a previous conversation that ran out of context. Summary: 1. Primary Request and Intent: digging through the listing, of which half has been read by now.
  answer: dug
e 09:00:04 S/x
  after d
  user: go on
f 09:00:05 S
  after a
  result t1: dug agentId: x
expect c turn of b on subtask_1
expect d compact of c on compact_090003 by summary
expect e turn of d on compact_090003
expect f turn of a on main
