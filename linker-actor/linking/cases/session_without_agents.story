# A client that names its session in the header, but no agents: two identical sub-agents, each to its own call.
a 09:00:00 S
  user: count twice
  call t1 Agent: count
  call t2 Agent: count
b 09:00:01 S
  user: count
  call u1 Bash: ls
c 09:00:02 S
  user: count
  call u2 Bash: ls
d 09:00:03 S
  after b
  result u1: 3
  answer: three
e 09:00:04 S
  after c
  result u2: 4
  answer: four
f 09:00:05 S
  after a
  result t1: three
  result t2: four
expect b subagent of a on subtask_1 task t1 by prompt
expect c subagent of a on subtask_2 task t2 by prompt
expect d turn of b on subtask_1
expect e turn of c on subtask_2
expect f turn of a on main
