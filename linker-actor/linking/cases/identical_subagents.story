# Two identical sub-agents in parallel: each to its own call. A main turn after them is none.
a 09:00:00 S
  user: count twice
  call t1 Agent: count the files
  call t2 Agent: count the files
b 09:00:01 S/x
  user: count the files
  answer: 2
c 09:00:02 S/y
  user: count the files
  answer: 3
d 09:00:05 S
  after a
  result t1: 2
  result t2: 3
  answer: Two and three.
expect a root on main
expect b subagent of a on subtask_1 task t1
expect c subagent of a on subtask_2 task t2
expect d turn of a on main
