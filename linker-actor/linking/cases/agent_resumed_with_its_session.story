# A sub-agent is continued after the session was resumed under another id.
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
d 09:00:10 T
  after c
  user: again
  call t2 SendMessage: more
e 09:00:11 T/x
  after b
  user: more
  answer: dug more
f 09:00:12 T
  after d
  result t2: dug more agentId: x
expect d turn of c on main
expect e turn of b on subtask_1
expect f turn of d on main
