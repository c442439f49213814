# Nested agents in the background finish after the turns of those above.
a 09:00:00 S
  user: go
  call t1 Agent: dig
b 09:00:01 S/x
  user: dig
  call t2 Agent: look
c 09:00:02 S
  after a
  result t1: Async agent launched successfully. agentId: x
  answer: runs
d 09:00:03 S/x
  after b
  result t2: Async agent launched successfully. agentId: y
  answer: started
e 09:00:04 S/y^x
  user: look
  call t3 Bash: ls
f 09:00:05 S
  after c
  user: <task-notification>x is done</task-notification>
  answer: good
g 09:00:06 S/y^x
  after e
  result t3: seen
  answer: seen
h 09:00:07 S/x
  after d
  user: <task-notification>y is done</task-notification>
  answer: all seen
expect b subagent of a on subtask_1
expect e subagent of b on subtask_2 task t2
expect f turn of c on main
expect g turn of e on subtask_2
expect h turn of d on subtask_1
